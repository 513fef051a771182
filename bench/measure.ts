import type { Contender } from "./contenders/contender.ts";
import type { Load } from "./load.ts";
import type { Server } from "./processes.ts";
import type { Shape, Variant } from "./shapes.ts";
import { median } from "./statistics.ts";
import { cpuOf, cpuOfDatabase, forgetPeak, peakMemoryOf } from "./usage.ts";

/** A contender that runs on a database, and what it is asked there. */
export interface Running {
  readonly contender: Contender;
  readonly server: Server;
  readonly variants: ReadonlyMap<Shape, readonly Variant[]>;
}

/** What was seen in a turn; or, of several turns, the median of each figure. */
export interface Figures {
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Seconds of CPU for 1,000 requests; NaN where the system does not tell. */
  readonly cpuServer: number;
  readonly cpuDatabase: number;
  /** The server's most memory, MB; NaN where the system does not tell. */
  readonly megabytes: number;
}

/** How long and how hard. */
export interface Plan {
  readonly connections: number;
  readonly rounds: number;
  /** Milliseconds. */
  readonly warmUp: number;
  readonly turn: number;
}

export interface Measuring {
  readonly load: Load;
  readonly postmasterPid: number;
  /** Called after each turn. */
  onTurn?(): void;
}

/** Measures in turns, A B C A B C …, so that what else the machine does meets all alike. Throws where an answer is wrong. */
export async function measureInTurns(
  shapes: readonly Shape[],
  contenders: readonly Running[],
  plan: Plan,
  measuring: Measuring,
): Promise<Figures[]> {
  for (const running of contenders) await turn(shapes, running, plan.connections, plan.warmUp, measuring);
  const seen: Figures[][] = contenders.map(() => []);
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [i, running] of contenders.entries()) {
      seen[i]?.push(await turn(shapes, running, plan.connections, plan.turn, measuring));
    }
  }
  return seen.map(medians);
}

/** One server under load for a while, with all shapes mixed. */
async function turn(
  shapes: readonly Shape[],
  { contender, server, variants }: Running,
  connections: number,
  milliseconds: number,
  { load, postmasterPid, onTurn }: Measuring,
): Promise<Figures> {
  const requests = mixed(
    shapes.map((shape) =>
      (variants.get(shape) ?? []).map((variant) => ({ path: contender.path(shape), body: contender.body(shape, variant) })),
    ),
  );
  forgetPeak(server.pid);
  const server0 = cpuOf(server.pid);
  const database0 = cpuOfDatabase(postmasterPid);
  const outcome = await load.run({
    ...{ origin: server.origin, headers: contender.headers, requests, connections, milliseconds },
    varies: shapes.includes("upsert"),
  });
  if (outcome.failed > 0) {
    throw new Error(
      `${contender.name}, ${shapes.join(", ")}: ${outcome.failed} of ${outcome.requests} answers are wrong: ` +
        outcome.failures.join("; "),
    );
  }
  const thousands = outcome.requests / 1000;
  const figures = {
    requestsPerSecond: outcome.requests / outcome.seconds,
    p50: outcome.p50,
    p99: outcome.p99,
    cpuServer: (cpuOf(server.pid) - server0) / thousands,
    cpuDatabase: (cpuOfDatabase(postmasterPid) - database0) / thousands,
    megabytes: peakMemoryOf(server.pid),
  };
  onTurn?.();
  return figures;
}

/** One of each list in turn, the shorter ones again and again, until the longest is through. */
export function mixed<Item>(lists: readonly (readonly Item[])[]): Item[] {
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i % list.length] ?? [])).flat();
}

function medians(turns: readonly Figures[]): Figures {
  const of = (figure: keyof Figures) => median(turns.map((seen) => seen[figure]));
  return {
    requestsPerSecond: of("requestsPerSecond"),
    p50: of("p50"),
    p99: of("p99"),
    cpuServer: of("cpuServer"),
    cpuDatabase: of("cpuDatabase"),
    // The most of all turns: a median would hide what the process once needed.
    megabytes: Math.max(...turns.map((seen) => seen.megabytes)),
  };
}

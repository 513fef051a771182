import { OperatorError } from "../src/errors.ts";
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

/** What was seen in a turn. */
export interface Turn {
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

/** The median of each figure over all turns; of the memory the most. */
export interface Figures extends Turn {
  readonly turns: readonly Turn[];
}

/** Pools close what is idle while others have their turn: connections are made again before a turn counts. Milliseconds. */
const LEAD_IN = 200;

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

/** What is measured in one turn: a contender, asked these shapes mixed. */
export interface Line {
  readonly running: Running;
  readonly shapes: readonly Shape[];
}

/** Measures in turns, A B C A B C …, so that what else the machine does meets all alike. Throws where an answer is wrong. */
export async function measureInTurns(lines: readonly Line[], plan: Plan, measuring: Measuring): Promise<Figures[]> {
  for (const line of lines) await turn(line, plan.connections, plan.warmUp, measuring);
  const seen: Turn[][] = lines.map(() => []);
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [i, line] of lines.entries()) seen[i]?.push(await turn(line, plan.connections, plan.turn, measuring));
  }
  return seen.map(medians);
}

/** How many turns `measureInTurns` takes: for the bar. */
export function turnsOf(lines: number, { rounds }: Plan): number {
  return lines * (1 + rounds);
}

/** One server under load for a while. */
async function turn(
  { running: { contender, server, variants }, shapes }: Line,
  connections: number,
  milliseconds: number,
  { load, postmasterPid, onTurn }: Measuring,
): Promise<Turn> {
  const requests = mixed(
    shapes.map((shape) =>
      (variants.get(shape) ?? []).map((variant) => ({
        path: contender.path(shape),
        body: contender.body(shape, variant),
      })),
    ),
  );
  const varies = shapes.includes("upsert");
  const job = { origin: server.origin, headers: contender.headers, requests, connections, varies };
  await load.run({ ...job, milliseconds: LEAD_IN });
  forgetPeak(server.pid);
  const server0 = cpuOf(server.pid);
  const database0 = cpuOfDatabase(postmasterPid);
  const outcome = await load.run({ ...job, milliseconds });
  if (outcome.failed > 0) {
    throw new OperatorError(
      `${contender.name}, ${shapes.join(", ")}: ${outcome.failed} of ${outcome.requests} answers are wrong: ` +
        outcome.failures.join("; "),
    );
  }
  if (milliseconds > 0 && outcome.requests < connections) {
    throw new OperatorError(
      `${contender.name}, ${shapes.join(", ")}: only ${outcome.requests} answers in a turn. The machine was busy with something else: try again when it is not.`,
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

function medians(turns: readonly Turn[]): Figures {
  const of = (figure: keyof Turn) => median(turns.map((seen) => seen[figure]));
  return {
    requestsPerSecond: of("requestsPerSecond"),
    p50: of("p50"),
    p99: of("p99"),
    cpuServer: of("cpuServer"),
    cpuDatabase: of("cpuDatabase"),
    // The most of all turns: a median would hide what the process once needed.
    megabytes: Math.max(...turns.map((seen) => seen.megabytes)),
    turns,
  };
}

import { setTimeout as delay } from "node:timers/promises";
import { ask, type Contender } from "./contenders/contender.ts";
import { floor } from "./contenders/floor.ts";
import { GRAPHQL_HEADERS } from "./contenders/graphql.ts";
import { ours } from "./contenders/ours.ts";
import { postgraphile } from "./contenders/postgraphile.ts";
import { type Databases, restoreUpserted } from "./database.ts";
import { startLoad } from "./load.ts";
import { type Figures, type Measuring, measureInTurns, type Plan, type Running, turnsOf } from "./measure.ts";
import { machine, type Options } from "./options.ts";
import { type Server, say, startServer } from "./processes.ts";
import { startBar } from "./progress.ts";
import { AGAIN, OURS, OURS_HERE, type Report } from "./report.ts";
import { prepare, requireSameAnswers } from "./setup.ts";
import { READING, type Shape } from "./shapes.ts";
import type { Size } from "./sizes.ts";
import { median } from "./statistics.ts";

const MEMORY_CONNECTIONS = 32;
/** Longer than the slowest request to this server on its first start. */
const READY_TIMEOUT_MS = 30_000;

/** Measures all that the options ask for. Ends every process that it started, also where it throws. */
export async function measureAll(options: Options, databases: Databases, stop: AbortSignal): Promise<Report> {
  const { quick, shapes, connections } = options;
  const size: Size = quick ? "tenth" : "full";
  const url = databases.urls[size];
  const plan = quick
    ? { connections, rounds: options.rounds ?? 2, warmUp: 400, turn: 800 }
    : { connections, rounds: options.rounds ?? 10, warmUp: 3000, turn: 2000 };
  const node = process.execPath;
  const machineNode = process.env["BENCH_MACHINE_NODE"] ?? node;
  const read = READING.filter((shape) => shapes.includes(shape));

  const servers: Server[] = [];
  const load = startLoad(stop);
  const measuring = { load, postmasterPid: databases.postmasterPid };
  try {
    await restoreUpserted(url); // a run before this one may have been stopped
    say("Starting the contenders, and comparing their answers.");
    const start = (contender: Contender) => prepare(contender, shapes, size, url, servers);
    const own = await start(ours(OURS, node));
    // The same server: only its header lets it answer from its cache.
    const again: Running = { ...own, contender: ours(AGAIN, node, true) };
    const here = quick ? [] : [await start(ours(OURS_HERE, machineNode))];
    const others = [await start(postgraphile(node)), await start(floor(node))];
    // `again` twice: what it answers from its cache must be right as well.
    await requireSameAnswers([own, again, again, ...here, ...others], shapes, url, stop);

    const report: Report = {
      ...{
        machine: machine(),
        node: process.version,
        machineNode: process.env["BENCH_MACHINE_VERSION"] ?? process.version,
      },
      ...{ size, connections, rounds: plan.rounds, shapes: {} },
    };
    const total = shapes.reduce((sum, shape) => {
      const lines = 1 + here.length + others.length + (read.includes(shape) ? 1 : 0);
      return sum + turnsOf(lines, plan);
    }, 0);
    await withBar("Measuring", total, measuring, async (counted) => {
      for (const shape of shapes) {
        const contenders = [own, ...(read.includes(shape) ? [again] : []), ...here, ...others];
        const lines = contenders.map((running) => ({ running, shapes: [shape] }));
        const figures = await measureInTurns(lines, plan, counted);
        report.shapes[shape] = named(contenders, figures);
      }
    });
    if (shapes.includes("upsert")) await restoreUpserted(url);

    const alone: Plan = { connections: 1, rounds: quick ? 2 : 9, warmUp: quick ? 300 : 1000, turn: quick ? 500 : 1000 };
    if (read.includes("deep") && read.includes("first")) {
      const lines = (["deep", "first"] as const).map((shape) => ({ running: own, shapes: [shape] }));
      const [deep, first] = await measureInTurns(lines, alone, measuring);
      if (deep && first) report.deepness = { deep, first };
    }
    if (!quick && read.length > 0) {
      const small = await prepare(ours(OURS, node), read, "tenth", databases.urls.tenth, servers);
      report.growth = await measureGrowth(read, small, own, alone, measuring);
    }
    // Nobody else's memory and processor is to be in the way of what follows.
    for (const server of servers.splice(0)) await server.stop();
    if (read.length > 0) {
      const fresh = await prepare(ours(OURS, node), read, size, url, servers);
      report.memory = await measureMemory(read, fresh, quick ? 3000 : 10_000, measuring);
      for (const server of servers.splice(0)) await server.stop();
    }
    const starts = quick ? 3 : 5;
    report.start = {
      [OURS]: await startTime(ours(OURS, node), url, starts, stop),
      [OURS_HERE]: await startTime(ours(OURS_HERE, machineNode), url, starts, stop),
    };
    return report;
  } finally {
    await Promise.all([load, ...servers].map((process) => process.stop()));
  }
}

function named(contenders: readonly Running[], figures: readonly Figures[]): Record<string, Figures> {
  return Object.fromEntries(
    contenders.flatMap(({ contender }, i) => {
      const seen = figures[i];
      return seen ? [[contender.name, seen]] : [];
    }),
  );
}

/** The same shape at a tenth of the data and at all of it, one request at a time: no request waits for another. */
async function measureGrowth(read: readonly Shape[], small: Running, large: Running, plan: Plan, measuring: Measuring) {
  const growth: NonNullable<Report["growth"]> = {};
  await withBar("Measuring the growth", read.length * turnsOf(2, plan), measuring, async (counted) => {
    for (const shape of read) {
      const lines = [small, large].map((running) => ({ running, shapes: [shape] }));
      const [tenth, full] = await measureInTurns(lines, plan, counted);
      if (tenth && full) growth[shape] = { tenth, full };
    }
  });
  return growth;
}

/** All reading shapes mixed, first past the cache and then from it. */
async function measureMemory(read: readonly Shape[], own: Running, turn: number, measuring: Measuring) {
  const again = { ...own, contender: ours(AGAIN, process.execPath, true) };
  const lines = [own, again].map((running) => ({ running, shapes: read }));
  const plan = { connections: MEMORY_CONNECTIONS, rounds: 1, warmUp: 0, turn };
  const figures = await measureInTurns(lines, plan, measuring);
  return { connections: MEMORY_CONNECTIONS, megabytes: Math.max(...figures.map(({ megabytes }) => megabytes)) };
}

/** From the start of the process until it answers a query: the median of some starts, milliseconds. */
async function startTime(contender: Contender, url: string, starts: number, stop: AbortSignal): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < starts; i += 1) {
    stop.throwIfAborted();
    const from = performance.now();
    const server = await startServer(contender, url);
    try {
      await firstAnswer(`${server.origin}/graphql`, from + READY_TIMEOUT_MS);
      times.push(performance.now() - from);
    } finally {
      await server.stop();
    }
  }
  return median(times);
}

async function firstAnswer(url: string, deadline: number): Promise<void> {
  const body = JSON.stringify({ query: "{ __typename }" });
  for (;;) {
    try {
      await ask(url, GRAPHQL_HEADERS, body);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(5);
    }
  }
}

async function withBar(
  what: string,
  turns: number,
  measuring: Measuring,
  work: (measuring: Measuring) => Promise<void>,
): Promise<void> {
  const bar = startBar(what, turns, "turns");
  let done = 0;
  try {
    await work({ ...measuring, onTurn: () => bar.report(++done) });
  } finally {
    bar.end();
  }
}

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ours } from "./contenders/ours.ts";
import { startLoad } from "./load.ts";
import { CLI, type Server } from "./processes.ts";
import { prepare } from "./setup.ts";
import type { Shape } from "./shapes.ts";
import type { Size } from "./sizes.ts";
import { table } from "./table.ts";

const LOAD_MS = 8000;
const TOP = 25;

/** What V8 writes: a tree of functions, and at which of them each sample found the program. Times in microseconds. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** This server alone under load, and the functions that its time went to. */
export async function printProfile(
  shape: Shape,
  connections: number,
  size: Size,
  databaseUrl: string,
  stop: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "stage1-bench-"));
  const servers: Server[] = [];
  const load = startLoad(stop);
  try {
    const server = ours("ours", process.execPath);
    const contender = {
      ...server,
      command: [process.execPath, "--cpu-prof", `--cpu-prof-dir=${folder}`, CLI, "serve"] as const,
    };
    const from = performance.now();
    const running = await prepare(contender, [shape], size, databaseUrl, servers);
    const requests = (running.variants.get(shape) ?? []).map((variant) => ({
      path: contender.path(shape),
      body: contender.body(shape, variant),
    }));
    const job = {
      origin: running.server.origin,
      headers: contender.headers,
      requests,
      connections,
      varies: shape === "upsert",
    };
    await load.run({ ...job, milliseconds: LOAD_MS / 4 }); // compiled by then
    const began = performance.now();
    const outcome = await load.run({ ...job, milliseconds: LOAD_MS });
    const ended = performance.now();
    await running.server.stop(); // writes the profile
    const [file = ""] = readdirSync(folder);
    const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
    const times = selfTimes(profile, (began - from) * 1000, (ended - from) * 1000);
    process.stdout.write(
      `\n${shape}: ${outcome.requests} requests in ${outcome.seconds.toFixed(1)} s under the profiler.\n` +
        "By the clock, not by the processor: a call that wakes another process up, such as writev, holds what that one took from this.\n\n" +
        `${shares("function, by its own time", times.functions)}\n\n${shares("package or file", times.places)}\n`,
    );
  } finally {
    await Promise.all([load, ...servers].map((process) => process.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

type Times = ReadonlyMap<string, number>;

/** Microseconds in each function and in each place, between two instants after the start of the process. */
export function selfTimes(profile: CpuProfile, from: number, to: number): { functions: Times; places: Times } {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  let at = 0;
  for (const [i, id] of profile.samples.entries()) {
    const took = profile.timeDeltas[i] ?? 0;
    at += took;
    const frame = frames.get(id);
    if (!frame || at < from || at > to || frame.functionName === "(idle)") continue;
    const called = frame.functionName || "(anonymous)";
    const place = placeOf(frame.url);
    const line = frame.url === "" ? "" : `:${frame.lineNumber + 1}`;
    const name = frame.url === "" ? called : `${called}  ${fileOf(frame.url)}${line}`;
    functions.set(name, (functions.get(name) ?? 0) + took);
    places.set(place, (places.get(place) ?? 0) + took);
  }
  return { functions, places };
}

/** The package that a file belongs to, or the file of the product itself. */
function placeOf(url: string): string {
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (name !== undefined) return name;
  if (url === "") return "V8 and native code";
  return url.startsWith("node:") ? "node" : fileOf(url);
}

function fileOf(url: string): string {
  return url.replace(/.*\/node_modules\//, "").replace(/.*\/dist\//, "dist/");
}

function shares(what: string, times: Times): string {
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, TOP);
  return table(
    [what, "ms", "share"],
    rows.map(([name, time]) => [name, (time / 1000).toFixed(0), `${((time / all) * 100).toFixed(1)} %`]),
  );
}

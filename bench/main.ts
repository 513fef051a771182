import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { OperatorError } from "../src/errors.ts";
import { measureAll } from "./bench.ts";
import { openDatabases } from "./database.ts";
import { type Options, readOptions } from "./options.ts";
import { picture } from "./picture.ts";
import { printPlans } from "./plans.ts";
import { say } from "./processes.ts";
import { printProfile } from "./profile.ts";
import type { Report } from "./report.ts";
import { figure, growthTable, shapeTables, verdictTable } from "./table.ts";
import { usageIsTold } from "./usage.ts";
import { verdicts } from "./verdict.ts";

const DATA_DIR = fileURLToPath(new URL(".data", import.meta.url));

async function main(options: Options, stop: AbortSignal): Promise<void> {
  const { quick, profile, plans } = options;
  const alone = profile !== undefined || plans !== undefined;
  const databases = await openDatabases(DATA_DIR, quick ? ["tenth"] : alone ? ["full"] : ["tenth", "full"], stop);
  try {
    const url = databases.urls[quick ? "tenth" : "full"];
    const size = quick ? "tenth" : "full";
    if (profile) return await printProfile(profile, options.connections, size, url, stop);
    if (plans) return await printPlans(plans, size, url, databases.logFile);
    const report = await measureAll(options, databases, stop);
    print(report);
    if (options.json)
      writeFileSync(options.json, `${JSON.stringify({ ...report, verdicts: verdicts(report) }, null, 2)}\n`);
    if (options.svg) writeFileSync(options.svg, picture(report));
  } finally {
    await databases.release();
  }
}

function print(report: Report): void {
  const { growth, deepness, memory, start } = report;
  const { node, machineNode, machine, connections, rounds, size } = report;
  const parts = [
    `${machine}; Node ${node}, the machine's own ${machineNode}; ${connections} connections, median of ${rounds} rounds` +
      (size === "tenth" ? "; a tenth of the data" : ""),
    shapeTables(report),
    ...(growth ? [growthTable(growth)] : []),
    [
      ...(deepness
        ? [`p50, one at a time: page 1 ${figure(deepness.first.p50)} ms, deep ${figure(deepness.deep.p50)} ms`]
        : []),
      ...(memory ? [`memory under ${memory.connections} connections: ${figure(memory.megabytes)} MB`] : []),
      ...Object.entries(start ?? {}).map(([name, ms]) => `start until ready, ${name}: ${figure(ms / 1000)} s`),
    ].join("\n"),
    verdictTable(verdicts(report)),
    ...(usageIsTold ? [] : ["CPU and memory are not measured on this system: it has no /proc."]),
    ...(size === "tenth" ? ["Growth is not measured with --quick, which loads no other size."] : []),
  ];
  process.stdout.write(`\n${parts.filter(Boolean).join("\n\n")}\n`);
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) say(`\nStopping (${signal}).`);
    stop.abort();
  });
}
try {
  const options = readOptions(process.argv.slice(2));
  if (options) await main(options, stop.signal);
} catch (error) {
  process.exitCode = 1;
  if (stop.signal.aborted) process.exitCode = 130;
  else if (error instanceof OperatorError) say(error.message);
  else say(`The bench failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
}

import { readFileSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ask } from "./contenders/contender.ts";
import { ours } from "./contenders/ours.ts";
import { withClient } from "./database.ts";
import type { Server } from "./processes.ts";
import { prepare } from "./setup.ts";
import type { Shape } from "./shapes.ts";
import type { Size } from "./sizes.ts";

/** A statement with a name has its final plan after five executions with others. */
const WARM_UP = 8;
/** A log line is written right after its statement; it is looked for until nothing more comes. */
const QUIET_MS = 300;

/** Settings of the database for as long as this takes; read when a session begins. */
const SETTINGS = {
  session_preload_libraries: "auto_explain",
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_buffers": "on",
  "auto_explain.log_nested_statements": "on",
};

/** One request of a shape to this server, and each statement that it ran with its plan, as PostgreSQL's log tells it. */
export async function printPlans(shape: Shape, size: Size, databaseUrl: string, logFile: string): Promise<void> {
  const database = new URL(databaseUrl).pathname.slice(1);
  const alter = (change: (name: string, value: string) => string) =>
    withClient(databaseUrl, async (client) => {
      for (const [name, value] of Object.entries(SETTINGS)) {
        await client.query(`ALTER DATABASE "${database}" ${change(name, value)}`);
      }
    });
  const servers: Server[] = [];
  try {
    await alter((name, value) => `SET ${name} = '${value}'`);
    const { contender, server, variants } = await prepare(
      ours("ours", process.execPath),
      [shape],
      size,
      databaseUrl,
      servers,
    );
    const body = contender.body(shape, variants.get(shape)?.[0] ?? {});
    const request = () => ask(server.origin + contender.path(shape), contender.headers, body);
    for (let i = 0; i < WARM_UP; i += 1) await request();
    const from = await quietSize(logFile);
    await request();
    await quietSize(logFile);
    process.stdout.write(`\n${plansIn(readFileSync(logFile).subarray(from).toString("utf8"))}\n`);
  } finally {
    for (const server of servers) await server.stop();
    await alter((name) => `RESET ${name}`);
  }
}

/** The size of the log once nothing is written any more, bytes. */
async function quietSize(logFile: string): Promise<number> {
  for (let last = -1; ; ) {
    const { size } = statSync(logFile);
    if (size === last) return size;
    last = size;
    await delay(QUIET_MS);
  }
}

/** The entries of auto_explain alone, without what begins each line of the log. */
export function plansIn(log: string): string {
  const entries = log
    .split(/^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/m)
    .filter((entry) => / LOG: +duration: .* plan:/.test(entry));
  return entries
    .map((entry) =>
      entry
        .replace(/^.*? LOG: +duration: /, "── ")
        .replaceAll(/^\t/gm, "")
        .replace(/^(Query Parameters: .{200}).+/m, "$1…")
        .trimEnd(),
    )
    .join("\n\n");
}

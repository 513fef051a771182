import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Pool } from "../../src/db/pool.ts";
import type { Process } from "../process.ts";
import { isExpected } from "./verdict.ts";

/** A program that grows beyond this ends by itself. MB. */
export const HEAP_MB = 256;
/** With its heap, its code, and the buffers of requests of 10 MB. */
const RSS_MB = 700;

/** Has PostgreSQL say the SQLSTATE of each statement that fails, in its log. */
export async function logStates(database: Pool): Promise<void> {
  await database.query("ALTER SYSTEM SET log_line_prefix = '%e '");
  await database.query("SELECT pg_reload_conf()");
}

/** What a `serve` process and its PostgreSQL log, a line each that should not be there, since the last call. */
export function watchLogs(server: Process, dataDir: string): () => Promise<string[]> {
  let [read, said] = [0, server.output().length];
  return async () => {
    const log = await open(join(dataDir, "postgres.log"));
    let statements: string;
    try {
      const { size } = await log.stat();
      const { buffer } = await log.read(Buffer.alloc(size - read), 0, size - read, read);
      const end = buffer.lastIndexOf("\n") + 1;
      statements = buffer.subarray(0, end).toString();
      read += end;
    } finally {
      await log.close();
    }
    const output = server.output();
    const lines = output.slice(said, output.lastIndexOf("\n") + 1);
    said += lines.length;
    return [...failedIn(statements), ...lines.split("\n").flatMap(errorIn)];
  };
}

/** Each error with its statement. */
function failedIn(log: string): string[] {
  const entries = log.split(/^(?=[\dA-Z]{5} [A-Z]+: {2})/m);
  return entries.flatMap((entry, i) => {
    const [, code, message] = /^([\dA-Z]{5}) (?:ERROR|FATAL|PANIC): {2}(.*)/.exec(entry) ?? [];
    if (code === undefined) return [];
    const statement = entries.slice(i + 1, i + 4).find((next) => next.startsWith(`${code} STATEMENT:`)) ?? "";
    return isExpected({ code, statement }) ? [] : [`SQLSTATE ${code}: ${message} in ${statement.slice(18)}`];
  });
}

/** What pino writes of level `error` and above; and what is none of its lines, as Node says when it ends. */
function errorIn(line: string): string[] {
  const [, level] = /^\{"level":(\d+)/.exec(line) ?? [];
  const isError = level === undefined ? /error|warning/i.test(line) : Number(level) >= 50;
  return isError ? [`logged: ${line}`] : [];
}

/** The memory that a process holds, MB. */
export async function memoryOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Math.round(Number(stdout) / 1024);
}

/** Why these sizes, in MB and taken at equal distances, show that a process grows without bound; undefined: they do not. */
export function growthIn(sizes: readonly number[]): string | undefined {
  const largest = Math.max(...sizes);
  if (largest > RSS_MB) return `it held ${largest} MB, and ${RSS_MB} are enough`;
  if (sizes.length < 40) return undefined; // too short to tell growth from warming up
  const quarter = Math.floor(sizes.length / 4);
  const before = Math.max(...sizes.slice(quarter, 2 * quarter));
  const least = Math.min(...sizes.slice(-quarter));
  return least > before * 1.25
    ? `it never held less than ${least} MB at the end, and at most ${before} MB before`
    : undefined;
}

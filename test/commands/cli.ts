import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inject, onTestFinished } from "vitest";
import { copyFolder } from "../copy-folder.ts";
import type { Answer } from "../harness.ts";
import { type Exit, type Process, shellEnvironment, start } from "../process.ts";

/** The program as it was built. */
export const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface RunOptions {
  readonly cwd?: string;
  /** Variables beside those of a plain shell. */
  readonly env?: Readonly<Record<string, string>>;
  /** Goes on after the test: the caller ends it. */
  readonly outlivesTest?: boolean;
}

/** Starts a command of the built program. It is killed at the end of the test, where it still runs. */
export function run(args: readonly string[], options: RunOptions = {}): Process {
  return runNode([CLI, ...args], options);
}

/** Starts Node as `run` does. */
export function runNode(args: readonly string[], options: RunOptions = {}): Process {
  return startForTest(process.execPath, args, options);
}

/** Starts any program for the time of a test, without the settings that this shell may hold for the product. */
export function startForTest(command: string, args: readonly string[], options: RunOptions = {}): Process {
  const child = start(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...shellEnvironment(), STAGE1_LOG_LEVEL: "warn", ...options.env },
  });
  if (!options.outlivesTest) {
    onTestFinished(async () => {
      child.killGroup("SIGKILL");
      await child.exit;
    });
  }
  return child;
}

/** A command's end and all that it wrote. */
export async function finished(command: Process): Promise<Exit & { output: string }> {
  return { ...(await command.exit), output: command.output() };
}

/** A running `serve`. */
export interface Serving extends Process {
  /** Address of the GraphQL endpoint. */
  readonly url: string;
  /** The HTTP status, and what was answered. `Data` is what the test expects, not checked here. */
  send<Data>(query: string): Promise<Answer<Data> & { status: number }>;
}

/** Starts `serve` on a free port, and waits until it is ready. */
export async function serve(args: readonly string[], options: RunOptions = {}): Promise<Serving> {
  return ready(run(["serve", "--port", "0", ...args], options));
}

/** Waits until a started `serve` is ready. */
export async function ready(server: Process): Promise<Serving> {
  const [, url = ""] = await server.waitFor(/GraphiQL +(\S+)[\s\S]*Ctrl-C\n/);
  return {
    ...server,
    url,
    async send<Data>(query: string) {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });
      return { status: response.status, ...((await response.json()) as Answer<Data>) };
    },
  };
}

/** A folder that is removed at the end of the test, with what still runs in it. */
export async function testFolder(): Promise<string> {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  return folder;
}

export function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "stage1-test-"));
}

export async function removeFolder(folder: string): Promise<void> {
  for (const pid of await processesIn(folder)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile: PostgreSQL's processes end with their first.
    }
  }
  await until(async () => (await processesIn(folder)).length === 0);
  await rm(folder, { recursive: true, force: true });
}

/** A data directory as a first `migrate` leaves it: a copy, since making one takes a second. The caller removes it. */
export async function makeDataDir(): Promise<string> {
  const folder = await makeFolder();
  await copyFolder(inject("dataDir"), folder);
  return folder;
}

/** As `makeDataDir`, for the time of a test. */
export async function testDataDir(): Promise<string> {
  const folder = await makeDataDir();
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** The pid of the PostgreSQL of a data directory. */
export async function postmasterOf(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, "pg", "postmaster.pid"), "utf8")).split("\n")[0]);
}

/** The database of a data directory that is in use. */
export async function urlOf(dataDir: string): Promise<string> {
  const port = await readFile(join(dataDir, "port"), "utf8");
  const [, , , user, password] = (await readFile(join(dataDir, "pgpass"), "utf8")).trim().split(":");
  return `postgres://${user}:${password}@127.0.0.1:${port}/stage1_trading`;
}

/** Processes that work in a folder, as every process of PostgreSQL does in its data. */
export async function processesIn(folder: string): Promise<number[]> {
  if (!existsSync("/proc/self/cwd"))
    return existsSync(join(folder, "pg", "postmaster.pid")) ? [await postmasterOf(folder)] : [];
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return pids.filter((_, i) => folders[i]?.startsWith(folder));
}

/** Whether `script` can give a command a terminal, as that of util-linux does. */
export const hasTerminals = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux") ?? false;

/** Polls for a condition. Rejects after 20 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not come about within 20 s: ${condition}`);
    await delay(20);
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Contender } from "./contenders/contender.ts";

/** The built product. */
export const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

const START_TIMEOUT_MS = 30_000;
/** The product itself gives requests and connections some seconds to end. */
const STOP_TIMEOUT_MS = 12_000;

/** A server that listens. */
export interface Server {
  readonly pid: number;
  /** Scheme, host and port. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** To standard error, so that standard output is the report alone. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs a program to its end. Rejects where it fails, and where it is stopped before. */
export async function run(command: readonly string[], env: NodeJS.ProcessEnv, stop: AbortSignal): Promise<void> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env: environment(env), stdio: ["ignore", process.stderr, process.stderr] });
  const end = () => child.kill("SIGTERM");
  stop.addEventListener("abort", end);
  try {
    const [code, signal] = await once(child, "exit");
    stop.throwIfAborted();
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code ?? signal}.`);
  } finally {
    stop.removeEventListener("abort", end);
  }
}

/** Starts a contender on a database. Resolves when it says where it listens. */
export async function startServer(
  contender: Pick<Contender, "name" | "command" | "env">,
  databaseUrl: string,
): Promise<Server> {
  const [program, ...args] = contender.command;
  const child = spawn(program, args, {
    env: environment({ ...contender.env, DATABASE_URL: databaseUrl }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const origin = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${contender.name} ${why}. It wrote:\n${output}`));
    const timer = setTimeout(() => fail("did not say where it listens"), START_TIMEOUT_MS);
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-10_000);
        const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url);
      });
    }
  }).catch(async (error: unknown) => {
    await end(child);
    throw error;
  });
  return { pid: child.pid ?? 0, origin, stop: () => end(child) };
}

/** Asks a process to end, and ends it where it does not. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const waiting = new AbortController();
  const late = delay(STOP_TIMEOUT_MS, true, { signal: waiting.signal }).catch(() => false);
  if (await Promise.race([exited.then(() => false), late])) child.kill("SIGKILL");
  waiting.abort();
  await exited;
}

/** Nothing of this process's own settings, so that each run is like any other. */
function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], ...more };
}

import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real process, the leader of a process group of its own. */
export interface Process {
  readonly pid: number;
  /** What it wrote so far, to standard output and standard error, in the order it came. */
  output(): string;
  /** The first match in the output. Rejects, with the output, where the process ends or the time passes without one. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Resolves when the process has ended and its output is complete. */
  readonly exit: Promise<Exit>;
  /** Signals the process alone; nothing after its end. */
  kill(signal: NodeJS.Signals): void;
  /** Signals the process and those that it started, as Ctrl-C does; nothing after their end. */
  killGroup(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  readonly cwd?: string;
  /** The whole environment; default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whom to run as; for root only. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Starts a program. The caller ends it. Throws where there is no such program. */
export function start(command: string, args: readonly string[], options: StartOptions = {}): Process {
  const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  child.once("error", () => {}); // a failed start shows as a missing pid
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started in ${options.cwd ?? process.cwd()}`);

  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  let over = false;
  const exit = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => {
      over = true;
      resolve({ code, signal });
    });
  });

  async function waitFor(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpMatchArray> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const ended = over;
      const match = output.match(pattern);
      if (match) return match;
      const what = ended ? "ended" : Date.now() > deadline ? `went on for ${timeoutMs} ms` : undefined;
      if (what) throw new Error(`${[command, ...args].join(" ")} ${what} without ${pattern}:\n${output}`);
      await delay(20);
    }
  }

  return {
    pid,
    output: () => output,
    waitFor,
    exit,
    kill: (signal) => void child.kill(signal),
    killGroup(signal) {
      try {
        process.kill(-pid, signal);
      } catch {
        // The whole group has ended.
      }
    },
  };
}

/**
 * This process's environment as a person's shell has it: without what npm and vitest add (the checkout's own programs in
 * PATH among it), and without settings of the product.
 */
export function shellEnvironment(): NodeJS.ProcessEnv {
  const added =
    /^(?:npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|NODE_ENV$|VITEST|DATABASE_URL$|PG|HOST$|PORT$|STAGE1_)/;
  const kept = Object.entries(process.env).filter(([name]) => !added.test(name));
  const path = process.env["PATH"]?.split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: path?.join(delimiter) };
}

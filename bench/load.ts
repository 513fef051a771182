import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { end } from "./processes.ts";

/** Requests that are sent in turn, over and over, on each connection the next one after an answer. */
export interface Job {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requests: readonly { readonly path: string; readonly body: string }[];
  readonly connections: number;
  readonly milliseconds: number;
  /** The answers to a request may differ; otherwise one of another length is a failure. */
  readonly varies: boolean;
}

export interface Outcome {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  /** What was wrong with the first ones that failed. */
  readonly failures: readonly string[];
}

/** The process that sends requests. */
export interface Load {
  run(job: Job): Promise<Outcome>;
  stop(): Promise<void>;
}

export function startLoad(stop: AbortSignal): Load {
  const child = fork(fileURLToPath(new URL("load-process.ts", import.meta.url)), { execArgv: [] });
  return {
    async run(job) {
      stop.throwIfAborted();
      const waiting = new AbortController();
      const signal = AbortSignal.any([stop, waiting.signal]);
      try {
        const ended = once(child, "exit", { signal }).then(() => {
          throw new Error("The process that sends requests has ended.");
        });
        const answered = once(child, "message", { signal });
        child.send(job);
        const [outcome] = await Promise.race([answered, ended]);
        return outcome as Outcome;
      } finally {
        waiting.abort();
      }
    },
    stop: () => end(child),
  };
}

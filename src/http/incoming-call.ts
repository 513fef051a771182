import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { ClientError } from "../errors.ts";
import type { Call, Outcome } from "../graphql/call.ts";
import type { Caller } from "./access.ts";

/** A client's or a proxy's own id is taken over, so that both logs can be held together. */
const ID = /^[\w.:-]{1,64}$/;

/** A request from its first byte to the last of its answer. */
export class IncomingCall implements Call {
  readonly requestId: string;
  readonly began = performance.now();
  readonly deadline: number;
  readonly onBatch: (keys: number) => void;
  readonly #response: ServerResponse;
  readonly #deadlineMs: number;
  /** Made when a statement asks for it: an answer from memory takes less time than that. */
  #abort: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: Error | undefined;
  caller: Caller = NOBODY;
  operation: string | undefined;
  outcome: Outcome = "OK";
  statements = 0;
  isFromCache = false;

  constructor(
    response: ServerResponse,
    id: string | string[] | undefined,
    deadlineMs: number,
    onBatch: (keys: number) => void,
  ) {
    this.requestId = typeof id === "string" && ID.test(id) ? id : randomUUID();
    this.deadline = this.began + deadlineMs;
    this.onBatch = onBatch;
    this.#response = response;
    this.#deadlineMs = deadlineMs;
  }

  get token(): string | null {
    return this.caller.token?.name ?? null;
  }

  get mayWrite(): boolean {
    return this.caller.role !== "read";
  }

  get signal(): AbortSignal {
    if (this.#abort) return this.#abort.signal;
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#ended) abort.abort(this.#ended);
    else {
      const late = () =>
        new ClientError("TIMEOUT", `The answer took more than ${this.#deadlineMs / 1000} s: ask for less at once.`);
      this.#timer = setTimeout(() => abort.abort(late()), this.deadline - performance.now()).unref();
    }
    return abort.signal;
  }

  /** It is over: what still runs for it is cancelled. */
  end(): void {
    this.#ended = new ClientError("TIMEOUT", "Nobody waits for the answer any more.");
    clearTimeout(this.#timer);
    this.#abort?.abort(this.#ended);
  }

  /** Closes the connection, in the middle of an answer if need be. */
  cut(): void {
    this.#response.destroy();
  }
}

const NOBODY: Caller = { token: null, role: "read" };

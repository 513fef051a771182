import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { ClientError } from "../errors.ts";
import type { Call, Outcome } from "../graphql/call.ts";
import type { Caller } from "./access.ts";
import { Ending } from "./ending.ts";

/** A client's or a proxy's own id is taken over, so that both logs can be held together. */
const ID = /^[\w.:-]{1,64}$/;

/** A request from its first byte to the last of its answer. */
export class IncomingCall implements Call {
  readonly requestId: string;
  readonly headers: readonly string[];
  readonly began = performance.now();
  readonly deadline: number;
  readonly onBatch: (keys: number) => void;
  readonly #socket: Socket;
  readonly #deadlineMs: number;
  /** Made when a statement asks for it: an answer from memory has none. */
  #ending: Ending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  caller: Caller = NOBODY;
  /** Whether it stands in its token's account of requests under way. */
  isCounted = false;
  operation: string | undefined;
  outcome: Outcome = "OK";
  statements = 0;
  isFromCache = false;

  constructor(socket: Socket, id: string | string[] | undefined, deadlineMs: number, onBatch: (keys: number) => void) {
    this.requestId = typeof id === "string" && ID.test(id) ? id : randomUUID();
    this.headers = ["x-request-id", this.requestId, "x-content-type-options", "nosniff"];
    this.deadline = this.began + deadlineMs;
    this.onBatch = onBatch;
    this.#socket = socket;
    this.#deadlineMs = deadlineMs;
  }

  get token(): string | null {
    return this.caller.token?.name ?? null;
  }

  get mayWrite(): boolean {
    return this.caller.role !== "read";
  }

  get signal(): Ending {
    if (this.#ending) return this.#ending;
    const ending = new Ending();
    this.#ending = ending;
    if (this.#isOver) ending.abort(gone);
    else
      this.#timer = setTimeout(
        () => ending.abort(() => late(this.#deadlineMs)),
        Math.max(0, this.deadline - performance.now()),
      ).unref();
    return ending;
  }

  /** It is over: what still runs for it is cancelled. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#ending?.abort(gone);
  }

  /** Closes the connection, in the middle of an answer if need be. */
  cut(): void {
    // Not destroy(): what the system has taken over would still be sent, and take its memory until the client takes it.
    this.#socket.resetAndDestroy();
    this.outcome = "CLIENT_GONE"; // what was thrown away counts as sent
  }
}

const NOBODY: Caller = { token: null, role: "read" };

function late(deadlineMs: number): ClientError {
  return new ClientError("TIMEOUT", `The answer took more than ${deadlineMs / 1000} s: ask for less at once.`);
}

/** Told to nobody. */
function gone(): ClientError {
  return new ClientError("TIMEOUT", "Nobody waits for the answer any more.");
}

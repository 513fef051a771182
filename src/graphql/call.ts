import type { ServerResponse } from "node:http";
import type { Author } from "../domain/author.ts";
import type { ClientError, ErrorCode } from "../errors.ts";

/** A request under way, as the HTTP front hands it on. */
export interface Call extends Author {
  readonly mayWrite: boolean;
  /** When it is to be answered, in milliseconds of performance.now(). */
  readonly deadline: number;
  /** Aborted where nobody waits for the answer any more, or the deadline has passed. Its reason is what the client is told. */
  readonly signal: AbortSignal;

  // What is found out on the way, for the log and the metrics.
  /** The name of its operation. */
  operation: string | undefined;
  outcome: Outcome;
  /** SQL statements that it took. */
  statements: number;
  isFromCache: boolean;
  /** Keys of a DataLoader's batch: told as each is loaded. */
  onBatch(keys: number): void;
}

/** What became of a request: the code of its first error, if it has any. `CLIENT_GONE`: nobody took the whole answer. */
export type Outcome = "OK" | "CLIENT_GONE" | ErrorCode;

/** Answers with an error instead of data, as GraphQL over HTTP has it for a request that is no good. */
export function refuse(response: ServerResponse, call: Call, error: ClientError): void {
  call.outcome = error.code;
  const body = JSON.stringify({ errors: [{ message: error.message, extensions: { code: error.code } }] });
  response.writeHead(error.status ?? 400, { "content-type": "application/json; charset=utf-8" }).end(body);
}

import type { ServerResponse } from "node:http";
import type { Signal } from "../db/pool.ts";
import type { Author } from "../domain/author.ts";
import type { ClientError, ErrorCode } from "../errors.ts";

/** A request under way, as the HTTP front hands it on. */
export interface Call extends Author {
  readonly mayWrite: boolean;
  /** When it is to be answered, in milliseconds of performance.now(). */
  readonly deadline: number;
  /** Aborted where nobody waits for the answer any more, or the deadline has passed. Its reason is what the client is told. */
  readonly signal: Signal;

  /** Of every answer: names and values in turn, as `writeHead` takes them. */
  readonly headers: readonly string[];

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

/** For an answer that is not written by `writeHead(status, [...call.headers, …])`, which takes a third of the time. */
export function setHeaders(response: ServerResponse, { headers }: Call): void {
  for (let i = 0; i + 1 < headers.length; i += 2) response.setHeader(headers[i] ?? "", headers[i + 1] ?? "");
}

/** Answers with an error instead of data, as GraphQL over HTTP has it for a request that is no good. */
export function refuse(response: ServerResponse, call: Call, error: ClientError): void {
  call.outcome = error.code;
  setHeaders(response, call);
  const body = JSON.stringify({ errors: [{ message: error.message, extensions: { code: error.code } }] });
  response.writeHead(error.status ?? 400, { "content-type": "application/json; charset=utf-8" }).end(body);
}

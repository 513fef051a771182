import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { Db } from "../db/pool.ts";
import { tablesIn } from "../domain/tables.ts";
import { codeOf, isConnectionError } from "../errors.ts";
import type { Answer, AnswerCache } from "./answer-cache.ts";
import type { Call } from "./call.ts";
import { CompiledQueries } from "./compiled-queries.ts";
import { answerType, parseOperation } from "./http-request.ts";
import type { QueryLimits } from "./query-limits.ts";
import { schema } from "./schema.ts";

export interface DirectOptions {
  readonly cache: AnswerCache;
  readonly limits: QueryLimits;
  /** Called with what PostgreSQL said to a statement that is wrong. The query is answered by graphql-js then, if it can. */
  onDefect(error: unknown): void;
}

/** A request that may be GraphQL. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: Call;
  /** What was sent: a body, or a query string. */
  readonly text: string;
  /** The database, for this request. */
  readonly db: Db;
}

/**
 * Answers queries that are all right, which nearly all are, at a tenth of the cost of Yoga's way: from the cache, or by the
 * compiled executor. What is left to Yoga is everything else, and every mistake, so that one place explains them: resolves
 * then to the database that Yoga is to ask.
 */
export function createDirect({ cache, limits, onDefect }: DirectOptions) {
  const queries = new CompiledQueries(schema, limits);

  return async ({ request, response, call, text, db }: Asked): Promise<Db | undefined> => {
    const type = answerType(request);
    const contentType = `${type}; charset=utf-8`;
    // Not no-cache: a browser adds it to every request with a tag, and what is kept is as good as new.
    const noStore = /\bno-store\b/i.test(request.headers["cache-control"] ?? "");
    const key = `${request.method} ${type} ${text}`;
    const kept = noStore || !type ? undefined : cache.get(key);
    if (kept) {
      call.operation = kept.operation;
      call.isFromCache = true;
      send(request, response, call, kept, contentType);
      return undefined;
    }

    const operation = parseOperation(request, text);
    // Whether the variables are too many bytes is for Yoga to find. No text has six times as many once it is written anew: 1e20.
    const isShort = text.length * 6 <= limits.variablesBytes;
    if (!isShort || !type || !operation) return db;
    const { query: document, operationName } = operation;
    if (!queries.has(document, operationName)) {
      // To compile takes milliseconds. Who has left meanwhile is known once what has come in is looked at.
      await setImmediate();
      if (response.destroyed) return undefined;
    }
    const query = queries.get(document, operationName);
    if (!query) return db;
    call.operation = query.name;
    const before = cache.snapshot();
    const tables = new Set<string>();
    const noting: Db = {
      query(statement, values, options) {
        for (const table of tablesIn(statement)) tables.add(table);
        return db.query(statement, values, options);
      },
    };
    let parts: readonly string[];
    try {
      parts = await query.execute({ db: noting }, operation.variables);
    } catch (error) {
      if (codeOf(error)?.startsWith("42")) onDefect(error);
      return hasGivenUp(error) ? { query: () => Promise.reject(error) } : db;
    }
    if (noStore) {
      // The texts themselves, and not their bytes: Node writes them together with the headers, at once.
      const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
      const headers = ["content-type", contentType, "cache-control", "no-store", "content-length", String(length)];
      response.writeHead(200, [...call.headers, ...headers]);
      for (const part of parts) response.write(part);
      response.end();
      return undefined;
    }
    const body = Buffer.from(parts.join(""));
    const etag = `"${createHash("sha1").update(body).digest("base64url")}"`;
    const answer = { body, etag, operation: query.name };
    cache.set(key, answer, tables, before);
    send(request, response, call, answer, contentType);
    return undefined;
  };
}

/**
 * With its tag, by which a client asks whether it still holds. That is answered with 304 for a POST too, where RFC 9110
 * (13.1.2) has 412: that is for changes, and these are none.
 */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
  { body, etag }: Answer,
  contentType: string,
): void {
  // Whoever keeps it asks each time; and what one may read is not for all.
  const headers = [...call.headers, "etag", etag, "cache-control", "private, no-cache", "vary", "accept, origin"];
  const known = request.headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.includes(etag) || known?.includes("*")) response.writeHead(304, headers).end();
  else
    response.writeHead(200, [...headers, "content-type", contentType, "content-length", String(body.length)]).end(body);
}

/** Whether the database is away or too slow, or the answer too large: not to be asked and waited for once more. */
function hasGivenUp(error: unknown): boolean {
  return isConnectionError(error) || ["57014", "54000", "TIMEOUT", "QUERY_TOO_EXPENSIVE"].includes(codeOf(error) ?? "");
}

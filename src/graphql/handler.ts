import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { Db } from "../db/pool.ts";
import { TABLES } from "../domain/tables.ts";
import { ClientError, type ErrorCode } from "../errors.ts";
import { AnswerCache } from "./answer-cache.ts";
import { type Call, refuse, setHeaders } from "./call.ts";
import { createDirect, type DirectOptions } from "./direct.ts";
import { ENDPOINT } from "./endpoint.ts";
import { textSentTo } from "./http-request.ts";
import { createMaskError } from "./mask-error.ts";
import type { QueryLimits } from "./query-limits.ts";
import type { createGraphQL, GraphQLOptions } from "./yoga.ts";

export { ENDPOINT };

const LOAD_AFTER_MS = 5_000;

/** Keeps answers once it is `live`, that is: told of every change. */
export function createCache(maxBytes: number): AnswerCache {
  return new AnswerCache({ maxBytes, tables: TABLES });
}

export interface HandlerOptions extends DirectOptions, Pick<GraphQLOptions, "logInternalError"> {
  readonly db: Db;
  /** Those of a query, and of a body in bytes. */
  readonly limits: QueryLimits & { readonly bodyBytes: number };
}

/** Answers a request that has been let in. */
export type Handler = (request: IncomingMessage, response: ServerResponse, call: Call) => void;

/** Answers HTTP: GraphQL and GraphiQL at `ENDPOINT`, where `/` leads too. What Yoga would stumble over is refused before it. */
export function createHandler(options: HandlerOptions): Handler {
  const maskError = createMaskError(options.logInternalError);
  // Yoga takes half of the time that all modules take, and queries do without it: loaded when the start is over, for
  // this process and for those that were started with it, or for the first who asks for it.
  let loading: Promise<ReturnType<typeof createGraphQL>> | undefined;
  const yoga = () => {
    loading ??= import("./yoga.ts").then(
      ({ createGraphQL }) => createGraphQL({ ...options, onWritten: () => options.cache.invalidateAll() }),
      (error: unknown) => {
        loading = undefined; // no file left to open, say: the next may have more luck
        throw error;
      },
    );
    return loading;
  };
  setTimeout(() => yoga().catch(() => {}), LOAD_AFTER_MS).unref(); // who asks for it is told
  const direct = createDirect(options);

  const answer = async (request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> => {
    if (request.url === "/") {
      setHeaders(response, call);
      response.writeHead(302, { location: ENDPOINT }).end();
      return;
    }
    refuseWhatIsNone(request);
    if (request.url?.split("?", 1)[0] !== ENDPOINT) throw bad(`There is nothing at this path: ask ${ENDPOINT}.`, 404);
    const text = await textSentTo(ENDPOINT, request, options.limits.bodyBytes);
    if (response.destroyed) return; // the client is gone
    const db = text ? await direct({ request, response, call, text, db: dbOf(call) }) : dbOf(call);
    if (!db) return;
    refuseMistakes(request);
    await setImmediate(); // as in `direct`: Yoga parses anew
    if (response.destroyed) return;
    setHeaders(response, call);
    const logRefusal = (cause: unknown): void => options.logInternalError(cause, call.requestId);
    await (await yoga())(request, response, { db, call, logRefusal });
  };
  const dbOf = (call: Call): Db => ({
    query(statement, values, queryOptions) {
      call.statements += 1;
      const { signal, deadline, token } = call;
      return options.db.query(statement, values, { ...queryOptions, signal, deadline, owner: token ?? undefined });
    },
  });
  // Nobody waits for a listener: what it rejects with would end the process.
  return (request, response, call) => {
    answer(request, response, call).catch((error: unknown) => {
      const { message, extensions } = maskError(error); // which logs what is a defect
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      const { code, http } = extensions as { code: ErrorCode; http?: { status: number } };
      refuse(response, call, new ClientError(code, message, http?.status));
    });
  };
}

const SENT_AS_JSON = /^application\/(?:graphql\+)?json\s*(?:;|$)/i;
/** RFC 3986, 3.2.2. A pattern, since to parse each took a twentieth of the time of an answer from memory. */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i;
const BAD_HOST = "The Host header is malformed: correct it.";

/** Throws ClientError where a request cannot be one. */
function refuseWhatIsNone({ headers, method }: IncomingMessage): void {
  if (!HOST.test(headers.host ?? "localhost")) throw bad(BAD_HOST);
  // A web page of any origin may post a form, but not JSON: so a form is no way to send a mutation.
  if (method === "POST" && !SENT_AS_JSON.test(headers["content-type"] ?? ""))
    throw bad("Send the request as JSON, with the header `content-type: application/json`.", 415);
  if (method === "POST") headers["content-type"] = "application/json"; // Yoga knows it in lower case alone
}

/** Throws ClientError for what else Yoga would stumble over. */
function refuseMistakes({ headers, url = "/" }: IncomingMessage): void {
  const origin = `http://${headers.host ?? "localhost"}`;
  if (!URL.canParse(origin)) throw bad(BAD_HOST); // a host by its pattern, but 1.2.3.400
  if (!url.includes("?")) return;
  for (const name of ["variables", "extensions"]) {
    const value = new URL(origin + url).searchParams.get(name);
    if (value !== null && !isJson(value)) throw bad(`\`${name}\` in the URL is not JSON: correct it, or leave it out.`);
  }
}

function bad(message: string, status = 400): ClientError {
  return new ClientError("BAD_USER_INPUT", message, status);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { TABLES } from "../domain/tables.ts";
import type { ErrorCode } from "../errors.ts";
import { AnswerCache } from "./answer-cache.ts";
import { createDirect, type DirectOptions } from "./direct.ts";
import { ENDPOINT } from "./endpoint.ts";
import type { createGraphQL, GraphQLOptions } from "./yoga.ts";

export { ENDPOINT };

const LOAD_AFTER_MS = 500;

/** Keeps answers once it is `live`, that is: told of every change. */
export function createCache(maxBytes: number): AnswerCache {
  return new AnswerCache({ maxBytes, tables: TABLES });
}

export interface HandlerOptions extends DirectOptions, Pick<GraphQLOptions, "logInternalError"> {}

/** Answers HTTP: GraphQL and GraphiQL at `ENDPOINT`, where `/` leads too. What Yoga would stumble over is refused before it. */
export function createHandler(options: HandlerOptions): RequestListener {
  // Yoga takes half of the time that all modules take, and queries do without it: loaded a moment after the start, or
  // for the first who asks for it.
  let loading: Promise<ReturnType<typeof createGraphQL>> | undefined;
  const yoga = () => {
    loading ??= import("./yoga.ts").then(({ createGraphQL }) =>
      createGraphQL({ ...options, onWritten: () => options.cache.invalidateAll() }),
    );
    return loading;
  };
  setTimeout(() => yoga().catch(() => {}), LOAD_AFTER_MS).unref(); // who asks for it is told
  const direct = createDirect(options);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.url = pathOf(request.url);
    if (request.url === "/") {
      response.writeHead(302, { location: ENDPOINT }).end();
      return;
    }
    const refusal = refusalOf(request);
    if (refusal) {
      refuse(response, ...refusal);
      return;
    }
    const db = await direct(request, response);
    if (!db) return;
    const mistake = mistakeIn(request);
    if (mistake) refuse(response, 400, mistake);
    else await (await yoga())(request, response, { db, author: { token: null, requestId: randomUUID() } });
  };
  // Nobody waits for a listener: what it rejects with would end the process.
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const id = randomUUID();
      options.logInternalError(error, id);
      if (response.headersSent) response.destroy();
      else
        refuse(
          response,
          500,
          `The server failed to answer. The log has the cause under the id ${id}.`,
          "INTERNAL_SERVER_ERROR",
        );
    });
  };
}

const SENT_AS_JSON = /^application\/(?:graphql\+)?json\s*(?:;|$)/i;
/** RFC 3986, 3.2.2. A pattern, since to parse each took a twentieth of the time of an answer from memory. */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i;
const BAD_HOST = "The Host header is malformed: correct it.";

/** Why a request cannot be one, with its HTTP status; undefined where it may be. */
function refusalOf({ headers, method }: IncomingMessage): [status: number, message: string] | undefined {
  if (!HOST.test(headers.host ?? "localhost")) return [400, BAD_HOST];
  // A web page of any origin may post a form, but not JSON: so a form is no way to send a mutation.
  if (method === "POST" && !SENT_AS_JSON.test(headers["content-type"] ?? ""))
    return [415, "Send the request as JSON, with the header `content-type: application/json`."];
  return undefined;
}

/** What else Yoga would stumble over, with the remedy; undefined where there is nothing. */
function mistakeIn({ headers, url = "/" }: IncomingMessage): string | undefined {
  const origin = `http://${headers.host ?? "localhost"}`;
  if (!URL.canParse(origin)) return BAD_HOST; // a host by its pattern, but 1.2.3.400
  if (!url.includes("?")) return undefined;
  for (const name of ["variables", "extensions"]) {
    const value = new URL(origin + url).searchParams.get(name);
    if (value !== null && !isJson(value)) return `\`${name}\` in the URL is not JSON: correct it, or leave it out.`;
  }
  return undefined;
}

/** A proxy may send the whole URL (RFC 9112, 3.2.2). What is left of any begins with a slash, as nearly all do already. */
function pathOf(url = "/"): string {
  return url.startsWith("/") ? url : url.replace(/^(?:https?:\/\/[^/?#]*)?\/?/i, "/");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function refuse(response: ServerResponse, status: number, message: string, code: ErrorCode = "BAD_USER_INPUT"): void {
  const error = { message, extensions: { code } };
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ errors: [error] }));
}

import type { IncomingMessage } from "node:http";

/** What a client asks for, as GraphQL over HTTP puts it. */
export interface Operation {
  readonly query: string;
  readonly variables: Record<string, unknown> | undefined;
  readonly operationName: string | undefined;
}

/** A longer body is left to Yoga, which counts while it reads. */
const MAX_BODY = 65_536;

/**
 * What was sent to `path`, as text: a POST's body, a GET's query string. undefined where Yoga is to look at the request.
 * A body can be read only once: it stays on the request as `body`, where Yoga finds it. Rejects where the client goes away.
 */
export async function textSentTo(path: string, request: IncomingMessage): Promise<string | undefined> {
  const { method, url = "", headers } = request;
  if (method === "GET") return url.startsWith(`${path}?`) ? url.slice(path.length + 1) : undefined;
  const isShort = Number(headers["content-length"] ?? Number.NaN) <= MAX_BODY;
  if (method !== "POST" || url !== path || !isShort || headers["content-encoding"] !== undefined) return undefined;
  const body = await read(request);
  Object.assign(request, { body });
  return body.toString();
}

/** Not by `for await`, which takes a tenth of the time of a short answer. */
function read(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.once("end", () => resolve(Buffer.concat(pieces)));
    request.once("error", reject);
  });
}

/** What the text asks for; undefined where it is malformed, which Yoga explains. */
export function parseOperation({ method }: IncomingMessage, text: string): Operation | undefined {
  try {
    return operationIn(method === "GET" ? parametersIn(text) : JSON.parse(text));
  } catch {
    return undefined;
  }
}

function parametersIn(queryString: string): unknown {
  const given = [...new URLSearchParams(queryString)];
  const parameters = Object.fromEntries(given);
  if (given.length > Object.keys(parameters).length) return undefined; // one of them twice
  const { variables, extensions } = parameters;
  return {
    ...parameters,
    variables: variables && JSON.parse(variables),
    extensions: extensions && JSON.parse(extensions),
  };
}

function operationIn(sent: unknown): Operation | undefined {
  if (!isObject(sent)) return undefined;
  const { query, variables, operationName, extensions, ...others } = sent;
  const isSound =
    typeof query === "string" &&
    (variables == null || isObject(variables)) &&
    (operationName == null || (typeof operationName === "string" && operationName !== "")) &&
    (extensions == null || isObject(extensions)) &&
    Object.keys(others).length === 0;
  return isSound ? { query, variables: variables ?? undefined, operationName: operationName ?? undefined } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const JSON_TYPE = "application/json";
const RESPONSE_TYPE = "application/graphql-response+json";

/** The type to answer in, by the same preference as Yoga's; undefined where Yoga is to weigh more than a list. */
export function answerType({ headers }: IncomingMessage): string | undefined {
  const { accept = "*/*" } = headers;
  if (accept.includes("q=")) return undefined;
  const first = /^[^,;]*/.exec(accept)?.[0].trim();
  if (first === RESPONSE_TYPE) return RESPONSE_TYPE;
  return first === "" || first === "*/*" || first === "application/*" || first === JSON_TYPE ? JSON_TYPE : undefined;
}

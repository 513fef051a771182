import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { ClientError } from "../errors.ts";

/** What a client asks for, as GraphQL over HTTP puts it. */
export interface Operation {
  readonly query: string;
  readonly variables: Record<string, unknown> | undefined;
  readonly operationName: string | undefined;
}

/**
 * What was sent to `path`, as text: a POST's body, a GET's query string; undefined where there is neither. A body can be read
 * only once: it stays on the request as `body`, where Yoga finds it. Rejects with ClientError where it is none that can be
 * read, and where the client goes away.
 */
export async function textSentTo(
  path: string,
  request: IncomingMessage,
  maxBytes: number,
): Promise<string | undefined> {
  const { method, url = "" } = request;
  if (method === "GET") return url.startsWith(`${path}?`) ? url.slice(path.length + 1) : undefined;
  if (method !== "POST" || url.split("?", 1)[0] !== path) return undefined;
  const body = await read(request, maxBytes);
  // What is no UTF-8 would be read as something else: a name with U+FFFD in it.
  if (!isUtf8(body)) throw new ClientError("BAD_USER_INPUT", "The body is not UTF-8: encode it so.");
  (request as { body?: SentBody }).body = new SentBody(body);
  return url === path ? body.toString() : undefined;
}

/** For Yoga, which would make a list of a Buffer's bytes, each with its name: 300 ms for 1 MB, in which nobody is served. */
class SentBody {
  /** With a key of its own: what has none counts as no body. */
  readonly bytes: number;
  readonly #body: Buffer;

  constructor(body: Buffer) {
    this.bytes = body.length;
    this.#body = body;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    yield this.#body;
  }
}

/** Not by `for await`, which takes a tenth of the time of a short answer. */
function read(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { "content-encoding": encoding = "identity", "content-length": length = 0 } = request.headers;
  return new Promise((resolve, reject) => {
    const refuse = (...error: ConstructorParameters<typeof ClientError>) => {
      // What still comes is read and forgotten: a connection that is closed on it loses the answer.
      request.removeAllListeners("data").resume();
      reject(new ClientError(...error));
    };
    const tooLong = () => refuse("BAD_USER_INPUT", `The body has more than ${maxBytes} bytes: send less at once.`, 413);
    if (encoding !== "identity") {
      refuse("BAD_USER_INPUT", "The body is compressed: send it without `content-encoding`.", 415);
      return;
    }
    if (Number(length) > maxBytes) {
      tooLong();
      return;
    }
    const pieces: Buffer[] = [];
    let size = 0;
    request.on("data", (piece: Buffer) => {
      pieces.push(piece);
      size += piece.length;
      if (size > maxBytes) tooLong();
    });
    request.once("end", () => resolve(Buffer.concat(pieces)));
    request.once("error", () => refuse("BAD_USER_INPUT", "The body broke off."));
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

import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";

/** What a client asks for, where it is a GraphQL request at all. */
export interface Operation {
  readonly query: string;
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

/** A request as it goes over the wire. */
export interface WireRequest {
  /** How it was made, for a person. */
  readonly what: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** The client goes away after the body, of which the headers promise more. */
  readonly leaves?: boolean;
  /** In the place of all the rest: bytes that need not be HTTP. */
  readonly raw?: Buffer;
  readonly operation?: Operation;
}

/** What came back; `closed`: the connection ended without an answer. */
export type Reply =
  | { readonly kind: "answer"; readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly kind: "closed"; readonly reason: string };

/** An answer that takes longer is not waited for: the server hangs. */
const HANGS_AFTER_MS = 90_000;

/** Sends requests to one server. */
export class Client {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  /** @param url - of the GraphQL endpoint */
  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Throws only where the server hangs. */
  async send(request: WireRequest): Promise<Reply> {
    if (request.raw) return this.#sendRaw(request.raw);
    return this.#sendHttp(request, this.#agent);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @param kept - connections that may be used again; without them, a new one is made */
  #sendHttp(request: WireRequest, kept: Agent | undefined): Promise<Reply> {
    const { method, target: path, headers, body, leaves } = request;
    const { hostname, port } = this.#url;
    return new Promise((resolve, reject) => {
      const agent = leaves ? false : (kept ?? false);
      const sent = httpRequest({ hostname, port, method, path, headers, agent, setHost: !("host" in headers) });
      const hangs = setTimeout(() => {
        reject(new Error(`no answer within ${HANGS_AFTER_MS} ms`));
        sent.removeAllListeners("error").on("error", () => {}); // not to be sent once more
        sent.destroy();
      }, HANGS_AFTER_MS);
      const done = (reply: Reply) => {
        clearTimeout(hangs);
        resolve(reply);
      };
      sent.once("response", (response) => {
        readReply(response).then(done, (error: Error) => done({ kind: "closed", reason: error.message }));
      });
      sent.on("error", (error) => {
        clearTimeout(hangs);
        // A connection that was kept may be closed by the server while it is used again.
        if (sent.reusedSocket) resolve(this.#sendHttp(request, undefined));
        else done({ kind: "closed", reason: error.message });
      });
      // An upgrade, or CONNECT: nothing that this server does.
      for (const event of ["upgrade", "connect"] as const) {
        sent.once(event, ({ statusCode = 0 }: IncomingMessage, socket) => {
          socket.destroy();
          done({ kind: "answer", status: statusCode, contentType: "", body: "" });
        });
      }
      if (!leaves) sent.end(body);
      else {
        sent.write(body ?? "", () => setImmediate(() => sent.destroy()));
        sent.once("close", () => done({ kind: "closed", reason: "the client left" }));
      }
    });
  }

  async #sendRaw(bytes: Buffer): Promise<Reply> {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    socket.setTimeout(HANGS_AFTER_MS, () => socket.destroy(new Error(`no answer within ${HANGS_AFTER_MS} ms`)));
    socket.on("error", () => {}); // also reported by the reading below
    socket.end(bytes);
    try {
      return replyIn((await buffer(socket)).toString());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason.startsWith("no answer")) throw error;
      return { kind: "closed", reason };
    }
  }
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const body = (await buffer(response)).toString();
  const { statusCode = 0, headers } = response;
  return { kind: "answer", status: statusCode, contentType: headers["content-type"] ?? "", body };
}

/** The first answer in what a connection said; its body only where its length was given. */
function replyIn(text: string): Reply {
  const [head = "", ...rest] = text.replace(/^HTTP\/1\.1 100 [^\n]*\r\n\r\n/, "").split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (!status) return { kind: "closed", reason: text === "" ? "nothing was said" : text.slice(0, 100) };
  const contentType = /^content-type: *(.*)$/im.exec(head)?.[1] ?? "";
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  const chunked = /^transfer-encoding: *chunked/im.test(head);
  const after = Buffer.from(rest.join("\r\n\r\n"));
  const body = length === undefined ? (chunked ? unchunked(after) : after) : after.subarray(0, Number(length));
  return { kind: "answer", status, contentType, body: body.toString() };
}

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    const length = end < 0 ? 0 : Number.parseInt(bytes.subarray(at, end).toString(), 16);
    if (!length) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };

/** A POST of bytes, by default as JSON. */
export function post(what: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): WireRequest {
  return {
    what,
    method: "POST",
    target: "/graphql",
    headers: { ...JSON_HEADERS, ...headers },
    body: Buffer.from(body),
  };
}

/** An operation as a client posts it. */
export function postOperation(
  what: string,
  operation: Operation,
  headers: Readonly<Record<string, string>> = {},
): WireRequest {
  return { ...post(what, JSON.stringify(operation), headers), operation };
}

/** An operation in a URL. */
export function getOperation(
  what: string,
  operation: Operation,
  headers: Readonly<Record<string, string>> = {},
): WireRequest {
  const { query, variables, operationName } = operation;
  const parameters = new URLSearchParams({ query });
  if (variables !== undefined) parameters.set("variables", JSON.stringify(variables));
  if (operationName != null) parameters.set("operationName", String(operationName));
  return { ...get(what, `/graphql?${parameters}`, headers), operation };
}

export function get(what: string, target: string, headers: Readonly<Record<string, string>> = {}): WireRequest {
  return { what, method: "GET", target, headers: { accept: "application/json", ...headers } };
}

/** Bytes that need not be HTTP. */
export function raw(what: string, bytes: string | Buffer): WireRequest {
  return { what, method: "", target: "", headers: {}, raw: Buffer.from(bytes) };
}

import { type Agent, request } from "node:http";

/** What a server answered. */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

export interface Asking {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Keeps connections. Default: each request has one of its own. */
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

/** Not by `fetch`, whose connections, kept for the next request, would be counted among those that a server has leaked. */
function exchange(url: string | URL, method: string, body: string, asking: Asking): Promise<Reply> {
  const { token, headers, agent = false, signal } = asking;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      agent,
      headers: {
        ...(body ? { "content-type": "application/json", "content-length": Buffer.byteLength(body) } : {}),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(signal ? { signal } : {}),
    });
    sent.once("error", reject);
    sent.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    sent.end(body);
  });
}

/** Asks for data, past what is kept of former answers. Rejects where the connection is lost. */
export function ask(url: string, query: string, asking: Asking = {}): Promise<Reply> {
  const headers = { "cache-control": "no-store", ...asking.headers };
  return exchange(url, "POST", JSON.stringify({ query }), { ...asking, headers });
}

/** Asks for another path of the server. */
export function get(url: string, path: string, asking: Asking = {}): Promise<Reply> {
  return exchange(new URL(path, url), "GET", "", asking);
}

/** The code of a GraphQL answer's first error; undefined where it has none. */
export function errorCode({ body }: Reply): string | undefined {
  const { errors } = JSON.parse(body) as { errors?: { extensions: { code: string } }[] };
  return errors?.[0]?.extensions.code;
}

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { ClientError } from "../errors.ts";
import type { Role, Token, TokenStore } from "./tokens.ts";

/** Who asks. */
export interface Caller {
  /** null where the server asks for none. */
  readonly token: Token | null;
  readonly role: Role;
}

export interface AccessOptions {
  /** Where it requires none, whoever reaches the port may do everything. */
  readonly tokens: TokenStore;
  /** Whose pages may ask, as browsers name them: `https://lab.example:8443`. */
  readonly origins: readonly string[];
  /** What whoever comes may do, where no token is required. */
  readonly everybody: Role;
}

/** Lets requests in. */
export class Access {
  readonly #tokens: TokenStore;
  readonly #everybody: Caller;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  /** The last name of this server that was found to be no stranger's. */
  #knownHost = "";

  constructor({ tokens, origins, everybody }: AccessOptions) {
    this.#tokens = tokens;
    this.#everybody = { token: null, role: everybody };
    this.#origins = new Set(origins);
    this.#hosts = new Set(origins.map((origin) => new URL(origin).host));
  }

  /** The origin that the request comes from, where its pages may read answers (CORS). */
  originOf({ origin }: IncomingHttpHeaders): string | undefined {
    return origin !== undefined && this.#origins.has(origin) ? origin : undefined;
  }

  /**
   * Throws ClientError (FORBIDDEN) where a web page of a stranger may have made a browser send this: it is told by the
   * headers that browsers add, which no page can change.
   */
  refuseTricks({ headers, method }: IncomingMessage): void {
    if (this.originOf(headers)) return;
    const { origin, host = "", "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
    const isOurs = origin === undefined || origin.replace(/^https?:\/\//, "") === host;
    // Following a link shows GraphiQL, and runs nothing.
    const isLink = mode === "navigate" && method === "GET";
    if (!isOurs || ((site === "cross-site" || site === "same-site") && !isLink)) {
      throw forbidden("Pages of this origin may not ask: list it in STAGE1_ORIGINS, if they should.");
    }
    // A stranger's page may have its own name lead to this address (DNS rebinding), but not to this name or number.
    if (this.#tokens.required || host === this.#knownHost) return;
    if (!isNumberOrLocal(host) && !this.#hosts.has(host)) {
      throw forbidden(
        "Without tokens the server answers to its address, `localhost` and names without a dot: list its origin, such as `http://lab.example:4000`, in STAGE1_ORIGINS, or use tokens.",
      );
    }
    this.#knownHost = host;
  }

  /** Who asks. Throws ClientError: UNAUTHENTICATED. */
  callerOf({ headers }: IncomingMessage): Caller {
    if (!this.#tokens.required) return this.#everybody;
    const { authorization, "x-stage1-token": own } = headers;
    const secrets = new Set<string>();
    const bearer = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    // Another scheme may be a proxy's own affair.
    if (bearer !== undefined || (authorization !== undefined && own === undefined)) secrets.add(bearer ?? "");
    if (typeof own === "string") secrets.add(own.trim());
    const [secret, ...others] = secrets;
    if (secret === undefined) {
      throw unauthenticated(
        "The server asks for a token: send it as `Authorization: Bearer …` or `X-Stage1-Token: …`.",
      );
    }
    if (secret === "") throw unauthenticated("Send the token as `Authorization: Bearer …`, with that word before it.");
    if (others.length > 0) throw unauthenticated("Send one token, in one header.");
    const token = this.#tokens.find(secret);
    if (!token) throw unauthenticated("The token is not known: ask the operator of the server for another.");
    return { token, role: token.role };
  }

  /** Whether it is still who asks: false where the token has been revoked, or changed. */
  isStill({ token }: Caller): boolean {
    return token === null ? !this.#tokens.required : this.#tokens.tokens.includes(token);
  }
}

function isNumberOrLocal(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return !name.includes(".") || isIP(name) > 0 || name.endsWith(".localhost") || name.startsWith("[");
}

function unauthenticated(message: string): ClientError {
  return new ClientError("UNAUTHENTICATED", message, 401);
}

function forbidden(message: string): ClientError {
  return new ClientError("FORBIDDEN", message, 403);
}

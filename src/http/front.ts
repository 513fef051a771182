import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ClientError } from "../errors.ts";
import { refuse, setHeaders } from "../graphql/call.ts";
import type { Handler } from "../graphql/handler.ts";
import type { Access } from "./access.ts";
import { IncomingCall } from "./incoming-call.ts";
import type { Metrics } from "./metrics.ts";
import { answerProbe, probeIn, type Readiness } from "./probes.ts";
import type { Quotas } from "./quotas.ts";
import { SIGN_IN } from "./sign-in.ts";

export interface FrontOptions {
  readonly access: Access;
  readonly quotas: Quotas;
  readonly metrics: Metrics;
  /** From a request's first byte to the end of its work. */
  readonly deadlineMs: number;
  /** What the client has beyond that to take the answer. */
  readonly sendMs: number;
  /** A request is over. */
  onEnd(call: IncomingCall): void;
  logInternalError(error: unknown, id: string): void;
}

/**
 * Requests that may wait behind another of their connection (pipelining), which nobody's clients do. Behind more, Node hears
 * nothing of the connection's end, and statements would run on for a client that has left.
 */
const MAX_BEHIND = 16;

/** How often it is looked for answers that nobody takes. */
const SWEEP_MS = 1_000;

/** What every request passes: who asks, may they, and do they ask too much. Each is counted and told of. */
export class Front {
  readonly #options: FrontOptions;
  readonly #calls = new Set<IncomingCall>();
  /** By connection, how many wait there. */
  readonly #behind = new WeakMap<Socket, number>();
  #handler: Handler = starting;
  #readiness: (() => Promise<Readiness>) | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
    setInterval(() => this.#cutSlow(), SWEEP_MS).unref();
  }

  /** Until then, clients are told to wait. */
  open(handler: Handler, readiness: () => Promise<Readiness>): void {
    this.#handler = handler;
    this.#readiness = readiness;
  }

  /** From now on `/readyz` says that no more requests should come. Those that come are answered. */
  close(): void {
    this.#readiness = undefined;
  }

  /** Ends what goes on for tokens that are no longer known, answers that are being sent too. */
  cutRevoked(): void {
    // Those that are not counted were refused.
    for (const call of this.#calls) if (call.isCounted && !this.#options.access.isStill(call.caller)) call.cut();
  }

  readonly listener: RequestListener = (request, response) => {
    if (this.#isCrowded(request.socket, response)) return;
    const { access, quotas, metrics, deadlineMs, onEnd } = this.#options;
    request.url = pathOf(request.url);
    const call = new IncomingCall(request.socket, request.headers["x-request-id"], deadlineMs, metrics.batch);
    const probe = probeIn(request);
    if (probe) {
      setHeaders(response, call);
      answerProbe(probe, { access, metrics, readiness: this.#readiness }, request, response).catch((error: unknown) =>
        this.#refuse(request, response, call, error),
      );
      return;
    }
    this.#calls.add(call);
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      request.socket.off("close", end);
      this.#calls.delete(call);
      call.end();
      if (call.isCounted) quotas.leave(call.token);
      // Of a connection that broke, what was thrown away counts as finished.
      if (!response.writableFinished || request.socket.errored) call.outcome = "CLIENT_GONE";
      // What has no errors to look at: a path that is not there, a method.
      else if (call.outcome === "OK" && response.statusCode >= 400) call.outcome = "BAD_USER_INPUT";
      metrics.count(call);
      onEnd(call);
    };
    response.once("close", end);
    // Behind another answer of its connection (pipelining) it has no socket yet, and is not told of the connection's end.
    if (!response.socket) request.socket.setMaxListeners(0).once("close", end);
    try {
      this.#letIn(request, response, call);
    } catch (error) {
      this.#refuse(request, response, call, error);
    }
  };

  /** Whether more wait on this connection than may. It is closed then, with all of them. */
  #isCrowded(socket: Socket, response: ServerResponse): boolean {
    if (response.socket) return false;
    const waiting = (this.#behind.get(socket) ?? 0) + 1;
    this.#behind.set(socket, waiting);
    response.once("close", () => this.#behind.set(socket, (this.#behind.get(socket) ?? 1) - 1));
    if (waiting > MAX_BEHIND) socket.resetAndDestroy();
    return socket.destroyed;
  }

  #letIn(request: IncomingMessage, response: ServerResponse, call: IncomingCall): void {
    const { access, quotas } = this.#options;
    const origin = access.originOf(request.headers);
    if (origin) allow(origin, response);
    access.refuseTricks(request);
    // Before the token, which a preflight cannot carry.
    if (origin && request.method === "OPTIONS") {
      setHeaders(response, call);
      response.writeHead(204).end();
      return;
    }
    call.caller = access.callerOf(request);
    quotas.enter(call.token, call.began);
    call.isCounted = true;
    this.#handler(request, response, call);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, call: IncomingCall, error: unknown): void {
    if (!(error instanceof ClientError)) {
      this.#options.logInternalError(error, call.requestId);
      const message = `The server failed to answer. The log has the cause under the id ${call.requestId}.`;
      refuse(response, call, new ClientError("INTERNAL_SERVER_ERROR", message, 500));
      return;
    }
    if (error.code === "TOO_MANY_REQUESTS") response.setHeader("retry-after", "1");
    if (error.code === "UNAUTHENTICATED") {
      response.setHeader("www-authenticate", 'Bearer realm="stage1-lineage"'); // RFC 6750, 3
      if (request.method === "GET" && request.headers.accept?.includes("text/html")) {
        call.outcome = error.code;
        setHeaders(response, call);
        response.writeHead(401, SIGN_IN.headers).end(SIGN_IN.page);
        return;
      }
    }
    refuse(response, call, error);
  }

  #cutSlow(): void {
    const longAgo = performance.now() - this.#options.deadlineMs - this.#options.sendMs;
    for (const call of this.#calls) if (call.began < longAgo) call.cut();
  }
}

const starting: Handler = (_, response, call) => {
  response.setHeader("retry-after", "1");
  refuse(
    response,
    call,
    new ClientError("DATABASE_UNAVAILABLE", "The server is starting: try again in a second.", 503),
  );
};

/** A proxy may send the whole URL (RFC 9112, 3.2.2). What is left of any begins with a slash, as nearly all do already. */
function pathOf(url = "/"): string {
  return url.startsWith("/") ? url : url.replace(/^(?:https?:\/\/[^/?#]*)?\/?/i, "/");
}

/** Lets pages of a listed origin ask, and read the answers (https://fetch.spec.whatwg.org/#http-cors-protocol). */
function allow(origin: string, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-methods", "GET, POST");
  response.setHeader(
    "access-control-allow-headers",
    "authorization, content-type, if-none-match, x-request-id, x-stage1-token",
  );
  response.setHeader("access-control-expose-headers", "etag, retry-after, x-request-id");
  response.setHeader("access-control-max-age", "600");
  response.setHeader("vary", "origin");
}

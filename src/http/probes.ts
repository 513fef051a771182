import type { IncomingMessage, ServerResponse } from "node:http";
import { ClientError } from "../errors.ts";
import type { Access } from "./access.ts";
import type { Metrics } from "./metrics.ts";

/** Whether requests should come here. */
export interface Readiness {
  readonly ready: boolean;
  /** For an operator alone. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ProbeOptions {
  readonly access: Access;
  readonly metrics: Metrics;
  /** undefined while the server starts and stops. */
  readonly readiness: (() => Promise<Readiness>) | undefined;
}

const PATHS = ["/livez", "/readyz", "/metrics"] as const;
type Path = (typeof PATHS)[number];

/** Which of the paths for whoever watches over the server this is. */
export function probeIn({ url = "" }: IncomingMessage): Path | undefined {
  return PATHS.find((path) => url.startsWith(path) && (url.length === path.length || url[path.length] === "?"));
}

/** Rejects with ClientError. */
export async function answerProbe(
  path: Path,
  { access, metrics, readiness }: ProbeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    throw new ClientError("BAD_USER_INPUT", `Ask for ${path} by GET.`, 405);
  }
  response.setHeader("cache-control", "no-store");
  if (path === "/livez") {
    json(response, 200, { status: "alive" });
  } else if (path === "/readyz") {
    const { ready, details } = (await readiness?.()) ?? { ready: false, details: {} };
    const shown = isOperator(access, request) ? details : {};
    json(response, ready ? 200 : 503, { status: ready ? "ready" : "not ready", ...shown });
  } else {
    access.refuseTricks(request);
    const { role } = access.callerOf(request);
    if (role !== "admin") {
      throw new ClientError("FORBIDDEN", "The metrics are for a token of the role `admin`.", 403);
    }
    const { type, body } = await metrics.text();
    response.writeHead(200, { "content-type": type }).end(body);
  }
}

function isOperator(access: Access, request: IncomingMessage): boolean {
  try {
    access.refuseTricks(request);
    return access.callerOf(request).role === "admin";
  } catch {
    return false;
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

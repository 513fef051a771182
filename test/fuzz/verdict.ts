import { ERROR_CODES } from "../../src/errors.ts";
import type { Reply, WireRequest } from "./wire.ts";

/** What may come of a request, whatever it is. 5xx is a defect; so is what is no HTTP of ours. */
const STATUSES: ReadonlySet<number> = new Set([
  200, 204, 302, 304, 400, 401, 403, 404, 405, 406, 408, 411, 413, 414, 415, 417, 422, 429, 431,
]);

/**
 * Perhaps without a body: Node itself refuses what is no HTTP, and what has too large or too odd headers; Yoga another path
 * than ours.
 */
const BARE: ReadonlySet<number> = new Set([400, 404, 408, 413, 417, 431]);
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 302, 304]);

/** What a message never shows. Nothing that a request holds looks like this, since a message may quote that. */
const SECRETS: readonly RegExp[] = [
  /node_modules|\bat \S+ \(|\.[cm]?[jt]s:\d/,
  /\b(?:SELECT|INSERT INTO|LATERAL|JOIN|unnest|pg_\w+)\b/,
  /\b(?:stage1_datasets|walkforward_(?:runs|folds)|simulation_(?:runs|trades|trade_buckets))\b|_(?:pkey|fkey|uq|fk|check)\b/,
  /violates|duplicate key|invalid input syntax|syntax error at or near|invalid byte sequence|stack depth|relation "/,
  /Unexpected error|Cannot read prop|is not a function|is not iterable|undefined/,
  /ECONN|EPIPE|postgres:/,
];

interface Answered {
  readonly data?: unknown;
  readonly errors?: unknown;
}

/** An answer's parts, where it is one of GraphQL. */
export function answerIn(reply: Reply): Answered | undefined {
  if (reply.kind === "closed") return undefined;
  try {
    const parsed: unknown = JSON.parse(jsonIn(reply.body, reply.contentType));
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Of a stream of events, what the first one says. */
function jsonIn(body: string, contentType: string): string {
  if (contentType.startsWith("text/event-stream")) return /^data: ?([^\n]+)$/m.exec(body)?.[1] ?? body;
  if (contentType.startsWith("multipart/")) return /^\{[^\n]*\}/m.exec(body)?.[0] ?? body;
  return body;
}

/** What is wrong with an answer, a line each that begins with the kind of fault; none where it is all right. */
export function faultsOf(request: WireRequest, reply: Reply): string[] {
  if (reply.kind === "closed") {
    // A body that is refused before all of it is read: the client may still be writing it.
    const mayBeCut = request.leaves || request.raw || (request.body?.length ?? 0) > 1_000_000;
    return mayBeCut ? [] : [`closed: ${reply.reason}`];
  }
  const { status, contentType, body } = reply;
  const faults = STATUSES.has(status) ? [] : [`status ${status}: ${cut(body)}`];
  if (request.method === "HEAD" || request.method === "OPTIONS" || WITHOUT_BODY.has(status)) return faults;
  if (body === "" && BARE.has(status)) return faults;
  if (status === 200 && contentType.startsWith("text/html")) {
    return request.method === "GET" ? faults : [...faults, "a page in the place of an answer"];
  }
  const answer = answerIn(reply);
  if (!answer) return [...faults, `no JSON: ${status} ${contentType} ${cut(body)}`];
  return [...faults, ...faultsIn(answer, `${request.target} ${request.body ?? ""}`)];
}

/** @param sent - what the client wrote, which a message may repeat */
function faultsIn({ data, errors }: Answered, sent: string): string[] {
  if (errors === undefined) return data == null ? ["neither data nor errors"] : [];
  if (!Array.isArray(errors) || errors.length === 0) return [`errors are no list: ${cut(JSON.stringify(errors))}`];
  return errors.flatMap((error: { message?: unknown; extensions?: { code?: unknown } } | null) => {
    const { message, extensions } = error ?? {};
    const code = extensions?.code;
    if (typeof message !== "string" || message === "") return [`no message: ${cut(JSON.stringify(error))}`];
    if (code === "INTERNAL_SERVER_ERROR") return [`internal error: ${cut(message)}`];
    if (!ERROR_CODES.some((known) => known === code)) return [`the code ${String(code)}: ${cut(message)}`];
    const secret = SECRETS.map((pattern) => pattern.exec(message)?.[0]).find((shown) => shown && !sent.includes(shown));
    return secret ? [`a message shows ${secret}: ${cut(message)}`] : [];
  });
}

/** An SQLSTATE that input may lead to: nothing else that fails in the database could not have been found out before. */
export function isExpected({ code, statement }: { readonly code: string; readonly statement: string }): boolean {
  // Timeouts, statements of clients that are gone, and deadlocks of two writers, which are tried again.
  if (["57014", "TIMEOUT", "40P01"].includes(code)) return true;
  // A slug that is taken, and a first timestamp after the last: both depend on what is stored.
  return (code === "23505" || code === "22023") && statement.includes("stage1_audited_patch");
}

export function cut(text: string | undefined, length = 300): string {
  if (text === undefined) return "nothing";
  return text.length > length ? `${text.slice(0, length)}… (${text.length} characters)` : text;
}

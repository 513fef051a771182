/** What the person at the terminal can mend. The CLI prints the message on one line and exits with 1. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** The values of `extensions.code` in a GraphQL answer. docs/api.md says what each means to a client. */
export const ERROR_CODES = [
  "BAD_USER_INPUT",
  "BAD_CURSOR",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "QUERY_TOO_EXPENSIVE",
  "TOO_MANY_REQUESTS",
  "TIMEOUT",
  "DATABASE_UNAVAILABLE",
  "INTERNAL_SERVER_ERROR",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a client did that cannot be answered. The message goes to the client as it stands: it names the field and the remedy. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ErrorCode;
  /** HTTP status, where it is not that of an answer. */
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, status?: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The message of anything that was thrown; an AggregateError (a host with two addresses) speaks through its first. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/** `code` of a Node or PostgreSQL error (`ECONNREFUSED`, `23505`); undefined where there is none. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const NETWORK = /^E(?:CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH|NETUNREACH|AI_AGAIN)$/;
// 08: connection exceptions; 57P01–57P03: shut down, crashed, starting up; 53300: no connection left.
const SERVER = /^(?:08...|57P0[1-3]|53300)$/;
// What pg says where it has no code.
const DRIVER =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered)/;

/** The connection is gone or could not be had, as opposed to a statement that failed on a sound one. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined ? DRIVER.test(messageOf(error)) : NETWORK.test(code) || SERVER.test(code);
}

/** Whether this process, or the machine, may open no more files: connections are files too. */
export function isOutOfFiles(error: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(codeOf(error) ?? "");
}

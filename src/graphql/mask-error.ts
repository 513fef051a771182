import { randomUUID } from "node:crypto";
import { GraphQLError } from "graphql";
import { ClientError, codeOf, ERROR_CODES, type ErrorCode, isConnectionError, isOutOfFiles } from "../errors.ts";

/** Receives the cause of an error that a client sees only the id of. */
export type LogInternalError = (error: unknown, id: string) => void;

interface Shown {
  readonly code: ErrorCode;
  readonly message: string;
  /** HTTP status, where it is not 200. */
  readonly status?: number | undefined;
}

/**
 * Turns anything that was thrown into what a client may see: a message with a code of `ERROR_CODES`. What is not a
 * client's to know is logged instead, once for each cause, under the id that the client gets.
 */
export function createMaskError(log: LogInternalError): (error: unknown) => GraphQLError {
  const ids = new WeakMap<object, string>(); // a failed batch fails every field that waited for it, with one cause
  return (error) => {
    const located = error instanceof GraphQLError ? error : undefined;
    const cause = located ? rootCause(located) : error;
    if (cause instanceof GraphQLError) return withCode(cause, located ?? cause);
    const shown = shownOf(cause);
    if (shown) return rebuild(shown.message, located, { code: shown.code, ...http(shown.status) });

    const key = typeof cause === "object" && cause !== null ? cause : {};
    const id = ids.get(key) ?? randomUUID();
    if (!ids.has(key)) log(cause, id);
    ids.set(key, id);
    return rebuild(`The server failed to answer. The log has the cause under the id ${id}.`, located, {
      code: "INTERNAL_SERVER_ERROR" satisfies ErrorCode,
      id,
      ...http(500),
    });
  };
}

/** What graphql-js wraps around what was thrown, unwrapped; a GraphQLError of its own has no cause. */
function rootCause(error: GraphQLError): unknown {
  const { originalError } = error;
  if (originalError === undefined || originalError === null) return error;
  return originalError instanceof GraphQLError ? rootCause(originalError) : originalError;
}

/** Errors of the syntax, of validation, and of values: a client's, whatever their code was. */
function withCode(cause: GraphQLError, located: GraphQLError): GraphQLError {
  const code = cause.extensions["code"];
  const known = ERROR_CODES.find((candidate) => candidate === code) ?? "BAD_USER_INPUT";
  const { http: response } = cause.extensions;
  // graphql-js puts in front which part of which variable it is about.
  return rebuild(located.message, located, { code: known, ...(response ? { http: response } : {}) });
}

function shownOf(cause: unknown): Shown | undefined {
  if (cause instanceof ClientError) return { code: cause.code, message: cause.message, status: cause.status };
  if (codeOf(cause) === "57014") {
    return { code: "TIMEOUT", message: "The database took too long: ask for less at once, or for smaller pages." };
  }
  // Of graphql-js, which parses and coerces by recursion.
  if (cause instanceof RangeError && /call stack/.test(cause.message)) {
    return {
      code: "QUERY_TOO_EXPENSIVE",
      message: "The query or a variable is nested too deeply: ask in flatter parts.",
    };
  }
  // Yoga itself could not be loaded.
  if (isOutOfFiles(cause)) {
    return {
      code: "DATABASE_UNAVAILABLE",
      message: "Too many clients are connected: try again in a few seconds.",
      status: 503,
    };
  }
  if (isConnectionError(cause)) {
    const what =
      codeOf(cause) === "53300" ? "All connections to the database are busy" : "The database does not answer";
    return { code: "DATABASE_UNAVAILABLE", message: `${what}: try again in a few seconds.`, status: 503 };
  }
  return undefined;
}

function http(status: number | undefined) {
  return status === undefined ? {} : { http: { status } };
}

function rebuild(
  message: string,
  located: GraphQLError | undefined,
  extensions: Record<string, unknown>,
): GraphQLError {
  return new GraphQLError(message, {
    nodes: located?.nodes ?? null,
    source: located?.source ?? null,
    positions: located?.positions ?? null,
    path: located?.path ?? null,
    extensions,
  });
}

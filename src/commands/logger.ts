import { type Logger, pino } from "pino";
import type { Config } from "../config.ts";
import type { IncomingCall } from "../http/incoming-call.ts";

export type { Logger };

/** Logs to standard error: JSON lines for machines, readable lines on a terminal. */
export async function createLogger(level: Config["logLevel"]): Promise<Logger> {
  const stream = process.stderr.isTTY
    ? (await import("pino-pretty")).PinoPretty({ destination: 2, sync: true, ignore: "pid,hostname" })
    : pino.destination({ dest: 2, sync: true });
  return pino({ level, serializers: { err: describeError } }, stream);
}

/** An answer that took longer is worth a line in any log. */
const SLOW_MS = 1_000;
/** Of an operation, in characters: a client may choose one as long as its query. */
const MAX_NAME = 64;

/** A line about a request that is over: for those that were slow or failed inside, and for all where the log is to have everything. */
export function logCall(
  log: Logger,
  { requestId, token, operation, outcome, statements, isFromCache, began }: IncomingCall,
): void {
  const ms = Math.round(performance.now() - began);
  const level = ms >= SLOW_MS || outcome === "INTERNAL_SERVER_ERROR" ? "info" : "debug";
  if (!log.isLevelEnabled(level)) return;
  const name = operation?.slice(0, MAX_NAME);
  const figures = { requestId, token, operation: name, outcome, ms, statements, cached: isFromCache };
  log[level](figures, "a request is over");
}

/** What tells the cause. Not all of an error's own properties, as is pino's way: pg hangs its whole connection on one. */
function describeError(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code, detail, where } = error as { code?: unknown; detail?: unknown; where?: unknown };
  return { type: name, message, code, detail, where, stack };
}

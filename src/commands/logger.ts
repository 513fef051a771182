import { pino } from "pino";
import { PinoPretty } from "pino-pretty";
import type { Config } from "../config.ts";

export type Logger = ReturnType<typeof createLogger>;

/** Logs to standard error: JSON lines for machines, readable lines on a terminal. */
export function createLogger(level: Config["logLevel"]) {
  const stream = process.stderr.isTTY
    ? PinoPretty({ destination: 2, sync: true, ignore: "pid,hostname" })
    : pino.destination({ dest: 2, sync: true });
  return pino({ level, serializers: { err: describeError } }, stream);
}

/** What tells the cause. Not all of an error's own properties, as is pino's way: pg hangs its whole connection on one. */
function describeError(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code, detail, where } = error as { code?: unknown; detail?: unknown; where?: unknown };
  return { type: name, message, code, detail, where, stack };
}

import { pino } from "pino";
import { PinoPretty } from "pino-pretty";
import type { Config } from "../config.ts";

export type Logger = ReturnType<typeof createLogger>;

/** Logs to standard error: JSON lines for machines, readable lines on a terminal. */
export function createLogger(level: Config["logLevel"]) {
  const stream = process.stderr.isTTY
    ? PinoPretty({ destination: 2, sync: true, ignore: "pid,hostname" })
    : pino.destination({ dest: 2, sync: true });
  return pino({ level }, stream);
}

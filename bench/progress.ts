import { type Progress, startProgress } from "../src/commands/progress.ts";

/** The product's own bar on a terminal, and nothing elsewhere. */
export function startBar(what: string, total: number, unit: string): Progress {
  return process.stderr.isTTY ? startProgress(what, total, unit) : { report() {}, end() {} };
}

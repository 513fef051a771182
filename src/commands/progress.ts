import { Presets, SingleBar } from "cli-progress";

/** Tells on standard error how far a long work is. */
export interface Progress {
  /** So many rows are done. */
  report(rows: number): void;
  end(): void;
}

const LINE_EVERY_MS = 3_000;

/** A bar on a terminal; elsewhere, where it would only fill a log, a line every few seconds. */
export function startProgress(what: string, total: number): Progress {
  return process.stderr.isTTY ? bar(what, total) : lines(what, total);
}

function bar(what: string, total: number): Progress {
  const single = new SingleBar(
    { format: `${what} {bar} {percentage}% · {value} of {total} rows · {eta_formatted} left`, stream: process.stderr },
    Presets.shades_classic,
  );
  single.start(total, 0);
  return { report: (rows) => single.update(rows), end: () => single.stop() };
}

function lines(what: string, total: number): Progress {
  let last = Date.now();
  return {
    report(rows) {
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      process.stderr.write(`${what}: ${rows} of ${total} rows\n`);
    },
    end() {},
  };
}

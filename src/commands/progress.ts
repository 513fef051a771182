import { Presets, SingleBar } from "cli-progress";

/** Tells on standard error how far a long work is. */
export interface Progress {
  /** So much of the total is done. `detail` is said beside it. */
  report(done: number, detail?: string): void;
  end(): void;
}

const LINE_EVERY_MS = 3_000;

/** A bar with the time that is left on a terminal; elsewhere, where it would only fill a log, a line every few seconds. */
export function startProgress(what: string, total: number, unit = "rows"): Progress {
  return process.stderr.isTTY ? bar(what, total, unit) : lines(what, total, unit);
}

function bar(what: string, total: number, unit: string): Progress {
  const single = new SingleBar(
    {
      format: `${what} {bar} {percentage}% · {value} of {total} ${unit}{detail}{left}`,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  const start = Date.now();
  single.start(total, 0, { detail: "", left: "" });
  return {
    report: (done, detail) =>
      single.update(done, { detail: detail ? ` · ${detail}` : "", left: timeLeft(start, done, total) }),
    end: () => single.stop(),
  };
}

function lines(what: string, total: number, unit: string): Progress {
  const start = Date.now();
  let last = start;
  return {
    report(done, detail) {
      const now = Date.now();
      if (now - last < LINE_EVERY_MS) return;
      last = now;
      const left = timeLeft(start, done, total);
      process.stderr.write(`${what}: ${done} of ${total} ${unit}${detail ? ` · ${detail}` : ""}${left}\n`);
    },
    end() {},
  };
}

function timeLeft(start: number, done: number, total: number): string {
  return done > 0 ? ` · ${Math.ceil(((Date.now() - start) / 1000 / done) * (total - done))} s left` : "";
}

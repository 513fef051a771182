import { AGAIN, FLOOR, growthOf, multiple, OURS, POSTGRAPHILE, type Report, ratio } from "./report.ts";
import { READING } from "./shapes.ts";

/** One target, and what was measured. */
export interface Verdict {
  readonly target: string;
  readonly subject: string;
  readonly wanted: "≥" | "≤";
  readonly limit: number;
  readonly measured: number;
  readonly unit: "×" | "MB" | "s";
  readonly met: boolean;
}

/** Every target that was measured, in the order of the issue that sets them. */
export function verdicts(report: Report): Verdict[] {
  const { shapes, growth, deepness, memory, start } = report;
  const read = READING.filter((shape) => shapes[shape]);
  return [
    ...read.map((shape) => least("of PostGraphile", shape, 1.5, ratio(shapes[shape], OURS, POSTGRAPHILE))),
    ...read.map((shape) => least("of the floor", shape, 0.6, ratio(shapes[shape], OURS, FLOOR))),
    ...read.map((shape) => least("of PostGraphile, read again", shape, 8, ratio(shapes[shape], AGAIN, POSTGRAPHILE))),
    ...read.map((shape) => most("p50 of a tenth of the data", shape, 1.25, growthOf(growth?.[shape]), "×")),
    most("p50 of the first page", "deep", 1.25, multiple(deepness?.deep, deepness?.first, "p50"), "×"),
    most("memory under 32 connections", "all shapes", 250, memory?.megabytes ?? Number.NaN, "MB"),
    most("start until ready", "", 1, (start?.[OURS] ?? Number.NaN) / 1000, "s"),
  ].filter(({ measured }) => !Number.isNaN(measured));
}

function least(target: string, subject: string, limit: number, measured: number): Verdict {
  return { target, subject, wanted: "≥", limit, measured, unit: "×", met: measured >= limit };
}

function most(target: string, subject: string, limit: number, measured: number, unit: Verdict["unit"]): Verdict {
  return { target, subject, wanted: "≤", limit, measured, unit, met: measured <= limit };
}

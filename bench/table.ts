import type { Figures } from "./measure.ts";
import { FLOOR, type Growth, growthOf, POSTGRAPHILE, type Report, type Row, ratio } from "./report.ts";
import { ALL_SHAPES, SHAPES, type Shape } from "./shapes.ts";
import type { Verdict } from "./verdict.ts";

/** Cells in columns as wide as their widest: first columns of text, then figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], texts = 1): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < texts ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)].join("\n");
}

/** Three digits that matter; a dash for what is not known. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return "–";
  const decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A table for each shape. */
export function shapeTables({ shapes }: Report): string {
  return ALL_SHAPES.flatMap((shape) => {
    const row = shapes[shape];
    return row ? [`${shape}: ${SHAPES[shape]}\n${shapeTable(row)}`] : [];
  }).join("\n\n");
}

function shapeTable(row: Row): string {
  const head = ["", "req/s", "p50 ms", "p99 ms", "server s/1000", "db s/1000", "MB", "× postgraphile", "× floor"];
  return table(
    head,
    Object.entries(row).map(([name, figures]) => [
      name,
      ...columns(figures),
      figure(ratio(row, name, POSTGRAPHILE)),
      figure(ratio(row, name, FLOOR)),
    ]),
  );
}

function columns({ requestsPerSecond, p50, p99, cpuServer, cpuDatabase, megabytes }: Figures): string[] {
  return [requestsPerSecond, p50, p99, cpuServer, cpuDatabase, megabytes].map(figure);
}

/** How this server's times grow with the data. */
export function growthTable(growth: Partial<Record<Shape, Growth>>): string {
  return table(
    ["p50 ms, one at a time", "a tenth", "all", "growth"],
    Object.entries(growth).map(([shape, grown]) => [
      shape,
      figure(grown.tenth.p50),
      figure(grown.full.p50),
      figure(growthOf(grown)),
    ]),
  );
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  return table(
    ["target", "", "wanted", "measured", ""],
    verdicts.map(({ target, subject, wanted, limit, measured, unit, met }) => [
      target,
      subject,
      `${wanted} ${limit} ${unit}`,
      `${figure(measured)} ${unit}`,
      met ? "met" : "MISSED",
    ]),
    2,
  );
}

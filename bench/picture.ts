import { AGAIN, FLOOR, OURS, POSTGRAPHILE, type Report, ratio } from "./report.ts";
import { READING } from "./shapes.ts";
import { figure } from "./table.ts";

const BARS = [
  { name: FLOOR, says: "SQL by hand", color: "#9aa5b1" },
  { name: OURS, says: "this server", color: "#2563eb" },
  { name: AGAIN, says: "this server, read again", color: "#7dabf8" },
] as const;

const LEFT = 56;
const TOP = 64;
const PLOT_HEIGHT = 260;
const BAR = 22;
const GROUP = BARS.length * BAR + 26;

/**
 * Requests a second of each reading shape in times of PostGraphile's, as grouped bars on a scale of powers of two: what is
 * twice as fast stands as far above the line at 1 as half as fast below it.
 */
export function picture(report: Report): string {
  const shapes = READING.filter((shape) => report.shapes[shape]);
  const values = shapes.map((shape) => BARS.map(({ name }) => ratio(report.shapes[shape], name, POSTGRAPHILE)));
  const known = values.flat().filter((value) => value > 0);
  const low = Math.min(-1, Math.floor(Math.log2(Math.min(1, ...known))));
  const high = Math.max(1, Math.ceil(Math.log2(Math.max(1, ...known))));
  const width = LEFT + Math.max(shapes.length * GROUP, BARS.length * 150) + 16;
  const height = TOP + PLOT_HEIGHT + 44;
  const y = (value: number) => TOP + PLOT_HEIGHT * (1 - (Math.log2(value) - low) / (high - low));

  const lines = Array.from({ length: high - low + 1 }, (_, i) => 2 ** (low + i)).map((value) => {
    const stroke = value === 1 ? 'stroke="#111827" stroke-width="1.5"' : 'stroke="#e5e7eb"';
    return (
      `<line x1="${LEFT}" x2="${width - 16}" y1="${round(y(value))}" y2="${round(y(value))}" ${stroke}/>` +
      text(LEFT - 8, y(value) + 4, value >= 1 ? `${value} ×` : `1/${1 / value} ×`, "end")
    );
  });
  const bars = values.flatMap((group, i) =>
    group.flatMap((value, j) => {
      if (!(value > 0)) return [];
      const x = LEFT + i * GROUP + 13 + j * BAR;
      const top = Math.min(y(value), y(1));
      return [
        `<rect x="${x}" y="${round(top)}" width="${BAR - 3}" height="${round(Math.max(1, Math.abs(y(value) - y(1))))}" fill="${BARS[j]?.color}"/>`,
        text(x + (BAR - 3) / 2, value >= 1 ? y(value) - 4 : y(value) + 12, figure(value), "middle", 9),
      ];
    }),
  );
  const names = shapes.map((shape, i) => text(LEFT + i * GROUP + GROUP / 2, height - 18, shape, "middle", 12));
  const legend = BARS.map(({ says, color }, i) => {
    const x = LEFT + i * 150;
    return `<rect x="${x}" y="34" width="12" height="12" fill="${color}"/>${text(x + 18, 44, says, "start")}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif">`,
    "<title>Requests a second of each shape, in times of PostGraphile 5</title>",
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(LEFT, 20, "Requests a second, PostGraphile 5 = 1", "start", 14),
    ...legend,
    ...lines,
    ...bars,
    ...names,
    "</svg>\n",
  ].join("\n");
}

function text(x: number, y: number, content: string, anchor: string, size = 11): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${size}" fill="#111827">${content}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

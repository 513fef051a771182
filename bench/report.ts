import type { Figures, Turn } from "./measure.ts";
import type { Shape } from "./shapes.ts";
import type { Size } from "./sizes.ts";
import { median } from "./statistics.ts";

/** Figures of the contenders, by their names. */
export type Row = Readonly<Record<string, Figures>>;

/** All that a run of the bench found out; `--json` writes it. What was not measured is left out. */
export interface Report {
  readonly machine: string;
  /** The version that the contenders run on, and the one of the machine. */
  readonly node: string;
  readonly machineNode: string;
  readonly size: Size;
  readonly connections: number;
  readonly rounds: number;
  readonly shapes: Partial<Record<Shape, Row>>;
  /** This server, one request at a time, by the size of the database. */
  growth?: Partial<Record<Shape, Growth>>;
  /** This server, one request at a time: a page deep down and the first one. */
  deepness?: { readonly deep: Figures; readonly first: Figures };
  /** The most memory of this server, all reading shapes mixed, MB. */
  memory?: { readonly connections: number; readonly megabytes: number };
  /** From the start of this server's process until its first answer, milliseconds, by the name of the contender. */
  start?: Readonly<Record<string, number>>;
}

export type Growth = Readonly<Record<Size, Figures>>;

/** Names of the contenders, which are keys of the report. */
export const OURS = "ours";
/** This server, which may answer from its cache. */
export const AGAIN = "ours, again";
/** This server on the machine's own Node. */
export const OURS_HERE = "ours, machine's node";
export const POSTGRAPHILE = "postgraphile";
export const FLOOR = "floor";

/**
 * How many times the other's: the median of the rounds, in each of which the two are seconds apart, so that what else the
 * machine does weighs on both. The medians of each side are minutes apart.
 */
export function multiple(figures: Figures | undefined, other: Figures | undefined, of: keyof Turn): number {
  return median((figures?.turns ?? []).map((turn, i) => turn[of] / (other?.turns[i]?.[of] ?? Number.NaN)));
}

/** How many times the requests a second of another; NaN where one of them was not measured. */
export function ratio(row: Row | undefined, name: string, other: string): number {
  return multiple(row?.[name], row?.[other], "requestsPerSecond");
}

/** How many times the p50 with a tenth of the data. */
export function growthOf(growth: Growth | undefined): number {
  return multiple(growth?.full, growth?.tenth, "p50");
}

/** The tables that the API reads; `sql/functions/70_changes.sql` tells of every change of them. */
export const TABLES = [
  "stage1_datasets",
  "datasets",
  "stage1_placeholders",
  "walkforward_runs",
  "walkforward_folds",
  "simulation_runs",
  "simulation_trades",
  "simulation_trade_buckets",
] as const;

/** Views by what they read. */
const VIEWS: Readonly<Record<string, readonly string[]>> = {
  dataset_hierarchy: ["stage1_datasets", "walkforward_runs", "simulation_runs"],
};

const RELATION = new RegExp(`\\b(?:${[...TABLES, ...Object.keys(VIEWS)].join("|")})\\b`, "g");

/** The tables that a statement of this folder reads: by their names, since no value stands in its text. An alias may name one too many. */
export function tablesIn(statement: string): ReadonlySet<string> {
  return new Set((statement.match(RELATION) ?? []).flatMap((name) => VIEWS[name] ?? [name]));
}

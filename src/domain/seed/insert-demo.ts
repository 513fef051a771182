import type { Db } from "../../db/pool.ts";
import { type DemoRows, demoRows } from "./demo-rows.ts";

/** How many datasets, runs and simulations there are, or are to be. */
export interface LineageCounts {
  readonly datasets: number;
  readonly runs: number;
  readonly simulations: number;
}

const PRIMARY_KEYS: Record<keyof DemoRows, string> = {
  stage1_datasets: "dataset_id",
  walkforward_runs: "run_id",
  walkforward_folds: "run_id, fold_number",
  simulation_runs: "simulation_id",
  simulation_trades: "trade_id",
  simulation_trade_buckets: "simulation_id, side",
};

/** How much insertDemo() inserts into an empty database. */
export function countsOfDemo(): LineageCounts {
  const rows = demoRows();
  return {
    datasets: rows.stage1_datasets.length,
    runs: rows.walkforward_runs.length,
    simulations: rows.simulation_runs.length,
  };
}

/**
 * Inserts the demo lineage, in one statement: all of it or nothing. Rows of it that are there stay as they are. Rejects
 * with a unique violation (23505) where other rows have its names.
 *
 * @returns how many rows were inserted
 */
export async function insertDemo(db: Db): Promise<number> {
  const tables = Object.entries(demoRows()) as [keyof DemoRows, DemoRows[keyof DemoRows]][];
  const inserts = tables.map(([table, rows], i) => {
    const columns = Object.keys(rows[0] ?? {}).join(", ");
    return `inserted_${i + 1} AS (
      INSERT INTO ${table} (${columns})
      SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $${i + 1}::jsonb)
      ON CONFLICT (${PRIMARY_KEYS[table]}) DO NOTHING
      RETURNING 1)`;
  });
  const counts = tables.map((_, i) => `(SELECT count(*) FROM inserted_${i + 1})`);
  const [row] = await db.query<{ inserted: number }>(
    `WITH ${inserts.join(",\n")}\nSELECT ${counts.join(" + ")} AS inserted`,
    tables.map(([, rows]) => JSON.stringify(rows)),
  );
  return row?.inserted ?? 0;
}

/** Whether there is any dataset, run or simulation, the demo's included. */
export async function holdsRows(db: Db): Promise<boolean> {
  const [row] = await db.query<{ held: boolean }>(
    `SELECT EXISTS (SELECT FROM stage1_datasets) OR EXISTS (SELECT FROM walkforward_runs)
         OR EXISTS (SELECT FROM simulation_runs) AS held`,
  );
  return row?.held ?? false;
}

/** Counts the rows that are not the demo's. Folds, trades and buckets hang on these three by foreign keys. */
export async function countOtherRows(db: Db): Promise<LineageCounts> {
  const demo = demoRows();
  const [counts] = await db.query<LineageCounts>(
    `SELECT (SELECT count(*) FROM stage1_datasets WHERE dataset_id <> ALL ($1::uuid[])) AS datasets,
            (SELECT count(*) FROM walkforward_runs WHERE run_id <> ALL ($2::uuid[])) AS runs,
            (SELECT count(*) FROM simulation_runs WHERE simulation_id <> ALL ($3::uuid[])) AS simulations`,
    [
      demo.stage1_datasets.map((row) => row["dataset_id"]),
      demo.walkforward_runs.map((row) => row["run_id"]),
      demo.simulation_runs.map((row) => row["simulation_id"]),
    ],
  );
  return counts ?? { datasets: 0, runs: 0, simulations: 0 };
}

import type { Db } from "../../src/db/pool.ts";

/** Inserts one row: the given values, and for a run or a simulation the columns that must not be null. */
export async function insertRow(db: Db, table: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  const row = { ...REQUIRED[table], ...values };
  const columns = Object.keys(row);
  await db.query(
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map((_, i) => `$${i + 1}`).join(", ")})`,
    Object.values(row),
  );
}

const REQUIRED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  walkforward_runs: {
    target_column: "Close",
    feature_columns: '["hma_55", "rsi_14"]',
    hyperparameters: '{"eta": 0.05}',
    walk_config: '{"lookback": 240}',
    status: "COMPLETED",
  },
  simulation_runs: { input_run_measurement: "btc25_run1", mode: "dual", config: "{}", status: "COMPLETED" },
};

/** A dataset through `upsert_stage1_dataset`: `values` by parameter, without the `p_`; those left out are NULL. */
export async function upsert(db: Db, values: Readonly<Record<string, unknown>>): Promise<void> {
  const parameters = Object.keys(values).map((name, i) => `p_${name} => $${i + 1}`);
  const rest = PARAMETERS.filter((name) => !(name in values)).map((name) => `p_${name} => NULL`);
  await db.query(`SELECT upsert_stage1_dataset(${[...parameters, ...rest].join(", ")})`, Object.values(values));
}

const PARAMETERS = [
  ...["dataset_id", "dataset_slug", "symbol", "granularity", "source", "ohlcv_measurement", "indicator_measurement"],
  ...["ohlcv_rows", "indicator_rows", "ohlcv_first", "ohlcv_last", "indicator_first", "indicator_last", "metadata"],
];

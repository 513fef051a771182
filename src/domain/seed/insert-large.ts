import type { Db } from "../../db/pool.ts";
import type { LineageCounts } from "./insert-demo.ts";

/** Rows a statement: about a second's work, which is how long an interruption has to wait. */
const BATCH = 20_000;
/** Batches under way at a time, each on a connection: PostgreSQL spends a core on each. */
const AT_ONCE = 2;

interface LargeSeedOptions {
  /** Called after each batch with the number of rows that are done. */
  onProgress?(rows: number): void;
  /** Ends the work after the batches under way. */
  readonly signal?: AbortSignal;
}

/**
 * Inserts a lineage for measuring: so many datasets, runs and simulations, children spread evenly over their parents,
 * without folds, trades, buckets and clipboard texts. Deterministic. Names tell a row's place (`load_7_run2_sim1`) and
 * ids are hashed from names, so a second call adds what the first one lacks. Each batch is a transaction. Rejects with a
 * unique violation (23505) where other rows have these names.
 */
export async function insertLarge(db: Db, totals: LineageCounts, options: LargeSeedOptions = {}): Promise<void> {
  const { datasets, runs, simulations } = totals;
  let done = 0;
  const insert = async (statement: string, count: number, parents: number[]): Promise<void> => {
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < count && !options.signal?.aborted) {
        const from = next;
        const to = Math.min(from + BATCH, count);
        next = to;
        await db.query(statement, [from, to - 1, count, ...parents]);
        done += to - from;
        options.onProgress?.(done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
  await insert(INSERT_DATASETS, datasets, []);
  await insert(INSERT_RUNS, runs, [datasets]);
  await insert(INSERT_SIMULATIONS, simulations, [runs, datasets]);
  // Counts from the index alone, and plans as in a database that has been in use for a while.
  if (!options.signal?.aborted) {
    await db.query("VACUUM (ANALYZE) stage1_datasets, walkforward_runs, simulation_runs");
  }
}

// Rows are numbered from 0 in each table. Of `children` rows, number c belongs to the parent floor(c × parents ÷ children):
// neighbours share a parent, and no parent has two more than another.
const parentOf = (child: string, children: string, parents: string) => `${child} * ${parents} / ${children}`;
/** The place of a child among its parent's, from 1: its distance from their first, which is ceil(parent × children ÷ parents). */
const placeIn = (parent: string, child: string, children: string, parents: string) =>
  `${child} - (${parent} * ${children} + ${parents} - 1) / ${parents} + 1`;

/** Spread over a year, so that no two rows of a table share the time; with a later start for children, none is before its parent. */
const spreadOver = (number: string, count: string, start: string) =>
  `timestamptz '${start} 00:00Z' + ${number} * (interval '365 days' / ${count})`;

const INSERT_DATASETS = `
  INSERT INTO stage1_datasets (
    dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
    ohlcv_row_count, indicator_row_count, ohlcv_first_ts, ohlcv_last_ts, indicator_first_ts, indicator_last_ts,
    metadata, created_at, updated_at)
  SELECT md5(slug)::uuid, slug, (ARRAY['BTCUSDT', 'ETHUSDT', 'SOLUSDT'])[1 + dataset % 3],
         (ARRAY['1h', '4h'])[1 + dataset % 2], 'load', slug || '_ohlcv', slug || '_ind', 8760, 8760,
         created - interval '365 days', created, created - interval '365 days', created, '{"load": true}', created, created
  FROM (
    SELECT dataset, 'load_' || dataset + 1 AS slug, ${spreadOver("dataset", "$3::bigint", "2024-01-01")} AS created
    FROM generate_series($1::bigint, $2::bigint) AS dataset
  ) AS own
  ON CONFLICT (dataset_id) DO NOTHING`;

/** Of ten rows, eight are completed, one failed and one still runs. */
const statusOf = (number: string) =>
  `CASE ${number} % 10 WHEN 3 THEN 'FAILED' WHEN 7 THEN 'RUNNING' ELSE 'COMPLETED' END`;

const INSERT_RUNS = `
  INSERT INTO walkforward_runs (
    run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config,
    status, requested_by, started_at, completed_at, duration_ms, summary_metrics, created_at)
  SELECT md5(name)::uuid, md5(dataset_slug)::uuid, name, 'Close', '["hma_55", "rsi_14"]', '{"eta": 0.05, "max_depth": 6}',
         '{"train_size": 5000, "test_size": 500, "fold_step": 500, "initial_offset": 240}', status, 'load', created,
         CASE WHEN status <> 'RUNNING' THEN created + interval '465 seconds' END,
         CASE WHEN status <> 'RUNNING' THEN 465000 END,
         CASE WHEN status = 'COMPLETED'
           THEN jsonb_build_object('folds', 0, 'pf_dual', 0.9 + run % 20 / 50.0, 'roc_auc', 0.6 + run % 20 / 100.0)
           ELSE '{}' END,
         created
  FROM (
    SELECT run, 'load_' || dataset + 1 AS dataset_slug,
           'load_' || dataset + 1 || '_run' || ${placeIn("dataset", "run", "$3", "$4")} AS name,
           ${statusOf("run")} AS status, ${spreadOver("run", "$3", "2024-01-02")} AS created
    FROM generate_series($1::bigint, $2::bigint) AS run
    CROSS JOIN LATERAL (SELECT ${parentOf("run", "$3::bigint", "$4::bigint")} AS dataset) AS parent
  ) AS own
  ON CONFLICT (run_id) DO NOTHING`;

const INSERT_SIMULATIONS = `
  INSERT INTO simulation_runs (
    simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config,
    status, started_at, completed_at, summary_metrics, created_at)
  SELECT md5(name)::uuid, md5(run_name)::uuid, md5(dataset_slug)::uuid, run_name, name,
         (ARRAY['long', 'short', 'dual'])[1 + simulation % 3], '{"position_size": 1000}', status, created,
         CASE WHEN status <> 'RUNNING' THEN created + interval '42 seconds' END,
         CASE WHEN status = 'COMPLETED'
           THEN jsonb_build_object('total_return_pct', simulation % 200 / 10.0 - 5, 'max_drawdown_pct', 3.1, 'total_trades', 0)
           ELSE '{}' END,
         created
  FROM (
    SELECT simulation, dataset_slug, run_name, run_name || '_sim' || ${placeIn("run", "simulation", "$3", "$4")} AS name,
           ${statusOf("simulation")} AS status, ${spreadOver("simulation", "$3", "2024-01-03")} AS created
    FROM generate_series($1::bigint, $2::bigint) AS simulation
    CROSS JOIN LATERAL (SELECT ${parentOf("simulation", "$3::bigint", "$4::bigint")} AS run) AS parent
    CROSS JOIN LATERAL (SELECT ${parentOf("run", "$4", "$5::bigint")} AS dataset) AS grandparent
    CROSS JOIN LATERAL (
      SELECT 'load_' || dataset + 1 AS dataset_slug,
             'load_' || dataset + 1 || '_run' || ${placeIn("dataset", "run", "$4", "$5")} AS run_name) AS names
  ) AS own
  ON CONFLICT (simulation_id) DO NOTHING`;

import type { TestDatabase } from "./harness.ts";

export interface Shape {
  readonly datasets: number;
  readonly runs: number;
  readonly simulations: number;
}

/**
 * Inserts datasets, so many runs for each, and so many simulations for each run, with two folds, two trades and two
 * buckets below them. Ids are hashed from the names `d1`, `d1_run1`, `d1_run1_sim1`; neighbours share their timestamps,
 * so that only the id tells them apart.
 */
export async function insertLineage(database: TestDatabase, { datasets, runs, simulations }: Shape): Promise<void> {
  await database.query(
    `INSERT INTO stage1_datasets (dataset_id, dataset_slug, symbol, granularity, ohlcv_measurement, indicator_measurement,
                                  created_at, updated_at)
     SELECT md5('d' || d)::uuid, 'd' || d, CASE WHEN d % 3 > 0 THEN 'SYM' || d % 3 END, '1h', 'd' || d || '_ohlcv',
            CASE WHEN d % 4 = 0 THEN '' ELSE 'd' || d || '_ind' END,
            '2025-01-01'::timestamptz + (d / 3) * interval '1 microsecond', '2025-01-01'::timestamptz + (d / 3) * interval '1 microsecond'
     FROM generate_series(1, $1) AS d`,
    [datasets],
  );
  await database.query(
    `INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters,
                                   walk_config, status, started_at, created_at)
     SELECT md5('d' || d || '_run' || r)::uuid, md5('d' || d)::uuid, 'd' || d || '_run' || r, 'Close', '["hma_55"]', '{}', '{}',
            (ARRAY['COMPLETED', 'completed', 'RUNNING', 'Done'])[1 + r % 4],
            CASE WHEN r % 2 = 0 THEN '2025-02-01'::timestamptz + (r / 4) * interval '1 hour' END,
            '2025-02-01'::timestamptz + (r / 3) * interval '1 microsecond'
     FROM generate_series(1, $1) AS d, generate_series(1, $2) AS r`,
    [datasets, runs],
  );
  await database.query(
    `INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config, status,
                                  created_at)
     SELECT md5(r.prediction_measurement || '_sim' || s)::uuid, r.run_id, r.dataset_id, r.prediction_measurement,
            r.prediction_measurement || '_sim' || s, 'dual', '{}', 'COMPLETED', '2025-03-01'::timestamptz + (s / 2) * interval '1 second'
     FROM walkforward_runs r, generate_series(1, $1) AS s`,
    [simulations],
  );
  await database.query(`
    INSERT INTO walkforward_folds
    SELECT run_id, f, 0, 100, 100, 120, 100, 20, 7, 0.5, '{"long": 0.63}', '{}' FROM walkforward_runs, generate_series(1, 2) AS f;
    INSERT INTO simulation_trades (trade_id, simulation_id, bar_timestamp, side, size, entry_price, metadata)
    SELECT md5(questdb_namespace || t)::uuid, simulation_id, '2025-03-01', 'long', 1, 100, '{}'
    FROM simulation_runs, generate_series(1, 2) AS t;
    INSERT INTO simulation_trade_buckets (simulation_id, side, trade_count, win_count, profit_factor)
    SELECT simulation_id, side, 2, 1, 1.5 FROM simulation_runs, unnest(ARRAY['all', 'long']) AS side;
    ANALYZE`);
}

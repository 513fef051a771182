import { expect } from "vitest";
import type { CheckResult } from "../src/domain/checks.ts";
import type { TestDatabase } from "./harness.ts";

/** What ids begin their last two digits with: datasets, runs, simulations, trades, legacy rows. */
const DIGITS: Readonly<Record<string, string>> = { d: "d", r: "e", s: "5", t: "f", l: "c" };

/** `r1`, the first run → its id. */
const id = (name: string) => `00000000-0000-0000-0000-0000000000${DIGITS[name.charAt(0)]}${name.charAt(1)}`;

// For each check at least one row that it must find, and beside it rows that come close and must not be found: what is
// not named in FOUND below is one of those, the whole demo included.
const ROWS = `
  INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement, ohlcv_row_count, indicator_row_count,
                               ohlcv_first_ts, ohlcv_last_ts, indicator_first_ts, indicator_last_ts)
  VALUES ('d1', 'sound', 'v1_ohlcv', 'v1_ind', 0, 9223372036854775807, '1990-01-01', '2100-12-31 23:59:59.999999', '2025-01-01', '2025-01-01'),
         ('d2', 'half', '', 'v2_ind', NULL, 0, NULL, NULL, NULL, NULL),
         ('d5', 'other half', 'v5_ohlcv', '', 0, 0, NULL, NULL, NULL, NULL),
         ('d3', 'odd', 'v3_ohlcv', 'v3_ind', -1, 5, '57216-05-12', '2025-01-01', '1970-01-20 10:00', 'infinity'),
         ('d4', 'namesake', 'v1_ind', 'v4_ind', 0, 0, NULL, NULL, '1989-12-31 23:59:59.999999', '2025-01-01'),
         ('d6', 'SOUND', 'v6_ohlcv', 'V2_ind', 0, 0, NULL, NULL, NULL, NULL);
  INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config, status,
                                started_at, completed_at, duration_ms, summary_metrics, created_at)
  VALUES ('r1', 'd1', 'v_run1', 'Close', '[]', '{}', '{}', ' completed ', '2025-01-01', '2025-01-01', 0, '{"folds": 312}', '2025-01-01'),
         ('r2', 'd2', 'v_run2', 'Close', '["a"]', '{}', '{"folds": 3}', 'FAILED', NULL, NULL, NULL, '{"folds": "many"}', '2025-01-01'),
         ('r3', NULL, 'v_run3', 'Close', '"[\\"a\\"]"', '{}', 'null', 'Done', NULL, NULL, NULL, '"{\\"folds\\": 3}"', '2025-01-01'),
         ('r4', 'd1', 'v_run4', 'Close', '["a", 1]', '{}', '{}', 'COMPLETED', '2025-01-01', NULL, NULL, '{"folds": 312.0}', '2025-01-01'),
         ('r5', 'd1', 'v_run5', 'Close', '["a"]', '{}', '{}', 'RUNNING', NULL, '2025-01-01', NULL, '{"folds": 18}', '2025-01-01'),
         ('r6', 'd1', 'v_run6', 'Close', '[["a"]]', '{}', 'null', 'QUEUED', '2025-01-02', '2025-01-01', -5, '{}', '2025-01-01'),
         ('r7', 'd4', 'v_run1', 'Close', '["a"]', '{}', '{}', 'COMPLETED', NULL, NULL, NULL, '{"folds": 6}', '2025-01-01'),
         ('r8', 'd1', 'v_run8', 'Close', '["a"]', '{}', '{}', 'COMPLETED', NULL, NULL, NULL, '{"folds": "1.5"}', '2025-01-01'),
         ('r0', 'd1', 'v_run0', 'Close', '["a"]', '{}', '{}', 'COMPLETED', NULL, NULL, NULL, '{"folds": 0}', '2025-01-01'),
         ('r9', 'd1', 'v_run9', 'Close', '["a"]', '{}', '{}', 'CANCELLED', NULL, NULL, NULL, '{"folds": 2}', '2025-01-01');
  INSERT INTO walkforward_folds
  SELECT run_id::uuid, fold, 0, 100, 100, 120, 101, 20, NULL, 'NaN', '{}', '{}'
  FROM (SELECT 'r1' AS run_id, generate_series(0, 311) AS fold UNION ALL SELECT 'r2', generate_series(1, 2)
        UNION ALL SELECT 'r3', generate_series(1, 2) UNION ALL SELECT 'r4', generate_series(1, 130)
        UNION ALL SELECT 'r5', generate_series(1, 5) UNION ALL SELECT 'r6', unnest(ARRAY[1, 2, 4])
        UNION ALL SELECT 'r8', 2 UNION ALL SELECT 'r9', generate_series(0, 2)) AS folds;
  UPDATE walkforward_folds SET samples_train = 102, samples_test = -1 WHERE run_id = 'r1' AND fold_number = 3;
  UPDATE walkforward_folds SET train_start_idx = -9223372036854775808, train_end_idx = 9223372036854775807, test_end_idx = 99
  WHERE run_id = 'r1' AND fold_number = 4;
  INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config, status, created_at)
  VALUES ('s1', 'r1', 'd1', 'V_run1', 'v_sim1', 'Dual', '{}', 'COMPLETED', '2025-01-01'),
         ('s2', 'r1', 'd2', 'v_run1', 'trading_sim_traces', 'long', '{}', 'running', '2025-01-01'),
         ('s3', NULL, 'd1', 'v_run1', 'trading_sim_traces', 'both', '{}', 'FAILED', '2025-01-01'),
         ('s4', 'r1', NULL, 'v_run1', NULL, '', '{}', '', '2025-01-01'),
         ('s5', 'r3', 'd1', 'v_run3', '', 'SHORT', '{}', 'Done', '2025-01-01'),
         ('s6', 'r4', 'd1', 'v_run4', '', 'short', '{}', 'in progress', '2025-01-01'),
         ('s7', 'r5', 'd1', 'v_run9', 'trading_sim_traces_2', 'long', '{}', 'COMPLETED', '2025-01-01'),
         ('s8', 'r6', 'd1', 'v_run9', 'trading_sim_traces_2', 'long', '{}', 'COMPLETED', '2025-01-01');
  UPDATE stage1_datasets SET is_placeholder = true WHERE dataset_id = 'd6';
  UPDATE walkforward_runs SET is_placeholder = true WHERE run_id = 'r6';
  UPDATE simulation_runs SET is_placeholder = true WHERE simulation_id = 's8';
  UPDATE simulation_runs SET summary_metrics = '{"total_trades": 3}' WHERE simulation_id = 's1';
  INSERT INTO simulation_trades (trade_id, simulation_id, bar_timestamp, side, size, entry_price, pnl, metadata)
  VALUES (gen_random_uuid(), 's1', '2025-01-01', 'long', 1, 1, 5, '{"fold": 311}'),
         (gen_random_uuid(), 's1', '2025-01-01', 'long', 1, 1, 'NaN', '"{\\"fold\\": 312.0}"'),
         (gen_random_uuid(), 's1', '2025-01-01', 'short', 1, 1, NULL, '{"fold": "0"}'),
         (gen_random_uuid(), 's1', '2025-01-01', 'short', 1, 1, 0, '{"fold": -1}'),
         ('t1', 's5', '-infinity', 'long', 1, 1, 3, '{"fold": 7}'), (gen_random_uuid(), 's5', '2025-01-01', 'long', 1, 1, -1, '{}');
  INSERT INTO simulation_trade_buckets
  VALUES ('s1', 'all', 4, 3, 'Infinity', 'NaN', 0, NULL), ('s1', 'long', 2, 1, NULL, NULL, NULL, NULL), ('s1', 'short', 2, 0, NULL, NULL, NULL, NULL),
         ('s5', 'all', 2, 0, NULL, NULL, NULL, NULL), ('s5', 'long', 5, 1, NULL, NULL, NULL, NULL), ('s5', 'short', 0, 0, NULL, NULL, NULL, NULL),
         ('s6', 'all', 10, 10, NULL, NULL, NULL, NULL), ('s6', 'long', -1, 4, NULL, NULL, NULL, NULL);
  -- As a restore without triggers leaves it.
  SET session_replication_role = replica;
  INSERT INTO indicator_datasets (dataset_id, symbol, granularity, source, questdb_tag, first_bar_ts, last_bar_ts, row_count, created_at)
  VALUES ('l1', 'S', '1h', 'x', 'lost', '2025-01-02', '2025-01-01', 0, '2025-01-01');
  SET session_replication_role = DEFAULT;
  INSERT INTO indicator_datasets (dataset_id, symbol, granularity, source, questdb_tag) VALUES ('d1', '', 'UNKNOWN', 'x', 'v1_ind')`;

/** Inserts the rows beside the demo's. */
export async function plant(database: TestDatabase): Promise<void> {
  await database.query(ROWS.replace(/'([drstl]\d)'/g, (_, name: string) => `'${id(name)}'`));
}

const AT = "2025-01-01T00:00:00+00:00";
const [HALF, OTHER_HALF, SOL] = [
  { dataset_id: id("d2"), dataset_slug: "half", ohlcv_measurement: "", indicator_measurement: "v2_ind" },
  { dataset_id: id("d5"), dataset_slug: "other half", ohlcv_measurement: "v5_ohlcv", indicator_measurement: "" },
  {
    dataset_id: "61838339-1335-e0d8-dae0-5918446ce4b3",
    dataset_slug: "sol25_2",
    ohlcv_measurement: "",
    indicator_measurement: "sol25_2_ind",
  },
];
const SOL_RUN = { run_id: "ebd73f43-a250-c333-0af7-c1008256091a", prediction_measurement: "sol25_run3" };

/** What each check finds in a database that holds the demo alone; the others find nothing. */
export const FOUND_IN_DEMO: Readonly<Record<string, CheckResult["sample"]>> = {
  datasets_without_measurements: [SOL],
  runs_of_datasets_without_measurements: [{ ...SOL_RUN, ...SOL }],
};

const fold = (run: string, prediction_measurement: string, status: string, numbers: readonly (number | null)[]) => {
  const [folds, expected_folds, first_fold, last_fold] = numbers;
  return { run_id: id(run), prediction_measurement, status, folds, expected_folds, first_fold, last_fold };
};
const shared = (simulation: string, run_id: string | null, dataset: string) => ({
  simulation_id: id(simulation),
  run_id,
  dataset_id: id(dataset),
  questdb_namespace: "trading_sim_traces",
  created_at: AT,
});
const placeholder = (row: string, table: string, name: string, [runs, simulations]: (number | null)[]) => ({
  id: id(row),
  table,
  name,
  runs,
  simulations,
  created_at: expect.any(String),
});
const mixed = (
  simulation: string,
  run: string,
  [input_run_measurement, prediction_measurement]: string[],
  [trades, expected_trades, trades_of_other_folds, other_fold]: (number | null)[],
) => ({
  simulation_id: id(simulation),
  run_id: id(run),
  input_run_measurement,
  prediction_measurement,
  trades,
  expected_trades,
  trades_of_other_folds,
  other_fold,
});
const outside = (row: string, column: string, value: string) => ({
  id: id(row),
  table: "simulation_runs",
  column,
  value,
});

/** What each check finds in it: the severity, how many rows, and the first five. */
export const FOUND: Readonly<Record<string, readonly [CheckResult["severity"], number, CheckResult["sample"]]>> = {
  datasets_without_measurements: ["warning", 3, [HALF, OTHER_HALF, SOL]],
  runs_of_datasets_without_measurements: [
    "warning",
    2,
    [
      { run_id: id("r2"), prediction_measurement: "v_run2", ...HALF },
      { ...SOL_RUN, ...SOL },
    ],
  ],
  runs_without_a_dataset: [
    "error",
    1,
    [{ run_id: id("r3"), dataset_id: null, prediction_measurement: "v_run3", requested_by: null, created_at: AT }],
  ],
  simulations_without_a_dataset: [
    "warning",
    1,
    [
      {
        simulation_id: id("s4"),
        run_id: id("r1"),
        dataset_id_of_run: id("d1"),
        input_run_measurement: "v_run1",
        created_at: AT,
      },
    ],
  ],
  simulations_at_odds_with_their_run: [
    "error",
    1,
    [
      {
        simulation_id: id("s2"),
        run_id: id("r1"),
        dataset_id: id("d2"),
        dataset_id_of_run: id("d1"),
        input_run_measurement: "v_run1",
        prediction_measurement: "v_run1",
      },
    ],
  ],
  first_timestamps_after_last_ones: [
    "error",
    3,
    [
      {
        id: id("l1"),
        table: "indicator_datasets",
        column: "first_bar_ts",
        first: "2025-01-02T00:00:00+00:00",
        last: AT,
      },
      {
        id: id("d3"),
        table: "stage1_datasets",
        column: "ohlcv_first_ts",
        first: "57216-05-12T00:00:00+00:00",
        last: AT,
      },
      { id: id("r6"), table: "walkforward_runs", column: "started_at", first: "2025-01-02T00:00:00+00:00", last: AT },
    ],
  ],
  timestamps_in_a_wrong_unit: [
    "error",
    5,
    [
      { id: id("d3"), table: "stage1_datasets", column: "indicator_first_ts", value: "1970-01-20T10:00:00+00:00" },
      { id: id("d3"), table: "stage1_datasets", column: "indicator_last_ts", value: "infinity" },
      { id: id("d3"), table: "stage1_datasets", column: "ohlcv_first_ts", value: "57216-05-12T00:00:00+00:00" },
      {
        id: id("d4"),
        table: "stage1_datasets",
        column: "indicator_first_ts",
        value: "1989-12-31T23:59:59.999999+00:00",
      },
      { id: id("t1"), table: "simulation_trades", column: "bar_timestamp", value: "-infinity" },
    ],
  ],
  impossible_counts: [
    "error",
    5,
    [
      {
        id: id("s6"),
        table: "simulation_trade_buckets",
        part: "long",
        problem: "trade_count is -1; win_count 4 is above trade_count -1",
      },
      { id: id("d3"), table: "stage1_datasets", part: null, problem: "ohlcv_row_count is -1" },
      {
        id: id("r1"),
        table: "walkforward_folds",
        part: "fold 3",
        problem: "samples_test is -1; samples_train 102 is more than 0 to 100 hold",
      },
      {
        id: id("r1"),
        table: "walkforward_folds",
        part: "fold 4",
        problem: "train_start_idx is -9223372036854775808; test_end_idx 99 is before test_start_idx 100",
      },
      { id: id("r6"), table: "walkforward_runs", part: null, problem: "duration_ms is -5" },
    ],
  ],
  buckets_at_odds_with_trades: [
    "error",
    2,
    [
      { simulation_id: id("s5"), side: "all", trade_count: 2, trades: 2, win_count: 0, least_wins: 1, most_wins: 1 },
      { simulation_id: id("s5"), side: "long", trade_count: 5, trades: 2, win_count: 1, least_wins: 1, most_wins: 1 },
    ],
  ],
  buckets_without_trades: [
    "warning",
    2,
    [
      { simulation_id: id("s6"), side: "all", trade_count: 10, win_count: 10 },
      { simulation_id: id("s6"), side: "long", trade_count: -1, win_count: 4 },
    ],
  ],
  folds_with_gaps: [
    "error",
    5,
    [
      fold("r3", "v_run3", "Done", [2, 3, 1, 2]),
      fold("r4", "v_run4", "COMPLETED", [130, 312, 1, 130]),
      fold("r6", "v_run6", "QUEUED", [3, null, 1, 4]),
      fold("r8", "v_run8", "COMPLETED", [1, null, 2, 2]),
      fold("r9", "v_run9", "CANCELLED", [3, 2, 0, 2]),
    ],
  ],
  completed_runs_without_folds: [
    "error",
    1,
    [{ run_id: id("r7"), prediction_measurement: "v_run1", status: "COMPLETED", expected_folds: 6 }],
  ],
  words_outside_the_vocabulary: [
    "warning",
    6,
    [
      outside("s3", "mode", "both"),
      outside("s4", "mode", ""),
      outside("s4", "status", ""),
      outside("s5", "status", "Done"),
      outside("s6", "status", "in progress"),
    ],
  ],
  measurements_with_one_name: [
    "error",
    4,
    [
      {
        measurement: "V2_ind",
        uses: 2,
        one_use: `indicators of dataset ${id("d2")}`,
        another_use: `indicators of dataset ${id("d6")}`,
      },
      {
        measurement: "trading_sim_traces_2",
        uses: 2,
        one_use: `traces of simulation ${id("s7")}`,
        another_use: `traces of simulation ${id("s8")}`,
      },
      {
        measurement: "v1_ind",
        uses: 2,
        one_use: `bars of dataset ${id("d4")}`,
        another_use: `indicators of dataset ${id("d1")}`,
      },
      {
        measurement: "v_run1",
        uses: 2,
        one_use: `predictions of run ${id("r1")}`,
        another_use: `predictions of run ${id("r7")}`,
      },
    ],
  ],
  simulations_in_the_shared_namespace: ["warning", 2, [shared("s2", id("r1"), "d2"), shared("s3", null, "d1")]],
  feature_columns_of_another_shape: [
    "warning",
    3,
    [
      { run_id: id("r3"), prediction_measurement: "v_run3", found: "string", value: '"[\\"a\\"]"' },
      { run_id: id("r4"), prediction_measurement: "v_run4", found: "array", value: '["a", 1]' },
      { run_id: id("r6"), prediction_measurement: "v_run6", found: "array", value: '[["a"]]' },
    ],
  ],
  legacy_rows_without_a_master_row: [
    "error",
    1,
    [{ dataset_id: id("l1"), questdb_tag: "lost", symbol: "S", granularity: "1h", created_at: AT }],
  ],
  placeholders: [
    "warning",
    3,
    [
      placeholder("s8", "simulation_runs", "trading_sim_traces_2", [null, null]),
      placeholder("d6", "stage1_datasets", "SOUND", [0, 0]),
      placeholder("r6", "walkforward_runs", "v_run6", [null, 1]),
    ],
  ],
  trades_beside_another_run: [
    "error",
    2,
    [
      mixed("s1", "r1", ["V_run1", "v_run1"], [4, 3, 1, 312]),
      mixed("s7", "r5", ["v_run9", "v_run5"], [0, null, 0, null]),
    ],
  ],
  slugs_that_differ_by_case: [
    "warning",
    1,
    [{ dataset_id: id("d1"), other_dataset_id: id("d6"), dataset_slug: "sound", other_slug: "SOUND" }],
  ],
};

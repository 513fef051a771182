import { createHash } from "node:crypto";

/** A value as the desktop writes it: SQL of one literal. */
export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const json = (value: string) => `${quoted(value)}::jsonb`;
const uuid = (name: string) => {
  const hex = createHash("md5").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};

type Values = Readonly<Record<string, string>>;

/** One statement in the desktop's form. Values are SQL. */
export function statement(table: string, key: string, values: Values): string {
  const keys = key.split(", ");
  const set = Object.keys(values)
    .filter((column) => !keys.includes(column))
    .map((column) => `    ${column} = EXCLUDED.${column}`);
  return (
    `INSERT INTO ${table} (${Object.keys(values).join(", ")})\n` +
    `VALUES (${Object.values(values).join(", ")})\n` +
    `ON CONFLICT (${key}) DO UPDATE SET\n${set.join(",\n")};\n\n`
  );
}

export const HEADER = "-- Pending PostgreSQL inserts.\n-- Replayed nightly; one statement after another.\n\n";

export const datasetStatement = (slug: string, values: Values = {}): string =>
  statement("indicator_datasets", "dataset_id", {
    dataset_id: quoted(uuid(slug)),
    symbol: "'BTCUSDT'",
    granularity: "'4h'",
    source: "'chronosflow'",
    questdb_tag: quoted(slug),
    row_count: "4320",
    first_bar_ts: "TO_TIMESTAMP(1735689600)",
    last_bar_ts: "TO_TIMESTAMP(1743811200)",
    ...values,
  });

export const runStatement = (dataset: string, name: string, values: Values = {}): string =>
  statement("walkforward_runs", "run_id", {
    run_id: quoted(uuid(name)),
    dataset_id: quoted(uuid(dataset)),
    prediction_measurement: quoted(name),
    target_column: "'Close'",
    feature_columns: json('["hma_55", "rsi_14"]'),
    hyperparameters: json('{"eta": 0.05, "max_depth": 6}'),
    walk_config: json('{"folds": 6, "lookback": 240}'),
    status: "'COMPLETED'",
    requested_by: "NULL",
    started_at: "TO_TIMESTAMP(1743811200)",
    completed_at: "TO_TIMESTAMP(1743811665)",
    duration_ms: "465000",
    summary_metrics: json('{"roc_auc": 0.71, "f1": nan}'),
    serialized_config: quoted("name=it's; nan\n  mode=\"walk\";\n\nINSERT INTO nothing (a)\nVALUES ('x');\n"),
    ...values,
  });

export const foldStatement = (run: string, fold: number, values: Values = {}): string =>
  statement("walkforward_folds", "run_id, fold_number", {
    run_id: quoted(uuid(run)),
    fold_number: String(fold),
    train_start_idx: String(240 + fold * 500),
    train_end_idx: String(5240 + fold * 500),
    test_start_idx: String(5240 + fold * 500),
    test_end_idx: String(5740 + fold * 500),
    samples_train: "5000",
    samples_test: "500",
    best_iteration: "17",
    best_score: "0.7125",
    thresholds: json('{"long": 0.63, "short": 0.37}'),
    metrics: json('{"hit_rate": 0.52, "profit_factor": inf}'),
    ...values,
  });

export const simulationStatement = (dataset: string, run: string, name: string, values: Values = {}): string =>
  statement("simulation_runs", "simulation_id", {
    simulation_id: quoted(uuid(name)),
    run_id: quoted(uuid(run)),
    dataset_id: quoted(uuid(dataset)),
    input_run_measurement: quoted(run),
    questdb_namespace: quoted(name),
    mode: "'dual'",
    config: json('{"stake": 1000}'),
    status: "'COMPLETED'",
    started_at: "TO_TIMESTAMP(1743811700)",
    completed_at: "TO_TIMESTAMP(1743811742)",
    summary_metrics: json('{"total_return": 0.082, "sharpe": -inf}'),
    ...values,
  });

export const bucketStatement = (simulation: string, side: string, values: Values = {}): string =>
  statement("simulation_trade_buckets", "simulation_id, side", {
    simulation_id: quoted(uuid(simulation)),
    side: quoted(side),
    trade_count: "13",
    win_count: "8",
    profit_factor: "inf",
    avg_return_pct: "0.42",
    max_drawdown_pct: "-nan",
    notes: "NULL",
    ...values,
  });

export const tradeStatement = (simulation: string, trade: number, values: Values = {}): string =>
  statement("simulation_trades", "trade_id", {
    trade_id: quoted(uuid(`${simulation}_${trade}`)),
    simulation_id: quoted(uuid(simulation)),
    bar_timestamp: `TO_TIMESTAMP(${1735689600 + trade * 14_400})`,
    side: trade % 2 === 0 ? "'long'" : "'short'",
    size: "1.5",
    entry_price: String(42_000 + (trade % 1000) / 8),
    exit_price: String(42_010 + (trade % 900) / 8),
    pnl: String(((trade % 37) - 18) / 4),
    return_pct: String(((trade % 37) - 18) / 1000),
    metadata: json('{"reason": "threshold", "score": 0.66}'),
    ...values,
  });

export const idOf = uuid;

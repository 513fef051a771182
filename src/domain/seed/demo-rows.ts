import { createHash } from "node:crypto";
import { type DatasetPlan, DEMO, type RunPlan, type SimulationPlan } from "./demo.ts";
import { bucketsOf, round, spread, summaryOf, tradesOf } from "./demo-trades.ts";

/** A row to insert: columns with their values, timestamps as RFC 3339. */
type Row = Readonly<Record<string, unknown>>;

/** By table, parents before children. All rows of a table have the same columns. */
export interface DemoRows {
  readonly stage1_datasets: Row[];
  readonly walkforward_runs: Row[];
  readonly walkforward_folds: Row[];
  readonly simulation_runs: Row[];
  readonly simulation_trades: Row[];
  readonly simulation_trade_buckets: Row[];
}

/** The rows of the demo lineage: the same at every call, ids and timestamps included. */
export function demoRows(): DemoRows {
  const runs = DEMO.flatMap((dataset) => dataset.runs.map((run) => ({ dataset, run })));
  const simulations = runs.flatMap(({ dataset, run }) =>
    run.simulations.map((simulation) => ({ dataset, run, simulation, trades: tradesOf(dataset, simulation) })),
  );
  return {
    stage1_datasets: DEMO.map(datasetRow),
    walkforward_runs: runs.map(({ dataset, run }) => runRow(dataset, run)),
    walkforward_folds: runs.flatMap(({ run }) => foldRows(run)),
    simulation_runs: simulations.map(({ dataset, run, simulation, trades }) =>
      simulationRow(dataset, run, simulation, summaryOf(trades)),
    ),
    simulation_trades: simulations.flatMap(({ simulation, trades }) =>
      trades.map((trade, i) => ({
        trade_id: idOf(`${simulation.name}_trade${i + 1}`),
        simulation_id: idOf(simulation.name),
        ...trade,
        created_at: endOf(simulation),
      })),
    ),
    simulation_trade_buckets: simulations.flatMap(({ simulation, trades }) =>
      bucketsOf(trades, simulation).map((bucket) => ({ simulation_id: idOf(simulation.name), ...bucket })),
    ),
  };
}

/** Ids are hashed from names, as the desktop's are. */
function idOf(name: string): string {
  const hash = createHash("md5").update(name).digest("hex");
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function datasetRow(dataset: DatasetPlan): Row {
  const isExported = dataset.ohlcv !== "";
  return {
    dataset_id: idOf(dataset.slug),
    dataset_slug: dataset.slug,
    symbol: dataset.symbol,
    granularity: dataset.granularity,
    source: dataset.source,
    ohlcv_measurement: dataset.ohlcv,
    indicator_measurement: dataset.indicator,
    ohlcv_row_count: isExported ? dataset.rows : 0,
    indicator_row_count: dataset.rows,
    ohlcv_first_ts: isExported ? dataset.first : null,
    ohlcv_last_ts: isExported ? dataset.last : null,
    indicator_first_ts: dataset.first,
    indicator_last_ts: dataset.last,
    metadata: { exchange: "binance", demo: true },
    created_at: dataset.created,
    updated_at: later(dataset.created, 90_000),
  };
}

function runRow(dataset: DatasetPlan, run: RunPlan): Row {
  const { outcome } = run;
  const isOver = outcome.status === "COMPLETED" || outcome.status === "FAILED";
  const started = outcome.status === "QUEUED" ? null : later(run.created, 1_500);
  return {
    run_id: idOf(run.name),
    dataset_id: idOf(dataset.slug),
    prediction_measurement: run.name,
    target_column: "Close",
    feature_columns: run.features,
    hyperparameters: run.hyperparameters,
    walk_config: run.walk,
    status: outcome.status,
    requested_by: "demo",
    started_at: started,
    completed_at: started !== null && isOver ? later(started, outcome.durationMs) : null,
    duration_ms: isOver ? outcome.durationMs : null,
    summary_metrics: runSummary(run),
    serialized_config: runConfig(dataset, run),
    created_at: run.created,
  };
}

function runSummary({ outcome }: RunPlan): Row {
  if (outcome.status === "COMPLETED") return { roc_auc: outcome.rocAuc, f1: outcome.f1 };
  return outcome.status === "FAILED" ? { error: outcome.error } : {};
}

/** The folds that were done; the end of a window is the bar after its last. */
function foldRows({ name, walk, created, outcome }: RunPlan): Row[] {
  if (outcome.status === "QUEUED") return [];
  const done = outcome.status === "COMPLETED" ? walk.folds : outcome.foldsDone;
  const score = outcome.status === "COMPLETED" ? outcome.rocAuc : 0.65;
  return Array.from({ length: done }, (_, i) => {
    const trainStart = walk.lookback + i * walk.test;
    const trainEnd = trainStart + walk.train;
    const long = round(0.63 + spread(i) / 500, 3);
    return {
      run_id: idOf(name),
      fold_number: i + 1,
      train_start_idx: trainStart,
      train_end_idx: trainEnd,
      test_start_idx: trainEnd,
      test_end_idx: trainEnd + walk.test,
      samples_train: walk.train,
      samples_test: walk.test,
      best_iteration: 180 + 7 * spread(i),
      best_score: round(score + spread(i) / 400, 4),
      thresholds: { long, short: round(1 - long, 3) },
      metrics: {
        hit_rate: round(0.56 + spread(i) / 250, 3),
        profit_factor_train: round(1.9 + spread(i + 5) / 50, 2),
        profit_factor_test: round(1.3 + spread(i) / 30, 2),
        signals_long: 24 + spread(i + 2),
        signals_short: 22 + spread(i + 9),
      },
      created_at: later(created, 1_500),
    };
  });
}

function simulationRow(dataset: DatasetPlan, run: RunPlan, simulation: SimulationPlan, sums: Row): Row {
  const { name, mode, status, created } = simulation;
  const summaries = { COMPLETED: sums, RUNNING: {}, FAILED: { error: `table "${run.name}" has gaps; see the log` } };
  return {
    simulation_id: idOf(name),
    run_id: idOf(run.name),
    dataset_id: idOf(dataset.slug),
    input_run_measurement: run.name,
    questdb_namespace: name,
    mode,
    config: { stake: 1000, fee_bps: 4, max_bars_held: 24 },
    status,
    started_at: later(created, 500),
    completed_at: status === "RUNNING" ? null : endOf(simulation),
    summary_metrics: summaries[status],
    serialized_config: simulationConfig(run, simulation),
    created_at: created,
  };
}

function endOf(simulation: SimulationPlan): string {
  return later(simulation.created, 42_000);
}

// The clipboard texts hold what breaks a careless reader: line breaks, quotes of both kinds, semicolons.

function runConfig(dataset: DatasetPlan, { name, features, hyperparameters, walk }: RunPlan): string {
  return [
    `[walkforward "${name}"]`,
    `dataset = '${dataset.slug}'; target = "Close"`,
    `features = ${features.map((feature) => `"${feature}"`).join("; ")};`,
    `eta = ${hyperparameters.eta}; max_depth = ${hyperparameters.max_depth};`,
    `folds = ${walk.folds}; lookback = ${walk.lookback}; train = ${walk.train}; test = ${walk.test};`,
    `note = "don't trade the first fold";`,
    "",
  ].join("\n");
}

function simulationConfig(run: RunPlan, { name, mode }: SimulationPlan): string {
  return `[simulation "${name}"]\ninput = '${run.name}'; mode = "${mode}";\nstake = 1000; fee_bps = 4; max_bars_held = 24;\n`;
}

/** So many milliseconds after a timestamp with six decimals, which it keeps. */
function later(timestamp: string, milliseconds: number): string {
  const microseconds = timestamp.slice(-4);
  return new Date(Date.parse(timestamp) + milliseconds).toISOString().slice(0, -1) + microseconds;
}

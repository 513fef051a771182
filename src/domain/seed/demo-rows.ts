import { createHash } from "node:crypto";
import { type DatasetPlan, DEMO, type RunPlan, type SimulationPlan } from "./demo.ts";
import { type Fold, foldsOf, summaryOf, walkConfig } from "./demo-folds.ts";
import { bucketsOf, resultsOf, SIMULATION_CONFIG, tradesOf } from "./demo-trades.ts";

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
  const runs = DEMO.flatMap((dataset) => dataset.runs.map((run) => ({ dataset, run, folds: foldsOf(run) })));
  const simulations = runs.flatMap(({ dataset, run }) =>
    run.simulations.map((simulation) => ({
      dataset,
      run,
      simulation,
      trades: tradesOf(dataset, run.walk, simulation),
    })),
  );
  return {
    stage1_datasets: DEMO.map(datasetRow),
    walkforward_runs: runs.map(({ dataset, run, folds }) => runRow(dataset, run, folds)),
    walkforward_folds: runs.flatMap(({ run, folds }) =>
      folds.map((fold) => ({ run_id: idOf(run.name), ...fold, created_at: later(run.created, 1_500) })),
    ),
    simulation_runs: simulations.map(({ dataset, run, simulation, trades }) =>
      simulationRow(dataset, run, simulation, resultsOf(dataset, trades)),
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
      bucketsOf(trades).map((bucket) => ({ simulation_id: idOf(simulation.name), ...bucket })),
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

function runRow(dataset: DatasetPlan, run: RunPlan, folds: readonly Fold[]): Row {
  const { outcome } = run;
  const isOver = outcome.status !== "QUEUED" && outcome.status !== "RUNNING";
  const started = outcome.status === "QUEUED" ? null : later(run.created, 1_500);
  return {
    run_id: idOf(run.name),
    dataset_id: idOf(dataset.slug),
    prediction_measurement: run.name,
    target_column: "Close",
    feature_columns: run.features,
    hyperparameters: run.hyperparameters,
    walk_config: walkConfig(run.walk),
    status: outcome.status,
    requested_by: "demo",
    started_at: started,
    completed_at: started !== null && isOver ? later(started, outcome.durationMs) : null,
    duration_ms: isOver ? outcome.durationMs : null,
    summary_metrics: runSummary(run, folds),
    serialized_config: runConfig(dataset, run),
    created_at: run.created,
  };
}

function runSummary({ outcome }: RunPlan, folds: readonly Fold[]): Row {
  switch (outcome.status) {
    case "COMPLETED":
      return { ...summaryOf(folds), roc_auc: outcome.rocAuc, f1: outcome.f1 };
    case "INCOMPLETE":
      return summaryOf(folds);
    case "FAILED":
      return { error: outcome.error };
    default:
      return {};
  }
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
    config: SIMULATION_CONFIG,
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
    `${settings(walkConfig(walk))};`,
    `note = "don't trade the first fold";`,
    "",
  ].join("\n");
}

function simulationConfig(run: RunPlan, { name, mode }: SimulationPlan): string {
  return `[simulation "${name}"]\ninput = '${run.name}'; mode = "${mode}";\n${settings(SIMULATION_CONFIG)};\n`;
}

function settings(config: Row): string {
  return Object.entries(config)
    .map(([name, value]) => `${name} = ${value}`)
    .join("; ");
}

/** So many milliseconds after a timestamp with six decimals, which it keeps. */
function later(timestamp: string, milliseconds: number): string {
  const microseconds = timestamp.slice(-4);
  return new Date(Date.parse(timestamp) + milliseconds).toISOString().slice(0, -1) + microseconds;
}

import type { Db } from "../db/pool.ts";
import { type List, readRows, type Table } from "./page.ts";
import { type Column, containing, equal, finite, placeholder, type TimeRange, within } from "./sql.ts";

/** `stage1_run_status()`: what the free text of a run's or a simulation's status means. */
export type RunStatus =
  | "PENDING"
  | "QUEUED"
  | "RUNNING"
  | "COMPLETED"
  | "INCOMPLETE"
  | "FAILED"
  | "CANCELLED"
  | "UNKNOWN";

/** A row of `walkforward_runs`. Timestamps as PostgreSQL's text in UTC, JSON as text. */
export interface RunRow {
  run_id: string;
  dataset_id: string | null;
  prediction_measurement: string;
  target_column: string;
  feature_columns: string;
  hyperparameters: string;
  walk_config: string;
  summary_metrics: string;
  serialized_config: string | null;
  status: RunStatus;
  requested_by: string | null;
  started_at: string | null;
  completed_at: string | null;
  /** Milliseconds. */
  duration_ms: number | null;
  is_placeholder: boolean;
  created_at: string;
}

export interface RunFilter {
  readonly datasetId?: string | null | undefined;
  readonly status?: readonly RunStatus[] | null | undefined;
  readonly targetColumn?: string | null | undefined;
  readonly search?: string | null | undefined;
  readonly created?: TimeRange | undefined;
}

export type RunOrderField = "CREATED_AT" | "STARTED_AT" | "COMPLETED_AT" | "STATUS";

const STATUS = "stage1_run_status(r.status)";

const COLUMNS = {
  run_id: "r.run_id",
  dataset_id: "r.dataset_id",
  prediction_measurement: "r.prediction_measurement",
  target_column: "coalesce(r.target_column, '')",
  feature_columns: { jsonb: "r.feature_columns" },
  hyperparameters: { jsonb: "r.hyperparameters" },
  walk_config: { jsonb: "r.walk_config" },
  summary_metrics: { jsonb: "r.summary_metrics" },
  serialized_config: "r.serialized_config",
  status: STATUS,
  requested_by: "r.requested_by",
  started_at: "r.started_at",
  completed_at: "r.completed_at",
  duration_ms: "r.duration_ms",
  is_placeholder: placeholder("run", "r.run_id"),
  created_at: "r.created_at",
} satisfies Record<keyof RunRow, Column>;

export const runs: List<RunRow, RunFilter, RunOrderField> = {
  from: "walkforward_runs r",
  columns: COLUMNS,
  key: "r.run_id",
  counts: {
    fold_count: "(SELECT count(*) FROM walkforward_folds f WHERE f.run_id = r.run_id)",
    simulation_count: "(SELECT count(*) FROM simulation_runs s WHERE s.run_id = r.run_id)",
  },
  orders: {
    CREATED_AT: [{ sql: "r.created_at", type: "timestamptz" }],
    // What has not happened yet sorts before everything that has.
    STARTED_AT: [{ sql: "coalesce(r.started_at, '-infinity')", type: "timestamptz" }],
    COMPLETED_AT: [{ sql: "coalesce(r.completed_at, '-infinity')", type: "timestamptz" }],
    STATUS: [{ sql: STATUS, type: "text" }],
  },
  tiebreak: { sql: "r.run_id", type: "uuid" },
  where: (filter, params) => [
    ...equal("r.dataset_id", filter.datasetId, "uuid", params),
    ...(filter.status ? [`${STATUS} = ANY (${params.add(filter.status, "text[]")})`] : []),
    ...equal("r.target_column", filter.targetColumn, "text", params),
    ...(filter.search ? [`r.prediction_measurement ILIKE ${params.add(containing(filter.search))}`] : []),
    ...within("r.created_at", filter.created, params),
  ],
};

/** The runs with these ids, in any order; an unknown id has none. */
export function runsById(db: Db, ids: readonly string[]): Promise<RunRow[]> {
  return readRows(db, runs, "r.run_id = ANY ($1::uuid[])", [ids]);
}

/** The run of a dataset that wrote this prediction table; undefined where there is none. */
export async function runByMeasurement(
  db: Db,
  datasetId: string,
  predictionMeasurement: string,
): Promise<RunRow | undefined> {
  const rows = await readRows(db, runs, "r.dataset_id = $1 AND r.prediction_measurement = $2", [
    datasetId,
    predictionMeasurement,
  ]);
  return rows[0];
}

/** The names in `feature_columns`: an array, or, as one exporter wrote it, a string that contains the array. */
export function featureColumns(text: string): string[] {
  return namesIn(JSON.parse(text));
}

function namesIn(stored: unknown): string[] {
  if (Array.isArray(stored)) return stored.map((name) => (typeof name === "string" ? name : JSON.stringify(name)));
  if (typeof stored !== "string") return stored == null ? [] : [JSON.stringify(stored)];
  try {
    const inner: unknown = JSON.parse(stored);
    return Array.isArray(inner) ? namesIn(inner) : [stored];
  } catch {
    return stored === "" ? [] : [stored];
  }
}

/** A row of `walkforward_folds`. JSON as text, timestamps as PostgreSQL's text in UTC; a number that is not stored is 0. */
export interface FoldRow {
  run_id: string;
  fold_number: number;
  train_start_idx: number;
  train_end_idx: number;
  test_start_idx: number;
  test_end_idx: number;
  samples_train: number;
  samples_test: number;
  best_iteration: number | null;
  best_score: number | null;
  train_start_ts: string | null;
  train_end_ts: string | null;
  test_start_ts: string | null;
  test_end_ts: string | null;
  thresholds: string;
  metrics: string;
}

export const folds: Table<FoldRow> = {
  from: "walkforward_folds f",
  columns: {
    run_id: "f.run_id",
    fold_number: "f.fold_number",
    train_start_idx: "coalesce(f.train_start_idx, 0)",
    train_end_idx: "coalesce(f.train_end_idx, 0)",
    test_start_idx: "coalesce(f.test_start_idx, 0)",
    test_end_idx: "coalesce(f.test_end_idx, 0)",
    samples_train: "coalesce(f.samples_train, 0)",
    samples_test: "coalesce(f.samples_test, 0)",
    best_iteration: "f.best_iteration",
    best_score: finite("f.best_score"),
    train_start_ts: "stage1_timestamp_of_ms(f.train_start_ts_ms)",
    train_end_ts: "stage1_timestamp_of_ms(f.train_end_ts_ms)",
    test_start_ts: "stage1_timestamp_of_ms(f.test_start_ts_ms)",
    test_end_ts: "stage1_timestamp_of_ms(f.test_end_ts_ms)",
    thresholds: { jsonb: "f.thresholds" },
    metrics: { jsonb: "f.metrics" },
  } satisfies Record<keyof FoldRow, Column>,
};

/** All folds of these runs, by run and fold number. */
export function foldsOfRuns(db: Db, runIds: readonly string[]): Promise<FoldRow[]> {
  return readRows(db, folds, "f.run_id = ANY ($1::uuid[]) ORDER BY f.run_id, f.fold_number", [runIds]);
}

/** How many folds each run has; a run without folds is left out. */
export function foldCounts(db: Db, runIds: readonly string[]): Promise<{ run_id: string; count: number }[]> {
  return db.query(
    `SELECT run_id, count(*) AS count FROM walkforward_folds WHERE run_id = ANY ($1::uuid[]) GROUP BY run_id`,
    [runIds],
  );
}

import type { Db } from "../db/pool.ts";
import { type List, readRows, type Table } from "./page.ts";
import type { RunStatus } from "./run.ts";
import { type Column, equal, finite, placeholder, type TimeRange, within } from "./sql.ts";

/** `stage1_simulation_mode()`: what the free text of a simulation's mode means. */
export type SimulationMode = "LONG" | "SHORT" | "DUAL" | "UNKNOWN";

/** A row of `simulation_runs`. Timestamps as PostgreSQL's text in UTC, JSON as text. */
export interface SimulationRow {
  simulation_id: string;
  run_id: string | null;
  dataset_id: string | null;
  input_run_measurement: string;
  questdb_namespace: string | null;
  mode: SimulationMode;
  status: RunStatus;
  config: string;
  summary_metrics: string;
  serialized_config: string | null;
  started_at: string | null;
  completed_at: string | null;
  is_placeholder: boolean;
  created_at: string;
}

export interface SimulationFilter {
  readonly datasetId?: string | null | undefined;
  readonly runId?: string | null | undefined;
  readonly status?: readonly RunStatus[] | null | undefined;
  readonly mode?: readonly SimulationMode[] | null | undefined;
  readonly created?: TimeRange | undefined;
}

export type SimulationOrderField = "CREATED_AT" | "STARTED_AT" | "COMPLETED_AT" | "STATUS";

const STATUS = "stage1_run_status(s.status)";
const MODE = "stage1_simulation_mode(s.mode)";

const COLUMNS = {
  simulation_id: "s.simulation_id",
  run_id: "s.run_id",
  dataset_id: "s.dataset_id",
  input_run_measurement: "s.input_run_measurement",
  questdb_namespace: "nullif(s.questdb_namespace, '')",
  mode: MODE,
  status: STATUS,
  config: { jsonb: "s.config" },
  summary_metrics: { jsonb: "s.summary_metrics" },
  serialized_config: "s.serialized_config",
  started_at: "s.started_at",
  completed_at: "s.completed_at",
  is_placeholder: placeholder("simulation", "s.simulation_id"),
  created_at: "s.created_at",
} satisfies Record<keyof SimulationRow, Column>;

export const simulations: List<SimulationRow, SimulationFilter, SimulationOrderField> = {
  from: "simulation_runs s",
  columns: COLUMNS,
  key: "s.simulation_id",
  counts: { trade_count: "(SELECT count(*) FROM simulation_trades t WHERE t.simulation_id = s.simulation_id)" },
  orders: {
    CREATED_AT: [{ sql: "s.created_at", type: "timestamptz" }],
    // What has not happened yet sorts before everything that has.
    STARTED_AT: [{ sql: "coalesce(s.started_at, '-infinity')", type: "timestamptz" }],
    COMPLETED_AT: [{ sql: "coalesce(s.completed_at, '-infinity')", type: "timestamptz" }],
    STATUS: [{ sql: STATUS, type: "text" }],
  },
  tiebreak: { sql: "s.simulation_id", type: "uuid" },
  where: (filter, params) => [
    ...equal("s.dataset_id", filter.datasetId, "uuid", params),
    ...equal("s.run_id", filter.runId, "uuid", params),
    ...(filter.status ? [`${STATUS} = ANY (${params.add(filter.status, "text[]")})`] : []),
    ...(filter.mode ? [`${MODE} = ANY (${params.add(filter.mode, "text[]")})`] : []),
    ...within("s.created_at", filter.created, params),
  ],
};

/** The simulations with these ids, in any order; an unknown id has none. */
export function simulationsById(db: Db, ids: readonly string[]): Promise<SimulationRow[]> {
  return readRows(db, simulations, "s.simulation_id = ANY ($1::uuid[])", [ids]);
}

/** `stage1_trade_side()`: what the free text of a trade's or a bucket's side means. */
export type TradeSide = "LONG" | "SHORT" | "ALL" | "UNKNOWN";

/** A row of `simulation_trades`. A number that is not finite is null; JSON as text. */
export interface TradeRow {
  trade_id: string;
  bar_timestamp: string;
  side: TradeSide;
  size: number | null;
  entry_price: number | null;
  exit_price: number | null;
  pnl: number | null;
  return_pct: number | null;
  metadata: string;
}

export const trades: List<TradeRow, Record<never, never>, "BAR_TIMESTAMP"> = {
  from: "simulation_trades t",
  columns: {
    trade_id: "t.trade_id",
    bar_timestamp: "t.bar_timestamp",
    side: "stage1_trade_side(t.side)",
    size: finite("t.size"),
    entry_price: finite("t.entry_price"),
    exit_price: finite("t.exit_price"),
    pnl: finite("t.pnl"),
    return_pct: finite("t.return_pct"),
    metadata: { jsonb: "t.metadata" },
  },
  orders: { BAR_TIMESTAMP: [{ sql: "t.bar_timestamp", type: "timestamptz" }] },
  tiebreak: { sql: "t.trade_id", type: "uuid" },
  where: () => [],
};

/** A row of `simulation_trade_buckets`. A number that is not finite is null. */
export interface BucketRow {
  simulation_id: string;
  side: TradeSide;
  trade_count: number;
  win_count: number;
  profit_factor: number | null;
  avg_return_pct: number | null;
  max_drawdown_pct: number | null;
  notes: string | null;
}

const BUCKET_SIDE = "stage1_trade_side(b.side)";

/** ALL, LONG, SHORT, UNKNOWN, which is the order of these words; then by the stored text. */
export const BUCKET_ORDER = `${BUCKET_SIDE} COLLATE "C", b.side COLLATE "C"`;

export const buckets: Table<BucketRow> = {
  from: "simulation_trade_buckets b",
  columns: {
    simulation_id: "b.simulation_id",
    side: BUCKET_SIDE,
    trade_count: "b.trade_count",
    win_count: "b.win_count",
    profit_factor: finite("b.profit_factor"),
    avg_return_pct: finite("b.avg_return_pct"),
    max_drawdown_pct: finite("b.max_drawdown_pct"),
    notes: "b.notes",
  } satisfies Record<keyof BucketRow, Column>,
};

/** All trade buckets of these simulations: all, long, short. */
export function bucketsOfSimulations(db: Db, simulationIds: readonly string[]): Promise<BucketRow[]> {
  const condition = `b.simulation_id = ANY ($1::uuid[]) ORDER BY b.simulation_id, ${BUCKET_ORDER}`;
  return readRows(db, buckets, condition, [simulationIds]);
}

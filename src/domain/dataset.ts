import type { Db } from "../db/pool.ts";
import { type List, readRows } from "./page.ts";
import { type Column, containing, equal, placeholder, type TimeRange, within } from "./sql.ts";

/** A row of `stage1_datasets`. Timestamps as PostgreSQL's text in UTC, JSON as text. */
export interface DatasetRow {
  dataset_id: string;
  dataset_slug: string;
  symbol: string | null;
  granularity: string | null;
  source: string | null;
  /** null where the table holds '': not exported yet. */
  ohlcv_measurement: string | null;
  indicator_measurement: string | null;
  ohlcv_row_count: number;
  indicator_row_count: number;
  ohlcv_first_ts: string | null;
  ohlcv_last_ts: string | null;
  indicator_first_ts: string | null;
  indicator_last_ts: string | null;
  is_complete: boolean;
  metadata: string;
  is_placeholder: boolean;
  /** Milliseconds. */
  bar_interval_ms: number | null;
  lookback_rows: number | null;
  /** `null` where there is none. */
  manifest: string;
  created_at: string;
  updated_at: string;
}

export interface DatasetFilter {
  readonly search?: string | null | undefined;
  readonly symbol?: string | null | undefined;
  readonly granularity?: string | null | undefined;
  readonly source?: string | null | undefined;
  readonly isComplete?: boolean | null | undefined;
  readonly updated?: TimeRange | undefined;
}

export type DatasetOrderField = "UPDATED_AT" | "CREATED_AT" | "DATASET_SLUG" | "SYMBOL";

const IS_COMPLETE = "(d.ohlcv_measurement <> '' AND d.indicator_measurement <> '')";

/** A column of the row that a desktop of generation 3 writes. */
function exported(column: string): string {
  return `(SELECT g.${column} FROM datasets g WHERE g.dataset_id = d.dataset_id)`;
}

const COLUMNS = {
  dataset_id: "d.dataset_id",
  dataset_slug: "d.dataset_slug",
  symbol: "nullif(d.symbol, '')",
  granularity: "nullif(d.granularity, '')",
  source: "nullif(d.source, '')",
  ohlcv_measurement: "nullif(d.ohlcv_measurement, '')",
  indicator_measurement: "nullif(d.indicator_measurement, '')",
  ohlcv_row_count: "coalesce(d.ohlcv_row_count, 0)",
  indicator_row_count: "coalesce(d.indicator_row_count, 0)",
  ohlcv_first_ts: "d.ohlcv_first_ts",
  ohlcv_last_ts: "d.ohlcv_last_ts",
  indicator_first_ts: "d.indicator_first_ts",
  indicator_last_ts: "d.indicator_last_ts",
  is_complete: IS_COMPLETE,
  metadata: { jsonb: "d.metadata" },
  is_placeholder: placeholder("dataset", "d.dataset_id"),
  bar_interval_ms: exported("bar_interval_ms"),
  lookback_rows: exported("lookback_rows"),
  manifest: { jsonb: exported("metadata") },
  created_at: "d.created_at",
  updated_at: "d.updated_at",
} satisfies Record<keyof DatasetRow, Column>;

export const datasets: List<DatasetRow, DatasetFilter, DatasetOrderField> = {
  from: "stage1_datasets d",
  columns: COLUMNS,
  key: "d.dataset_id",
  isShort: true,
  counts: {
    run_count: "(SELECT count(*) FROM walkforward_runs r WHERE r.dataset_id = d.dataset_id)",
    simulation_count: "(SELECT count(*) FROM simulation_runs s WHERE s.dataset_id = d.dataset_id)",
  },
  orders: {
    UPDATED_AT: [{ sql: "d.updated_at", type: "timestamptz" }],
    CREATED_AT: [{ sql: "d.created_at", type: "timestamptz" }],
    DATASET_SLUG: [{ sql: "d.dataset_slug", type: "text" }],
    SYMBOL: [{ sql: "coalesce(d.symbol, '')", type: "text" }],
  },
  tiebreak: { sql: "d.dataset_id", type: "uuid" },
  where: (filter, params) => [
    ...(filter.search
      ? [
          "stage1_dataset_search_text(d.dataset_slug, d.symbol, d.ohlcv_measurement, d.indicator_measurement) " +
            `ILIKE ${params.add(containing(filter.search))}`,
        ]
      : []),
    ...equal("d.symbol", filter.symbol, "text", params),
    ...equal("d.granularity", filter.granularity, "text", params),
    ...equal("d.source", filter.source, "text", params),
    ...equal(IS_COMPLETE, filter.isComplete, "boolean", params),
    ...within("d.updated_at", filter.updated, params),
  ],
};

/** The datasets with these ids, in any order; an unknown id has none. */
export function datasetsById(db: Db, ids: readonly string[]): Promise<DatasetRow[]> {
  return readRows(db, datasets, "d.dataset_id = ANY ($1::uuid[])", [ids]);
}

/** The datasets with these slugs, in any order; an unknown slug has none. */
export function datasetsBySlug(db: Db, slugs: readonly string[]): Promise<DatasetRow[]> {
  return readRows(db, datasets, "d.dataset_slug = ANY ($1::text[])", [slugs]);
}

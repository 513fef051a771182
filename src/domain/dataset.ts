import type { Db } from "../db/pool.ts";
import type { List } from "./page.ts";
import { containing, equal, jsonColumn, type TimeRange, within } from "./sql.ts";

/** A row of `stage1_datasets`. Timestamps as PostgreSQL's text in UTC. */
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
  metadata: unknown;
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

const COLUMNS = `
  d.dataset_id, d.dataset_slug,
  nullif(d.symbol, '') AS symbol, nullif(d.granularity, '') AS granularity, nullif(d.source, '') AS source,
  nullif(d.ohlcv_measurement, '') AS ohlcv_measurement, nullif(d.indicator_measurement, '') AS indicator_measurement,
  coalesce(d.ohlcv_row_count, 0) AS ohlcv_row_count, coalesce(d.indicator_row_count, 0) AS indicator_row_count,
  d.ohlcv_first_ts, d.ohlcv_last_ts, d.indicator_first_ts, d.indicator_last_ts,
  ${IS_COMPLETE} AS is_complete, ${jsonColumn("d.metadata")}, d.created_at, d.updated_at`;

export const datasets: List<DatasetRow, DatasetFilter, DatasetOrderField> = {
  from: "stage1_datasets d",
  columns: COLUMNS,
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
  return db.query<DatasetRow>(`SELECT ${COLUMNS} FROM stage1_datasets d WHERE d.dataset_id = ANY ($1::uuid[])`, [ids]);
}

/** The datasets with these slugs, in any order; an unknown slug has none. */
export function datasetsBySlug(db: Db, slugs: readonly string[]): Promise<DatasetRow[]> {
  return db.query<DatasetRow>(`SELECT ${COLUMNS} FROM stage1_datasets d WHERE d.dataset_slug = ANY ($1::text[])`, [
    slugs,
  ]);
}

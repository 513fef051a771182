import type { Db } from "../../src/db/pool.ts";

/** The task list's functions, as `signatures` tells them. */
export const FUNCTIONS = [
  "fn_list_datasets(p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) sql s",
  "fn_list_runs(p_dataset_id uuid DEFAULT NULL::uuid, p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) sql s",
  "fn_list_simulations(p_run_id uuid DEFAULT NULL::uuid, p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) sql s",
  "upsert_stage1_dataset(p_dataset_id uuid, p_dataset_slug text, p_symbol text, p_granularity text, p_source text, " +
    "p_ohlcv_measurement text, p_indicator_measurement text, p_ohlcv_rows bigint, p_indicator_rows bigint, " +
    "p_ohlcv_first timestamp with time zone, p_ohlcv_last timestamp with time zone, " +
    "p_indicator_first timestamp with time zone, p_indicator_last timestamp with time zone, p_metadata jsonb) plpgsql v",
];

/** Name, parameters, language and volatility of every function that has the name of one of the task list's. */
export async function signatures(db: Db): Promise<string[]> {
  const rows = await db.query<{ signature: string }>(
    `SELECT format('%s(%s) %s %s', p.proname,
                   regexp_replace(pg_get_function_arguments(p.oid), ', TABLE.*|TABLE.*', ''), l.lanname, p.provolatile) AS signature
     FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.proname ~ '^fn_list_' OR p.proname = 'upsert_stage1_dataset'
     ORDER BY 1`,
  );
  return rows.map((row) => row.signature);
}

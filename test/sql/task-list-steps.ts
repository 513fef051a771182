import { fixture } from "./fixture.ts";

/** A statement of the task list, as somebody would have run it by hand. */
interface Step {
  readonly what: string;
  readonly sql: string;
}

/**
 * The task list's §1 to §4, statement by statement, in its order, for a database of a variant. Where a statement cannot run
 * as it stands (the backfill, the functions' `…`), it is what it takes to make it run.
 */
export function taskListSteps(variant: string): Step[] {
  const dashboard = variant === "variant-b.sql";
  const [
    table = "",
    index = "",
    legacyKey = "",
    runsKey = "",
    simulationsKey = "",
    runsUnique = "",
    simulationsUnique = "",
  ] = fixture("task-list.sql")
    .split(/;\n/)
    .map((statement) => statement.trim());
  const tag = dashboard ? "questdb_measurement" : "questdb_tag";
  return [
    { what: "§1 the table", sql: table },
    { what: "§1 its index", sql: index },
    { what: "§1.1 the backfill", sql: BACKFILL.replaceAll("questdb_tag", tag) },
    { what: "§2.1 the foreign key of the legacy rows", sql: legacyKey },
    { what: "§2.3 the upsert", sql: UPSERT },
    { what: "§3.1 the foreign key of runs", sql: runsKey },
    { what: "§3.1 the foreign key of simulations", sql: simulationsKey },
    { what: "§3.2 the unique runs", sql: runsUnique },
    {
      what: "§3.2 the unique simulations",
      sql: `${dashboard ? "ALTER TABLE simulation_runs ADD COLUMN questdb_namespace text; " : ""}${simulationsUnique}`,
    },
    {
      what: "§3.3 serialized_config",
      sql: `ALTER TABLE walkforward_runs ADD COLUMN IF NOT EXISTS serialized_config text;
            ALTER TABLE simulation_runs ADD COLUMN IF NOT EXISTS serialized_config text`,
    },
    { what: "§4.1 dataset_catalog", sql: fixture("task-list-catalog.sql") },
    { what: "§4.2 fn_list_datasets", sql: LIST_DATASETS },
    { what: "§4.2 fn_list_runs and fn_list_simulations", sql: LIST_OTHERS },
    { what: "§4.3 dataset_hierarchy", sql: HIERARCHY },
  ];
}

const BACKFILL = `
INSERT INTO stage1_datasets (dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
                             indicator_row_count, indicator_first_ts, indicator_last_ts, metadata)
SELECT dataset_id, COALESCE(questdb_tag, dataset_id::text), NULLIF(symbol, ''), NULLIF(granularity, ''),
       COALESCE(source, 'legacy_import'), '', questdb_tag, row_count, first_bar_ts, last_bar_ts,
       jsonb_build_object('legacy_source', source)
FROM indicator_datasets
ON CONFLICT (dataset_id) DO NOTHING`;

/** With other names for its parameters. */
const UPSERT = `
CREATE FUNCTION upsert_stage1_dataset(
    id UUID, slug TEXT, sym TEXT, gran TEXT, src TEXT, ohlcv TEXT, ind TEXT, ohlcv_rows BIGINT, ind_rows BIGINT,
    ohlcv_first TIMESTAMPTZ, ohlcv_last TIMESTAMPTZ, ind_first TIMESTAMPTZ, ind_last TIMESTAMPTZ, meta JSONB)
RETURNS VOID AS $$
BEGIN
    INSERT INTO stage1_datasets VALUES (
        id, slug, sym, gran, src, ohlcv, ind, ohlcv_rows, ind_rows, ohlcv_first, ohlcv_last, ind_first, ind_last, meta)
    ON CONFLICT (dataset_id) DO UPDATE SET dataset_slug = EXCLUDED.dataset_slug, updated_at = NOW();
END;
$$ LANGUAGE plpgsql`;

const LIST_DATASETS = `
DROP FUNCTION IF EXISTS fn_list_datasets(integer, integer);
CREATE FUNCTION fn_list_datasets(p_limit INT DEFAULT 50, p_offset INT DEFAULT 0) RETURNS SETOF dataset_catalog AS $$
    SELECT * FROM dataset_catalog ORDER BY updated_at DESC LIMIT p_limit OFFSET p_offset;
$$ LANGUAGE sql STABLE`;

const LIST_OTHERS = `
DROP FUNCTION IF EXISTS fn_list_runs(uuid, integer);
CREATE FUNCTION fn_list_runs(p_limit INT DEFAULT 50, p_offset INT DEFAULT 0)
RETURNS TABLE (run_id uuid, dataset_slug text, ohlcv_measurement text, indicator_measurement text) AS $$
    SELECT r.run_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement
    FROM walkforward_runs r JOIN stage1_datasets d USING (dataset_id) LIMIT p_limit OFFSET p_offset;
$$ LANGUAGE sql STABLE;
CREATE FUNCTION fn_list_simulations(p_limit INT DEFAULT 50, p_offset INT DEFAULT 0)
RETURNS TABLE (simulation_id uuid, dataset_slug text, ohlcv_measurement text, indicator_measurement text) AS $$
    SELECT s.simulation_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement
    FROM simulation_runs s JOIN stage1_datasets d USING (dataset_id) LIMIT p_limit OFFSET p_offset;
$$ LANGUAGE sql STABLE`;

/** Read from the catalogue, as somebody may do. */
const HIERARCHY = `
DROP VIEW IF EXISTS dataset_hierarchy;
CREATE VIEW dataset_hierarchy AS
SELECT d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement, r.run_id, r.prediction_measurement, r.serialized_config,
       s.simulation_id, s.questdb_namespace, s.status
FROM dataset_catalog d LEFT JOIN walkforward_runs r USING (dataset_id) LEFT JOIN simulation_runs s USING (run_id)`;

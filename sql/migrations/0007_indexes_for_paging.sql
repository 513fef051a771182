-- Each list is read in pages: an index holds the parent, the sort key, and the id that breaks ties.

CREATE INDEX IF NOT EXISTS idx_stage1_datasets_updated ON stage1_datasets (updated_at, dataset_id);
CREATE INDEX IF NOT EXISTS idx_stage1_datasets_created ON stage1_datasets (created_at, dataset_id);
CREATE INDEX IF NOT EXISTS idx_walkforward_runs_dataset_created ON walkforward_runs (dataset_id, created_at, run_id);
CREATE INDEX IF NOT EXISTS idx_walkforward_runs_created ON walkforward_runs (created_at, run_id);
CREATE INDEX IF NOT EXISTS idx_simulation_runs_run_created ON simulation_runs (run_id, created_at, simulation_id);
CREATE INDEX IF NOT EXISTS idx_simulation_runs_dataset_created ON simulation_runs (dataset_id, created_at, simulation_id);
CREATE INDEX IF NOT EXISTS idx_simulation_runs_created ON simulation_runs (created_at, simulation_id);
CREATE INDEX IF NOT EXISTS idx_simulation_trades_simulation_bar ON simulation_trades (simulation_id, bar_timestamp, trade_id);

-- From the name of a QuestDB table to what it belongs to.
CREATE INDEX IF NOT EXISTS idx_indicator_measurement ON stage1_datasets (indicator_measurement);
CREATE INDEX IF NOT EXISTS idx_walkforward_runs_measurement ON walkforward_runs (prediction_measurement);
CREATE INDEX IF NOT EXISTS idx_simulation_runs_namespace ON simulation_runs (questdb_namespace);

-- What a search of datasets looks in. It stands in a migration, not in ../functions, because an index is built on it:
-- another text of it needs another index.
CREATE OR REPLACE FUNCTION stage1_dataset_search_text(
    p_dataset_slug text, p_symbol text, p_ohlcv_measurement text, p_indicator_measurement text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT p_dataset_slug || E'\n' || coalesce(p_symbol, '') || E'\n' || p_ohlcv_measurement || E'\n' || p_indicator_measurement
$$;

-- Trigrams make a search for part of a name fast. A server may lack the extension, or the right to create it: then a
-- search reads the whole table, and is still right.
DO $$
DECLARE
    trigram_schema text;
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    SELECT quote_ident(n.nspname) INTO trigram_schema
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS idx_stage1_datasets_search ON stage1_datasets USING gin (
            stage1_dataset_search_text(dataset_slug, symbol, ohlcv_measurement, indicator_measurement) %s.gin_trgm_ops)',
        trigram_schema);
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
        RAISE WARNING 'no index for the search of datasets: pg_trgm cannot be installed here (%)', SQLERRM;
END
$$;

-- formerly: 3dec48a3ee095939ba608bac286bbfe447b3a932d1421d95db7a83fd7fb20458
-- The indexes of the large tables, and those of the unique constraints, built while readers and writers go on. That takes
-- statements of their own, outside any transaction; 0006 and 0007 then find them there.

-- What a build that was killed has left; what has our name and is something else; what is the same under another name.
DO $$
DECLARE
    wanted record;
    actual record;
    kept name;
BEGIN
    FOR wanted IN
        SELECT to_regclass(w.relation) AS id, w.name, format('CREATE %sINDEX USING btree (%s)', w.uniqueness, w.columns) AS definition
        FROM (VALUES
            ('', 'indicator_datasets', 'idx_indicator_datasets_symbol_granularity', 'symbol, granularity'),
            ('', 'stage1_datasets', 'idx_stage1_datasets_measurements', 'ohlcv_measurement, indicator_measurement'),
            ('', 'stage1_datasets', 'idx_stage1_datasets_updated', 'updated_at, dataset_id'),
            ('', 'stage1_datasets', 'idx_stage1_datasets_created', 'created_at, dataset_id'),
            ('', 'stage1_datasets', 'idx_indicator_measurement', 'indicator_measurement'),
            ('UNIQUE ', 'walkforward_runs', 'walkforward_runs_dataset_measurement_uq', 'dataset_id, prediction_measurement'),
            ('', 'walkforward_runs', 'idx_walkforward_runs_dataset_created', 'dataset_id, created_at, run_id'),
            ('', 'walkforward_runs', 'idx_walkforward_runs_created', 'created_at, run_id'),
            ('', 'walkforward_runs', 'idx_walkforward_runs_measurement', 'prediction_measurement'),
            ('UNIQUE ', 'simulation_runs', 'simulation_runs_run_namespace_uq', 'run_id, questdb_namespace'),
            ('', 'simulation_runs', 'idx_simulation_runs_run_created', 'run_id, created_at, simulation_id'),
            ('', 'simulation_runs', 'idx_simulation_runs_dataset_created', 'dataset_id, created_at, simulation_id'),
            ('', 'simulation_runs', 'idx_simulation_runs_created', 'created_at, simulation_id'),
            ('', 'simulation_runs', 'idx_simulation_runs_namespace', 'questdb_namespace'),
            ('', 'simulation_trades', 'idx_simulation_trades_simulation_bar', 'simulation_id, bar_timestamp, trade_id')
        ) AS w (uniqueness, relation, name, columns)
        WHERE to_regclass(w.relation) IS NOT NULL
    LOOP
        kept := NULL;
        FOR actual IN
            SELECT c.relname, i.indisvalid, i.indisunique,
                   regexp_replace(pg_get_indexdef(c.oid), 'INDEX .*? USING', 'INDEX USING') = wanted.definition AS same,
                   EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid) AS in_use
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = wanted.id
            ORDER BY c.relname <> wanted.name, c.relname
        LOOP
            IF actual.in_use THEN
                IF actual.same THEN
                    kept := actual.relname;
                END IF;
            ELSIF actual.same AND actual.indisvalid AND kept IS NULL THEN
                kept := actual.relname;
                IF kept <> wanted.name THEN
                    EXECUTE format('ALTER INDEX %I RENAME TO %I', kept, wanted.name);
                END IF;
            ELSIF actual.same OR NOT actual.indisvalid THEN
                IF actual.same OR actual.relname = wanted.name THEN
                    EXECUTE format('DROP INDEX %I', actual.relname);
                END IF;
            ELSIF actual.relname = wanted.name THEN
                EXECUTE format('ALTER INDEX %I RENAME TO %I', actual.relname, left(actual.relname, 55) || '_former');
                RAISE WARNING '%: the index % was another than in this schema; it is called %_former now',
                    wanted.id, actual.relname, left(actual.relname, 55);
            END IF;
        END LOOP;
    END LOOP;
END
$$;

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS walkforward_runs_dataset_measurement_uq ON walkforward_runs (dataset_id, prediction_measurement);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS simulation_runs_run_namespace_uq ON simulation_runs (run_id, questdb_namespace);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_indicator_datasets_symbol_granularity ON indicator_datasets (symbol, granularity);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_walkforward_runs_dataset_created ON walkforward_runs (dataset_id, created_at, run_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_walkforward_runs_created ON walkforward_runs (created_at, run_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_walkforward_runs_measurement ON walkforward_runs (prediction_measurement);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_simulation_runs_run_created ON simulation_runs (run_id, created_at, simulation_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_simulation_runs_dataset_created ON simulation_runs (dataset_id, created_at, simulation_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_simulation_runs_created ON simulation_runs (created_at, simulation_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_simulation_runs_namespace ON simulation_runs (questdb_namespace);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_simulation_trades_simulation_bar ON simulation_trades (simulation_id, bar_timestamp, trade_id);

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['walkforward_runs walkforward_runs_dataset_measurement_uq', 'simulation_runs simulation_runs_run_namespace_uq'] LOOP
        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(split_part(wanted, ' ', 1)) AND conname = split_part(wanted, ' ', 2)) THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %s UNIQUE USING INDEX %2$s', split_part(wanted, ' ', 1), split_part(wanted, ' ', 2));
        END IF;
    END LOOP;
END
$$;

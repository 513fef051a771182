-- Brings the desktop's and the dashboard's tables to the one shape of 0001. On a database that 0001 made, nothing changes.
-- Only loosens and adds: no value of any row is touched.

ALTER TABLE indicator_datasets
    ADD COLUMN IF NOT EXISTS questdb_tag text,
    ADD COLUMN IF NOT EXISTS questdb_measurement text,
    ADD COLUMN IF NOT EXISTS column_schema jsonb,
    ADD COLUMN IF NOT EXISTS updated_at timestamptz;
ALTER TABLE walkforward_runs
    ADD COLUMN IF NOT EXISTS serialized_config text;
ALTER TABLE simulation_runs
    ADD COLUMN IF NOT EXISTS questdb_namespace text,
    ADD COLUMN IF NOT EXISTS serialized_config text;
-- In two steps, so that rows that were there keep "unknown" and do not get the time of the migration.
ALTER TABLE walkforward_folds ADD COLUMN IF NOT EXISTS created_at timestamptz;
ALTER TABLE simulation_trades ADD COLUMN IF NOT EXISTS created_at timestamptz;
ALTER TABLE indicator_datasets ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE walkforward_folds ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE simulation_trades ALTER COLUMN created_at SET DEFAULT now();

DO $$
DECLARE
    loosen record;
BEGIN
    FOR loosen IN
        SELECT a.attrelid::regclass AS relation, a.attname
        FROM pg_attribute a
        JOIN (VALUES
            ('indicator_datasets', 'questdb_tag'), ('indicator_datasets', 'questdb_measurement'),
            ('indicator_datasets', 'column_schema'), ('indicator_datasets', 'row_count'),
            ('indicator_datasets', 'first_bar_ts'), ('indicator_datasets', 'last_bar_ts'),
            ('indicator_datasets', 'updated_at'),
            ('walkforward_runs', 'dataset_id'), ('walkforward_runs', 'summary_metrics'),
            ('walkforward_folds', 'created_at'),
            ('simulation_runs', 'run_id'), ('simulation_runs', 'dataset_id'),
            ('simulation_runs', 'questdb_namespace'), ('simulation_runs', 'summary_metrics'),
            ('simulation_trades', 'created_at')
        ) AS nullable (relation, attname)
            ON a.attrelid = to_regclass(nullable.relation) AND a.attname = nullable.attname
        WHERE a.attnotnull
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', loosen.relation, loosen.attname);
    END LOOP;

    FOR loosen IN
        SELECT a.attrelid::regclass AS relation, a.attname
        FROM pg_attribute a
        WHERE a.attrelid IN (
                'indicator_datasets'::regclass, 'walkforward_runs'::regclass, 'walkforward_folds'::regclass,
                'simulation_runs'::regclass, 'simulation_trades'::regclass, 'simulation_trade_buckets'::regclass)
          AND a.atttypid = 'varchar'::regtype AND NOT a.attisdropped
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE text', loosen.relation, loosen.attname);
    END LOOP;
END
$$;

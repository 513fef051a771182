-- formerly: 2353cd15d564cfa5143a6384cbb965e5ca7a3e18cdbfde14654e459bf1459155
-- Brings the desktop's and the dashboard's tables to the one shape of 0001. On a database that 0001 made, nothing changes.
-- Only loosens and adds: no value of any row is touched, save that a name that stood in one column stands in two.

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
ALTER TABLE indicator_datasets ALTER COLUMN dataset_id SET DEFAULT gen_random_uuid();
ALTER TABLE walkforward_runs ALTER COLUMN run_id SET DEFAULT gen_random_uuid();
ALTER TABLE simulation_runs ALTER COLUMN simulation_id SET DEFAULT gen_random_uuid();
ALTER TABLE simulation_trades ALTER COLUMN trade_id SET DEFAULT gen_random_uuid();

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

    -- The dashboard's lists of statuses and modes: the desktop's rows hold more than these.
    FOR loosen IN
        SELECT c.conrelid::regclass AS relation, c.conname
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.contype = 'c' AND a.attname IN ('status', 'mode')
          AND c.conrelid IN ('walkforward_runs'::regclass, 'simulation_runs'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', loosen.relation, loosen.conname);
    END LOOP;

    FOR loosen IN
        SELECT a.attrelid::regclass AS relation, a.attname
        FROM pg_attribute a
        WHERE a.attrelid IN (
                'indicator_datasets'::regclass, 'walkforward_runs'::regclass, 'walkforward_folds'::regclass,
                'simulation_runs'::regclass, 'simulation_trades'::regclass, 'simulation_trade_buckets'::regclass)
          AND a.atttypid = 'varchar'::regtype AND NOT a.attisdropped
    LOOP
        -- A view holds on to the types of its columns. ../views builds these anew.
        DROP VIEW IF EXISTS dataset_hierarchy, dataset_catalog;
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE text', loosen.relation, loosen.attname);
    END LOOP;

    -- The same check, which would speak of varchar for ever.
    FOR loosen IN
        SELECT c.conrelid::regclass AS relation, c.conname
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] AND a.attname = 'side'
        WHERE c.contype = 'c' AND c.conrelid = 'simulation_trades'::regclass
          AND pg_get_constraintdef(c.oid) LIKE '%::character varying%'
    LOOP
        EXECUTE format(
            'ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I CHECK (side IN (''long'', ''short''))',
            loosen.relation, loosen.conname, loosen.conname);
    END LOOP;
END
$$;

-- The name of the indicator table, for readers of either variant.
DO $$
DECLARE
    name text;
BEGIN
    IF EXISTS (SELECT FROM indicator_datasets WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL)) THEN
        ALTER TABLE indicator_datasets DISABLE TRIGGER USER;  -- they would set updated_at, and nothing was updated
        UPDATE indicator_datasets
        SET questdb_tag = coalesce(questdb_tag, questdb_measurement),
            questdb_measurement = coalesce(questdb_measurement, questdb_tag)
        WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL);
        ALTER TABLE indicator_datasets ENABLE TRIGGER USER;
    END IF;

    FOREACH name IN ARRAY ARRAY['questdb_tag', 'questdb_measurement'] LOOP
        IF NOT EXISTS (
            SELECT FROM pg_constraint c
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
            WHERE c.conrelid = 'indicator_datasets'::regclass AND c.contype = 'u' AND a.attname = name)
        THEN
            EXECUTE format('ALTER TABLE indicator_datasets ADD UNIQUE (%I)', name);
        END IF;
    END LOOP;
END
$$;

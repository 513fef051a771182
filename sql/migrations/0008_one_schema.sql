-- formerly: 9f7a2b6ac466ae22f575db60fa5f8aec8163beec79fb433c374d120b546582d5
-- What a database that was there before still lacks, or has in another form: keys, checks, the dashboard's index on
-- datasets (0001d), and indexes that ours have taken the place of. Added NOT VALID, which locks briefly; 0008a checks the rows.
DO $$
DECLARE
    wanted record;
    former name;
    broken boolean;
    missing jsonb := '[]';
BEGIN
    -- All rows are read before anything is changed, and so locked.
    FOR wanted IN
        SELECT w.*, to_regclass(w.relation) AS id
        FROM (VALUES
            ('simulation_trades', 'simulation_trades_side_check', 'side IN (''long'', ''short'')',
                'CHECK ((side = ANY (ARRAY[''long''::text, ''short''::text])))'),
            ('indicator_datasets', 'indicator_datasets_row_count_check', 'row_count >= 0', 'CHECK ((row_count >= 0))')
        ) AS w (relation, name, condition, definition)
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_constraint c WHERE c.conrelid = wanted.id AND c.conname = wanted.name
              AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') = wanted.definition);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE NOT (%s))', wanted.relation, wanted.condition) INTO broken;
        IF broken THEN
            RAISE WARNING '% goes without the check that %: it has rows that break it', wanted.relation, wanted.condition;
        ELSE
            missing := missing || to_jsonb(wanted);
        END IF;
    END LOOP;
    FOR wanted IN SELECT * FROM jsonb_to_recordset(missing) AS m (relation text, name text, condition text) LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', wanted.relation, wanted.name);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%s) NOT VALID', wanted.relation, wanted.name, wanted.condition);
    END LOOP;

    FOR wanted IN
        SELECT w.*, to_regclass(w.relation) AS id
        FROM (VALUES
            ('simulation_trades', 'simulation_trades_simulation_id_fkey', 'simulation_id',
                'simulation_runs(simulation_id) ON DELETE CASCADE'),
            ('simulation_trade_buckets', 'simulation_trade_buckets_simulation_id_fkey', 'simulation_id',
                'simulation_runs(simulation_id) ON DELETE CASCADE'),
            ('simulation_runs', 'simulation_runs_dataset_fk', 'dataset_id', 'stage1_datasets(dataset_id)'),
            ('simulation_runs', 'simulation_runs_run_id_fkey', 'run_id', 'walkforward_runs(run_id) ON DELETE SET NULL'),
            ('walkforward_folds', 'walkforward_folds_run_id_fkey', 'run_id', 'walkforward_runs(run_id) ON DELETE CASCADE'),
            ('walkforward_runs', 'walkforward_runs_dataset_fk', 'dataset_id', 'stage1_datasets(dataset_id)'),
            ('indicator_datasets', 'indicator_datasets_stage1_fk', 'dataset_id', 'stage1_datasets(dataset_id) ON DELETE CASCADE')
        ) AS w (relation, name, column_name, target)
    LOOP
        FOR former IN
            SELECT c.conname FROM pg_constraint c
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] AND a.attname = wanted.column_name
            WHERE c.contype = 'f' AND c.conrelid = wanted.id
              AND c.confrelid = to_regclass(split_part(wanted.target, '(', 1))
              AND (c.conname <> wanted.name OR regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')
                   <> format('FOREIGN KEY (%s) REFERENCES %s', wanted.column_name, wanted.target))
        LOOP
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', wanted.relation, former);
        END LOOP;
        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = wanted.id AND conname = wanted.name) THEN
            EXECUTE format(
                'ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %s NOT VALID',
                wanted.relation, wanted.name, wanted.column_name, wanted.target);
        END IF;
    END LOOP;
END
$$;

-- Names that are unique in a new database. These tables are small.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('stage1_datasets', 'stage1_datasets_dataset_slug_key', 'dataset_slug'),
            ('indicator_datasets', 'indicator_datasets_questdb_tag_key', 'questdb_tag'),
            ('indicator_datasets', 'indicator_datasets_questdb_measurement_key', 'questdb_measurement')
        ) AS w (relation, name, column_name)
        WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = to_regclass(w.relation) AND c.conname = w.name)
    LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I UNIQUE (%I)', wanted.relation, wanted.name, wanted.column_name);
    END LOOP;
END
$$;

-- Stage 1.3's own indexes: 0007 has one that begins the same and goes on to the id, and is read in both directions.
DO $$
DECLARE
    former regclass;
BEGIN
    FOR former IN
        SELECT i.indexrelid FROM pg_index i
        JOIN (VALUES
            ('walkforward_runs', ' USING btree (dataset_id, created_at DESC)'),
            ('simulation_runs', ' USING btree (run_id, created_at DESC)'),
            ('simulation_trades', ' USING btree (simulation_id, bar_timestamp)')
        ) AS superseded (relation, definition)
            ON i.indrelid = to_regclass(superseded.relation)
            AND substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') = superseded.definition
        WHERE NOT i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    LOOP
        EXECUTE format('DROP INDEX %s', former);
    END LOOP;
END
$$;

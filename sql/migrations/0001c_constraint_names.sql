-- formerly: c5cc6c1db17b06d988965bff0ba6158e52bcaf103fc345ba4c3b148420fbd744
-- Constraints of a database that was there before, found by what they are and not by what they are called: one of each
-- stays, under our name. What is not there is added later, and what is there in another form is replaced later.
DO $$
DECLARE
    wanted record;
    actual record;
    kept name;
    former text;
BEGIN
    FOR wanted IN
        SELECT w.relation, w.name, w.definition, to_regclass(w.relation) AS id
        FROM (VALUES
            -- Children first, as in 0001b.
            ('simulation_trades', 'simulation_trades_pkey', 'PRIMARY KEY (trade_id)'),
            ('simulation_trades', 'simulation_trades_simulation_id_fkey',
                'FOREIGN KEY (simulation_id) REFERENCES simulation_runs(simulation_id) ON DELETE CASCADE'),
            ('simulation_trades', 'simulation_trades_side_check', 'CHECK ((side = ANY (ARRAY[''long''::text, ''short''::text])))'),
            ('simulation_trade_buckets', 'simulation_trade_buckets_pkey', 'PRIMARY KEY (simulation_id, side)'),
            ('simulation_trade_buckets', 'simulation_trade_buckets_simulation_id_fkey',
                'FOREIGN KEY (simulation_id) REFERENCES simulation_runs(simulation_id) ON DELETE CASCADE'),
            ('simulation_trade_buckets', 'simulation_trade_buckets_side_check',
                'CHECK ((side = ANY (ARRAY[''long''::text, ''short''::text, ''all''::text])))'),
            ('simulation_runs', 'simulation_runs_pkey', 'PRIMARY KEY (simulation_id)'),
            ('simulation_runs', 'simulation_runs_run_namespace_uq', 'UNIQUE (run_id, questdb_namespace)'),
            ('simulation_runs', 'simulation_runs_dataset_fk', 'FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id)'),
            ('simulation_runs', 'simulation_runs_run_id_fkey',
                'FOREIGN KEY (run_id) REFERENCES walkforward_runs(run_id) ON DELETE SET NULL'),
            ('walkforward_folds', 'walkforward_folds_pkey', 'PRIMARY KEY (run_id, fold_number)'),
            ('walkforward_folds', 'walkforward_folds_run_id_fkey',
                'FOREIGN KEY (run_id) REFERENCES walkforward_runs(run_id) ON DELETE CASCADE'),
            ('walkforward_runs', 'walkforward_runs_pkey', 'PRIMARY KEY (run_id)'),
            ('walkforward_runs', 'walkforward_runs_dataset_measurement_uq', 'UNIQUE (dataset_id, prediction_measurement)'),
            ('walkforward_runs', 'walkforward_runs_dataset_fk', 'FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id)'),
            ('indicator_datasets', 'indicator_datasets_pkey', 'PRIMARY KEY (dataset_id)'),
            ('indicator_datasets', 'indicator_datasets_questdb_tag_key', 'UNIQUE (questdb_tag)'),
            ('indicator_datasets', 'indicator_datasets_questdb_measurement_key', 'UNIQUE (questdb_measurement)'),
            ('indicator_datasets', 'indicator_datasets_row_count_check', 'CHECK ((row_count >= 0))'),
            ('indicator_datasets', 'indicator_datasets_stage1_fk',
                'FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id) ON DELETE CASCADE'),
            ('stage1_datasets', 'stage1_datasets_pkey', 'PRIMARY KEY (dataset_id)'),
            ('stage1_datasets', 'stage1_datasets_dataset_slug_key', 'UNIQUE (dataset_slug)')
        ) AS w (relation, name, definition)
        WHERE to_regclass(w.relation) IS NOT NULL
    LOOP
        -- The two lists of sides in another order, or with the casts of another type. NOT VALID:
        -- 0008a checks the rows, without
        -- a lock.
        IF wanted.definition LIKE 'CHECK ((side %' THEN
            FOR actual IN
                SELECT c.conname FROM pg_constraint c
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] AND a.attname = 'side'
                WHERE c.conrelid = wanted.id AND c.contype = 'c'
                  AND pg_get_constraintdef(c.oid) ~ '^CHECK \(+side(\)::text)? = ANY \('
                  AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') <> wanted.definition
                  AND (SELECT array_agg(m[1] ORDER BY m[1]) FROM regexp_matches(pg_get_constraintdef(c.oid), '''([^'']*)''', 'g') AS m)
                    = (SELECT array_agg(m[1] ORDER BY m[1]) FROM regexp_matches(wanted.definition, '''([^'']*)''', 'g') AS m)
            LOOP
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', wanted.relation, actual.conname);
                IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = wanted.id AND conname = wanted.name) THEN
                    EXECUTE format(
                        'ALTER TABLE %I ADD CONSTRAINT %I %s NOT VALID',
                        wanted.relation, wanted.name, wanted.definition);
                END IF;
            END LOOP;
        END IF;

        -- A unique index is as good as a constraint. (Column order, default order and operators: the text tells.)
        IF wanted.definition LIKE 'UNIQUE %' AND NOT EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = wanted.id AND pg_get_constraintdef(oid) = wanted.definition)
        THEN
            FOR actual IN
                SELECT i.indexrelid::regclass AS index FROM pg_index i
                WHERE i.indrelid = wanted.id AND i.indisunique AND i.indisvalid
                  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
                  AND substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') = replace(wanted.definition, 'UNIQUE', ' USING btree')
                LIMIT 1
            LOOP
                EXECUTE format('ALTER TABLE %I ADD UNIQUE USING INDEX %s', wanted.relation, actual.index);
            END LOOP;
        END IF;

        kept := NULL;
        FOR actual IN
            SELECT c.conname, c.conindid, c.contype FROM pg_constraint c
            WHERE c.conrelid = wanted.id AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') = wanted.definition
            ORDER BY NOT c.convalidated, c.conname <> wanted.name, c.conname
        LOOP
            IF kept IS NULL THEN
                kept := actual.conname;
            ELSIF actual.contype IN ('c', 'f') OR NOT EXISTS (
                SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = actual.conindid)
            THEN
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', wanted.relation, actual.conname);
            END IF;
        END LOOP;

        -- The name, where something else of this table has it. A check, or a key of this column, gives way in 0004 and 0008.
        SELECT contype, pg_get_constraintdef(oid) AS definition INTO actual FROM pg_constraint
        WHERE conrelid = wanted.id AND conname = wanted.name AND conname IS DISTINCT FROM kept;
        IF FOUND AND (kept IS NOT NULL OR NOT CASE actual.contype
            WHEN 'c' THEN wanted.definition LIKE 'CHECK %'
            WHEN 'f' THEN split_part(actual.definition, '(', 2) IN (
                split_part(wanted.definition, '(', 2), 'dataset_id) REFERENCES indicator_datasets')
            ELSE false END)
        THEN
            former := left(wanted.name, 55) || '_former';
            EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', wanted.relation, wanted.name, former);
            RAISE WARNING '%: the constraint % was not what it is in this schema; it is called % now', wanted.relation, wanted.name, former;
        END IF;
        IF kept <> wanted.name THEN
            EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', wanted.relation, kept, wanted.name);
        END IF;
    END LOOP;
END
$$;

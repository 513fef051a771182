-- What each one-shot file means for the rows that are there now: `migrate --dry-run` shows it. Each file is counted from
-- this state, not from the one that the files before it will have left.
DO $$
DECLARE
    counted record;
    row_count bigint;
    found jsonb := '[]';
BEGIN
    FOR counted IN
        SELECT * FROM (VALUES
            ('0001_stage1_3_tables.sql', NULL, '', ''), ('0001a_former_routines.sql', NULL, '', ''),
            ('0001c_constraint_names.sql', NULL, '', ''), ('0002_one_shape_for_both_variants.sql', NULL, '', ''),
            ('0003a_legacy_writers.sql', NULL, '', ''), ('0004_foreign_keys_to_stage1_datasets.sql', NULL, '', ''),
            ('0006_unique_measurements.sql', NULL, '', ''), ('0008_one_schema.sql', NULL, '', ''),
            ('0008a_validate.sql', NULL, '', ''), ('0008b_not_null.sql', NULL, '', ''),
            ('0009_replays.sql', NULL, '', ''), ('0010_search_after_writes.sql', NULL, '', ''),
            ('0011_audit.sql', NULL, '', ''), ('0001aa_placeholders_stub.sql', NULL, '', ''), ('0003b_placeholders_stub.sql', NULL, '', ''),
            ('0012_hierarchy_indexes.sql', 'walkforward_runs', '', 'rows of walkforward_runs are read for an index'),
            ('0012_hierarchy_indexes.sql', 'simulation_runs', '', 'rows of simulation_runs are read for an index'),
            ('0001e_names.sql', 'indicator_datasets',
                'WHERE (to_jsonb(t) ->> ''questdb_tag'' IS NULL) <> (to_jsonb(t) ->> ''questdb_measurement'' IS NULL)',
                'rows of indicator_datasets get their measurement''s name in both columns'),
            ('0001b_columns.sql', 'stage1_datasets',
                'WHERE to_jsonb(t) ->> ''ohlcv_measurement'' IS NULL OR to_jsonb(t) ->> ''indicator_measurement'' IS NULL',
                'rows of stage1_datasets get an empty measurement for none'),
            ('0001d_indexes.sql', 'indicator_datasets', '', 'rows of indicator_datasets are indexed'),
            ('0001d_indexes.sql', 'walkforward_runs', '', 'rows of walkforward_runs are indexed'),
            ('0001d_indexes.sql', 'simulation_runs', '', 'rows of simulation_runs are indexed'),
            ('0001d_indexes.sql', 'simulation_trades', '', 'rows of simulation_trades are indexed'),
            ('0003_stage1_datasets.sql', 'indicator_datasets', 'masterless', 'rows of indicator_datasets get a master row'),
            ('0005_validate_foreign_keys.sql', 'indicator_datasets', '', 'rows of indicator_datasets are checked'),
            ('0005_validate_foreign_keys.sql', 'walkforward_runs', '', 'rows of walkforward_runs are checked'),
            ('0005_validate_foreign_keys.sql', 'simulation_runs', '', 'rows of simulation_runs are checked'),
            ('0007_indexes_for_paging.sql', 'indicator_datasets', 'masterless', 'rows that stage1_datasets gets are indexed'),
            ('0007_indexes_for_paging.sql', 'stage1_datasets', '', 'rows of stage1_datasets are indexed')
        ) AS c (file, relation, condition, what)
    LOOP
        row_count := 0;
        IF counted.condition = 'masterless' THEN
            counted.condition := CASE WHEN to_regclass(format('%I.stage1_datasets', current_schema())) IS NOT NULL
                THEN 'WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = t.dataset_id)' ELSE '' END;
        END IF;
        IF has_table_privilege(to_regclass(format('%I.%I', current_schema(), coalesce(counted.relation, 'none'))), 'SELECT') THEN
            BEGIN
                EXECUTE format('SELECT count(*) FROM %I t %s', counted.relation, counted.condition) INTO row_count;
            EXCEPTION WHEN undefined_function OR undefined_column THEN NULL;  -- preflight/10_relations.sql says so
            END;
        END IF;
        found := found || jsonb_build_object(
            'file', 'migrations/' || counted.file, 'what', format('%s %s', row_count, coalesce(nullif(counted.what, ''), 'rows')));
    END LOOP;
    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT file, what FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb) AS a (file text, what text);

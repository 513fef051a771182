-- needs: columns.sql
-- needs: kept.sql
-- What each one-shot file means for the rows that are there now: `migrate --dry-run` shows it. Each file is counted from
-- this state, not from the one that the files before it will have left. And what of somebody's own
-- cannot stay.
DO $$
DECLARE
    counted record;
    row_count bigint;
    found jsonb := '[]';
BEGIN
    FOR counted IN
        SELECT * FROM (VALUES
            ('0001_stage1_3_tables.sql', NULL, '', ''), ('0001a1_ids_of_others.sql', NULL, '', ''), ('0001a_former_routines.sql', NULL, '', ''),
            ('0001aa_writers_of_runs.sql', NULL, '', ''), ('0001ab_rows_of_generation_3.sql', NULL, '', ''),
            ('0001c_constraint_names.sql', NULL, '', ''), ('0002_one_shape_for_both_variants.sql', NULL, '', ''),
            ('0003_stage1_datasets.sql', NULL, '', ''), ('0003a_legacy_writers.sql', NULL, '', ''), ('0004_foreign_keys_to_stage1_datasets.sql', NULL, '', ''),
            ('0006_unique_measurements.sql', NULL, '', ''), ('0008_one_schema.sql', NULL, '', ''),
            ('0008a_validate.sql', NULL, '', ''), ('0008b_not_null.sql', NULL, '', ''),
            ('0009_replays.sql', NULL, '', ''), ('0010_search_after_writes.sql', NULL, '', ''),
            ('0011_audit.sql', NULL, '', ''),
            ('0012_bucket_sides.sql', 'simulation_trade_buckets',
                'WHERE EXISTS (SELECT FROM pg_constraint c '
                'JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] '
                'WHERE a.attname = ''side'' AND c.contype = ''c'' AND c.conrelid = t.tableoid '
                'AND pg_get_constraintdef(c.oid) ~ ''long'' AND pg_get_constraintdef(c.oid) !~ ''dual'')',
                'rows of simulation_trade_buckets lose the check that refuses the side dual'),
            ('0013_hierarchy_indexes.sql', 'walkforward_runs', '', 'rows of walkforward_runs are read for an index'),
            ('0013_hierarchy_indexes.sql', 'simulation_runs', '', 'rows of simulation_runs are read for an index'),
            ('0001e_names.sql', 'indicator_datasets',
                'WHERE (to_jsonb(t) ->> ''questdb_tag'' IS NULL) <> (to_jsonb(t) ->> ''questdb_measurement'' IS NULL)',
                'rows of indicator_datasets get their measurement''s name in both columns'),
            ('0001b_columns.sql', 'stage1_datasets',
                'WHERE to_jsonb(t) ->> ''ohlcv_measurement'' IS NULL OR to_jsonb(t) ->> ''indicator_measurement'' IS NULL',
                'rows of stage1_datasets get an empty text where a measurement is NULL'),
            ('0001d_indexes.sql', 'indicator_datasets', '', 'rows of indicator_datasets are indexed'),
            ('0001d_indexes.sql', 'walkforward_runs', '', 'rows of walkforward_runs are indexed'),
            ('0001d_indexes.sql', 'simulation_runs', '', 'rows of simulation_runs are indexed'),
            ('0001d_indexes.sql', 'simulation_trades', '', 'rows of simulation_trades are indexed'),
            ('0003b_writers_of_datasets.sql', 'indicator_datasets', 'masterless', 'rows of indicator_datasets get a master row'),
            ('0003b_writers_of_datasets.sql', 'datasets', 'masterless', 'rows of datasets get a master row'),
            ('0005_validate_foreign_keys.sql', 'indicator_datasets', '', 'rows of indicator_datasets are checked'),
            ('0005_validate_foreign_keys.sql', 'walkforward_runs', '', 'rows of walkforward_runs are checked'),
            ('0005_validate_foreign_keys.sql', 'simulation_runs', '', 'rows of simulation_runs are checked'),
            ('0007_indexes_for_paging.sql', 'indicator_datasets', 'masterless', 'rows that stage1_datasets gets are indexed'),
            ('0007_indexes_for_paging.sql', 'datasets', 'masterless', 'rows that it gets from datasets are indexed'),
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
            -- preflight/10_relations.sql says so
            EXCEPTION WHEN undefined_function OR undefined_column OR insufficient_privilege
                THEN NULL;
            END;
        END IF;
        found := found || jsonb_build_object(
            'file', 'migrations/' || counted.file, 'what', format('%s %s', row_count, coalesce(nullif(counted.what, ''), 'rows')));
    END LOOP;

    FOR counted IN
        SELECT relation, string_agg(format('%s %s becomes %s', name, actual, type), ', '
            ORDER BY place) AS columns,
               bool_or(rewrites) AS rewrites, pg_size_pretty(pg_total_relation_size(id)) AS size
        FROM jsonb_to_recordset(current_setting('stage1.retyped')::jsonb)
            AS r (relation text, id oid, name text, actual text, type text, rewrites boolean,
                place integer)
        GROUP BY relation, id ORDER BY min(place)
    LOOP
        found := found || jsonb_build_object('file', 'migrations/0000a_lossless_types.sql', 'what',
            format('%s (%s) is %s: %s', counted.relation,
            counted.size, CASE WHEN counted.rewrites THEN 'written anew, while others wait'
                ELSE 'locked for a moment' END, counted.columns));
    END LOOP;
    IF NOT found @> '[{"file": "migrations/0000a_lossless_types.sql"}]' THEN
        found := found || '{"file": "migrations/0000a_lossless_types.sql", "what": "0 '
            'rows"}'::jsonb;
    END IF;

    FOR counted IN
        SELECT * FROM jsonb_to_recordset(current_setting('stage1.keys')::jsonb) AS k (
            relation text, proof text, as_it_is boolean)
        WHERE proof IS NOT NULL
    LOOP
        found := found || jsonb_build_object(
            'file', 'migrations/0000a_lossless_types.sql', 'what', format(
                CASE WHEN counted.as_it_is THEN 'the unique index %s of %s becomes its primary key'
                     ELSE 'what the unique index %s says of %s becomes its primary key, built '
                         'anew' END,
                counted.proof, counted.relation));
    END LOOP;

    FOR counted IN
        SELECT k ->> 'object' AS object
            FROM jsonb_array_elements(current_setting('stage1.kept')::jsonb) AS k
        WHERE (k ->> 'other_form')::boolean
    LOOP
        found := found || jsonb_build_object('file', 'views/05_former_names.sql', 'what',
            format('%s goes: calls that mean ours could mean it', counted.object));
    END LOOP;

    FOR counted IN
        SELECT c.conrelid::regclass AS relation, c.conname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.contype = 'c' AND a.attname IN ('status', 'mode')
          AND c.conrelid IN (to_regclass(format('%I.walkforward_runs', current_schema())),
              to_regclass(format('%I.simulation_runs', current_schema())))
          AND pg_get_expr(c.conbin, c.conrelid) ~ '^\(+(status|mode)[):a-z ]* = '
    LOOP
        found := found || jsonb_build_object('file',
            'migrations/0002_one_shape_for_both_variants.sql', 'what',
            format('the list of words %s of %s goes, unless it has all of ours', counted.conname,
                counted.relation));
    END LOOP;
    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT file, what FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb) AS a (file text, what text);

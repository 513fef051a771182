-- What the migration needs of the relations that are there: that they are tables and views, that they are the migrating
-- role's, that the columns have the types, and that no name is taken. Reads only; works on any database.
DO $$
DECLARE
    here text := quote_ident(current_schema());
    wanted record;
    actual record;
    found jsonb := '[]';
    kinds jsonb := '{"r": "table", "v": "view", "m": "materialized view", "p": "partitioned table", "f": "foreign table",
                     "i": "index", "I": "partitioned index", "S": "sequence", "c": "type", "t": "table"}';
BEGIN
    IF here IS NULL THEN
        found := found || jsonb_build_object(
            'what', 'no schema: the search_path names none that is there', 'rows', current_setting('search_path'),
            'remedy', format('CREATE SCHEMA %s;', split_part(current_setting('search_path'), ',', -1)));
    ELSIF NOT has_schema_privilege(current_schema(), 'CREATE') THEN
        found := found || jsonb_build_object(
            'what', format('the role %s may not create anything in schema %s', current_user, here), 'rows', '',
            'remedy', format('GRANT USAGE, CREATE ON SCHEMA %s TO %I;', here, current_user));
    END IF;

    -- Tables that the search_path finds, though not in the schema that would be migrated: the database would be split in two.
    FOR wanted IN
        SELECT n.nspname, string_agg(c.relname, ', ' ORDER BY c.relname) AS relations
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname IN ('indicator_datasets', 'walkforward_runs', 'simulation_runs', 'stage1_datasets', 'stage1_schema_ledger')
          AND c.relkind IN ('r', 'p', 'v') AND pg_table_is_visible(c.oid) AND c.relnamespace <> to_regnamespace(here)
        GROUP BY n.nspname
    LOOP
        found := found || jsonb_build_object(
            'what', format('the tables are in schema %I, but the search_path begins with %s', wanted.nspname, here),
            'rows', wanted.relations,
            'remedy', format('ALTER ROLE %I IN DATABASE %I SET search_path = %I;', current_user, current_database(), wanted.nspname));
    END LOOP;

    -- The names: of tables, views and indexes, with the table that an index must belong to.
    FOR wanted IN
        SELECT n.name, n.kind, n.relation, c.oid AS id, c.relkind, i.indrelid::regclass AS indexed
        FROM (
            SELECT unnest(ARRAY['indicator_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs',
                                'simulation_trades', 'simulation_trade_buckets', 'stage1_datasets', 'stage1_schema_ledger',
                                'stage1_replays', 'stage1_replay_rejections', 'stage1_audit']) AS name,
                   'r' AS kind, NULL AS relation
            UNION ALL
            SELECT unnest(ARRAY['dataset_catalog', 'dataset_hierarchy']), 'v', NULL
            UNION ALL
            SELECT unnest(string_to_array(of_table.names, ' ')), 'i', of_table.relation
            FROM (VALUES
                ('indicator_datasets', 'indicator_datasets_pkey indicator_datasets_questdb_tag_key '
                    'indicator_datasets_questdb_measurement_key idx_indicator_datasets_symbol_granularity'),
                ('walkforward_runs', 'walkforward_runs_pkey walkforward_runs_dataset_measurement_uq '
                    'idx_walkforward_runs_dataset_created idx_walkforward_runs_created idx_walkforward_runs_measurement '
                    'idx_walkforward_runs_without_dataset'),
                ('walkforward_folds', 'walkforward_folds_pkey'),
                ('simulation_runs', 'simulation_runs_pkey simulation_runs_run_namespace_uq idx_simulation_runs_run_created '
                    'idx_simulation_runs_dataset_created idx_simulation_runs_created idx_simulation_runs_namespace '
                    'idx_simulation_runs_without_run'),
                ('simulation_trades', 'simulation_trades_pkey idx_simulation_trades_simulation_bar'),
                ('simulation_trade_buckets', 'simulation_trade_buckets_pkey'),
                ('stage1_datasets', 'stage1_datasets_pkey stage1_datasets_dataset_slug_key idx_stage1_datasets_measurements '
                    'idx_stage1_datasets_updated idx_stage1_datasets_created idx_stage1_datasets_search idx_indicator_measurement'),
                ('stage1_audit', 'stage1_audit_pkey idx_stage1_audit_written idx_stage1_audit_ids')
            ) AS of_table (relation, names)
        ) AS n
        JOIN pg_class c ON c.relname = n.name AND c.relnamespace = to_regnamespace(here)
        LEFT JOIN pg_index i ON i.indexrelid = c.oid
        WHERE c.relkind::text <> n.kind
           OR n.kind = 'i' AND i.indrelid IS DISTINCT FROM to_regclass(format('%s.%I', here, n.relation))
    LOOP
        found := found || jsonb_build_object(
            'what', CASE wanted.kind
                WHEN 'i' THEN format('the name %s is an index''s of %s here', wanted.name, wanted.relation)
                WHEN 'v' THEN format('%s must be a view', wanted.name)
                ELSE format('%s must be a table', wanted.name) END,
            'rows', format('%s %s', kinds ->> wanted.relkind::text, wanted.name) || coalesce(' on ' || wanted.indexed::text, ''),
            'remedy', format('ALTER %s %I RENAME TO %I;',
                CASE wanted.relkind WHEN 'p' THEN 'TABLE' WHEN 't' THEN 'TABLE' ELSE upper(kinds ->> wanted.relkind::text) END,
                wanted.name, left(wanted.name, 55) || '_former')
                || CASE WHEN wanted.relkind = 'v' AND wanted.kind = 'r'
                   THEN E'\nmigrate then makes the table, empty. Rows that it shall hold: insert them\nafterwards, from the view.'
                   WHEN wanted.kind = 'r' AND wanted.relkind <> 'i'
                   THEN E'\nmigrate then makes the table, empty. Rows that it shall hold: insert them\nafterwards, from the former one.'
                   ELSE '' END);
    END LOOP;

    -- Owners.
    FOR wanted IN
        SELECT owner, string_agg(object, E'\n' ORDER BY object) AS objects, string_agg(statement, E'\n' ORDER BY object) AS statements
        FROM (
            SELECT c.relowner AS owner, format('%s %s', kinds ->> c.relkind::text, c.relname) AS object,
                   format('ALTER %s %I OWNER TO %I;', upper(kinds ->> c.relkind::text), c.relname, current_user) AS statement
            FROM pg_class c
            WHERE c.relnamespace = to_regnamespace(here) AND c.relkind IN ('r', 'v') AND c.relname IN (
                'indicator_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs', 'simulation_trades',
                'simulation_trade_buckets', 'stage1_datasets', 'stage1_schema_ledger', 'stage1_replays',
                'stage1_replay_rejections', 'stage1_audit', 'dataset_catalog', 'dataset_hierarchy')
            UNION ALL
            SELECT p.proowner, 'function ' || p.oid::regprocedure,
                   format('ALTER ROUTINE %s OWNER TO %I;', p.oid::regprocedure, current_user)
            FROM pg_proc p
            WHERE p.pronamespace = to_regnamespace(here) AND p.proname IN (
                'fn_list_datasets', 'fn_list_runs', 'fn_list_simulations', 'upsert_stage1_dataset', 'patch_stage1_dataset',
                'stage1_free_slug', 'stage1_dataset_search_text', 'stage1_one_name_of_legacy_row',
                'stage1_master_of_legacy_row', 'stage1_touch_updated_at', 'stage1_json_object', 'stage1_run_status',
                'stage1_simulation_mode', 'stage1_timestamp_json', 'stage1_notify_change', 'stage1_unnoticed_changes',
                'stage1_audited_patch')
        ) AS o
        WHERE NOT pg_has_role(owner, 'USAGE')
        GROUP BY owner
    LOOP
        found := found || jsonb_build_object(
            'what', format('owned by %s; the role %s may not change it', wanted.owner::regrole, current_user),
            'rows', wanted.objects,
            'remedy', format(E'migrate as %s, or:\n%s', wanted.owner::regrole, wanted.statements));
    END LOOP;

    -- Columns: "!" after the name where rows could not be given a value, "=" where it is part of the key.
    FOR wanted IN
        SELECT t.relation, c[1] AS name, c[2] AS mark, c[3] AS type, a.attname IS NULL AS missing, format_type(a.atttypid, a.atttypmod) AS actual
        FROM (VALUES
            ('indicator_datasets', 'dataset_id= uuid; symbol! text; granularity! text; source! text; questdb_tag text; '
                'questdb_measurement text; column_schema jsonb; row_count bigint; first_bar_ts timestamptz; '
                'last_bar_ts timestamptz; created_at! timestamptz; updated_at timestamptz'),
            ('walkforward_runs', 'run_id= uuid; dataset_id! uuid; prediction_measurement! text; target_column! text; '
                'feature_columns! jsonb; hyperparameters! jsonb; walk_config! jsonb; status! text; requested_by text; '
                'started_at timestamptz; completed_at timestamptz; duration_ms bigint; summary_metrics jsonb; '
                'serialized_config text; created_at! timestamptz'),
            ('walkforward_folds', 'run_id= uuid; fold_number= integer; train_start_idx! bigint; train_end_idx! bigint; '
                'test_start_idx! bigint; test_end_idx! bigint; samples_train! bigint; samples_test! bigint; '
                'best_iteration integer; best_score float8; thresholds! jsonb; metrics! jsonb; created_at timestamptz'),
            ('simulation_runs', 'simulation_id= uuid; run_id! uuid; dataset_id! uuid; input_run_measurement! text; '
                'questdb_namespace text; mode! text; config! jsonb; status! text; started_at timestamptz; '
                'completed_at timestamptz; summary_metrics jsonb; serialized_config text; created_at! timestamptz'),
            ('simulation_trades', 'trade_id= uuid; simulation_id! uuid; bar_timestamp! timestamptz; side! text; size! float8; '
                'entry_price! float8; exit_price float8; pnl float8; return_pct float8; metadata! jsonb; created_at timestamptz'),
            ('simulation_trade_buckets', 'simulation_id= uuid; side= text; trade_count! bigint; win_count! bigint; '
                'profit_factor float8; avg_return_pct float8; max_drawdown_pct float8; notes text'),
            ('stage1_datasets', 'dataset_id= uuid; dataset_slug text; symbol text; granularity text; source text; '
                'ohlcv_measurement text; indicator_measurement text; ohlcv_row_count bigint; indicator_row_count bigint; '
                'ohlcv_first_ts timestamptz; ohlcv_last_ts timestamptz; indicator_first_ts timestamptz; '
                'indicator_last_ts timestamptz; metadata jsonb; created_at timestamptz; updated_at timestamptz')
        ) AS t (relation, columns)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, t.relation)) AND r.relkind = 'r',
        string_to_table(t.columns, '; ') AS spec,
        regexp_match(spec, '^(\w+)([!=]?) (\w+)$') AS c
        LEFT JOIN LATERAL (
            SELECT * FROM pg_attribute WHERE attrelid = to_regclass(format('%s.%I', here, t.relation)) AND attname = c[1] AND NOT attisdropped
        ) AS a ON true
        WHERE a.attname IS NULL AND c[2] <> ''
           OR a.atttypid <> c[3]::regtype AND NOT (a.atttypid = 'varchar'::regtype AND c[3] = 'text')
    LOOP
        found := found || CASE WHEN wanted.missing
            THEN jsonb_build_object(
                'what', format('%s has no column %s', wanted.relation, wanted.name), 'rows', '',
                'remedy', format(E'ALTER TABLE %I ADD COLUMN %I %s;\nand give every row its value', wanted.relation, wanted.name, wanted.type))
            ELSE jsonb_build_object(
                'what', format('%s.%s is of type %s', wanted.relation, wanted.name, wanted.actual), 'rows', 'all',
                'remedy', format('ALTER TABLE %I ALTER COLUMN %I TYPE %s USING %s;', wanted.relation, wanted.name, wanted.type,
                        CASE WHEN wanted.actual = 'timestamp without time zone' THEN format('%I AT TIME ZONE ''UTC''', wanted.name)
                             ELSE format('%I::%s', wanted.name, wanted.type) END)) END;
    END LOOP;

    -- Keys.
    FOR wanted IN
        SELECT k.relation, k.columns, pg_get_constraintdef(c.oid) AS actual, c.conname
        FROM (VALUES
            ('indicator_datasets', 'dataset_id'), ('walkforward_runs', 'run_id'), ('walkforward_folds', 'run_id, fold_number'),
            ('simulation_runs', 'simulation_id'), ('simulation_trades', 'trade_id'),
            ('simulation_trade_buckets', 'simulation_id, side'), ('stage1_datasets', 'dataset_id')
        ) AS k (relation, columns)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, k.relation)) AND r.relkind = 'r'
        LEFT JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype = 'p'
        WHERE pg_get_constraintdef(c.oid) IS DISTINCT FROM format('PRIMARY KEY (%s)', k.columns)
    LOOP
        found := found || jsonb_build_object(
            'what', format('%s must have the primary key (%s)', wanted.relation, wanted.columns),
            'rows', coalesce(wanted.actual, 'no primary key'),
            'remedy', CASE WHEN wanted.conname IS NULL THEN ''
                         ELSE format(E'ALTER TABLE %I DROP CONSTRAINT %I;\n', wanted.relation, wanted.conname) END
                || format('ALTER TABLE %I ADD PRIMARY KEY (%s);', wanted.relation, wanted.columns));
    END LOOP;

    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb) AS a (what text, rows text, remedy text);

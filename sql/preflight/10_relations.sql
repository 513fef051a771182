-- needs: columns.sql
-- What the migration needs of the relations that are there: that they are tables and views in the
-- schema that is migrated, that they are the migrating role's, with all their rows to be seen, that
-- no column or key is missing, and that no name is taken. Reads only; works on any database.
DO $$
DECLARE
    here text := quote_ident(current_schema());
    wanted record;
    actual record;
    found jsonb := '[]';
    main_tables CONSTANT name[] := ARRAY[
        'indicator_datasets', 'walkforward_runs', 'simulation_runs', 'stage1_datasets',
            'stage1_schema_ledger'];
    of_ours CONSTANT name[] := ARRAY[
        'indicator_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs', 'simulation_trades',
        'simulation_trade_buckets', 'datasets', 'stage1_datasets', 'stage1_dataset_aliases', 'stage1_placeholders',
        'stage1_legacy_exports',
        'stage1_schema_ledger', 'stage1_replays', 'stage1_replay_rejections', 'stage1_audit'];
    leading_here text;
    without_value bigint;
    doubled bigint;
    first_ones text;
    kinds jsonb := '{"r": "table", "v": "view", "m": "materialized view", "p": "partitioned '
        'table", "f": "foreign table",
                     "i": "index", "I": "partitioned index", "S": "sequence", "c": "type", "t":
                         "table"}';
BEGIN
    IF NOT has_schema_privilege(current_schema(), 'CREATE') THEN
        found := found || jsonb_build_object(
            'what', format('the role %s may not create anything in schema %s', current_user, here),
                'rows', '',
            'remedy', format('GRANT USAGE, CREATE ON SCHEMA %s TO %I;', here, current_user));
    END IF;

    -- Tables that the search_path finds, though not in the schema that would be migrated: the
    -- database would be split in two. Or that it does not find, while that schema has none: an
    -- empty one would be made beside them.
    FOR wanted IN
        SELECT n.nspname, bool_or(pg_table_is_visible(c.oid)) AS visible, string_agg(c.relname, ', '
            ORDER BY c.relname) AS relations
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = ANY (main_tables) AND c.relkind IN ('r', 'p', 'v')
            AND c.relnamespace <> to_regnamespace(here)
          AND n.nspname !~ '^pg_'
          AND (pg_table_is_visible(c.oid) OR c.relkind <> 'v' AND NOT EXISTS (
            SELECT FROM pg_class WHERE relnamespace = to_regnamespace(here)
                AND relname = ANY (main_tables)))
        GROUP BY n.nspname
    LOOP
        found := found || jsonb_build_object(
            'what', CASE WHEN wanted.visible
                THEN format('the tables are in schema %I, but the search_path begins with %s',
                    wanted.nspname, here)
                ELSE format('the tables are in schema %I, which the search_path does not name',
                    wanted.nspname) END,
            'rows', wanted.relations,
            'remedy', format('ALTER ROLE %I IN DATABASE %I SET search_path = %I;', current_user,
                current_database(), wanted.nspname)
                || CASE WHEN wanted.visible THEN ''
                   ELSE format(E'\nor, for a second, empty database in schema %s:\npsql '
                       '"$DATABASE_URL" -f sql/ledger.sql', here) END);
    END LOOP;

    -- Rows that a policy keeps from their owner.
    FOR wanted IN
        SELECT c.relname, row_number() OVER (ORDER BY c.relname) AS place
        FROM pg_class c
        WHERE c.relnamespace = to_regnamespace(here) AND c.relkind = 'r'
            AND c.relname = ANY (of_ours)
          AND c.relforcerowsecurity AND row_security_active(c.oid)
    LOOP
        found := found || jsonb_build_object(
            'what', format('%s has row security that is forced on its owner: not all rows are seen',
                wanted.relname), 'rows', '',
            'remedy', format(E'ALTER TABLE %1$I NO FORCE ROW LEVEL SECURITY;\nmigrate, and then '
                'again:\nALTER TABLE %1$I FORCE ROW LEVEL SECURITY;',
                             wanted.relname));
    END LOOP;

    -- The names: of tables, views and indexes, with the table that an index must belong to.
    FOR wanted IN
        SELECT n.name, n.kind, n.relation, c.oid AS id, c.relkind, i.indrelid::regclass AS indexed
        FROM (
            SELECT unnest(of_ours) AS name, 'r' AS kind, NULL AS relation
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
                ('stage1_datasets', 'stage1_datasets_pkey stage1_datasets_dataset_slug_key '
                    'idx_stage1_datasets_measurements '
                    'idx_stage1_datasets_updated idx_stage1_datasets_created '
                        'idx_stage1_datasets_search idx_indicator_measurement'),
                ('stage1_audit', 'stage1_audit_pkey idx_stage1_audit_written idx_stage1_audit_ids')
            ) AS of_table (relation, names)
        ) AS n
        JOIN pg_class c ON c.relname = n.name AND c.relnamespace = to_regnamespace(here)
        LEFT JOIN pg_index i ON i.indexrelid = c.oid
        WHERE c.relkind::text <> n.kind
           OR n.kind = 'i' AND i.indrelid IS DISTINCT FROM to_regclass(format('%s.%I', here,
               n.relation))
        ORDER BY n.kind <> 'i', n.name  -- before a table takes the place of another
    LOOP
        -- Keys of other tables go along with a table that is renamed, and would lead into the
        -- former one.
        SELECT coalesce(string_agg(format(E'ALTER TABLE %s DROP CONSTRAINT %I;\n',
            conrelid::regclass, conname), '' ORDER BY conname), '')
        INTO leading_here FROM pg_constraint
        WHERE contype = 'f' AND confrelid = wanted.id AND conrelid <> wanted.id AND conparentid = 0;
        found := found || jsonb_build_object(
            'what', CASE wanted.kind
                WHEN 'i' THEN format('the name %s is an index''s of %s here', wanted.name,
                    wanted.relation)
                WHEN 'v' THEN format('%s must be a view', wanted.name)
                ELSE format('%s must be a table', wanted.name) END,
            'rows', format('%s %s', kinds ->> wanted.relkind::text,
                wanted.name) || coalesce(' on ' || wanted.indexed::text, ''),
            'remedy', leading_here || format('ALTER %s %I RENAME TO %I;',
                CASE wanted.relkind WHEN 'p' THEN 'TABLE' WHEN 't' THEN 'TABLE' WHEN 'I'
                    THEN 'INDEX' ELSE upper(kinds ->> wanted.relkind::text) END,
                wanted.name, left(wanted.name, 55) || '_former')
                || CASE
                    WHEN wanted.kind = 'r' AND wanted.relkind = 'p'
                    THEN format(E'\nCREATE TABLE %1$I (LIKE %2$I INCLUDING ALL);\nINSERT INTO %1$I '
                        'SELECT * FROM %2$I;',
                                wanted.name, left(wanted.name, 55) || '_former')
                    WHEN wanted.kind = 'r' AND wanted.relkind IN ('v', 'm', 'f')
                    THEN E'\nmigrate then makes the table, empty. Rows that it shall hold: insert '
                        'them\nafterwards, from the former one.'
                    ELSE '' END);
    END LOOP;

    -- A type of the name of a table or view, which would need it for its rows.
    FOR wanted IN
        SELECT t.typname, format_type(t.oid, NULL) AS shown, CASE t.typtype WHEN 'd' THEN 'domain'
            ELSE 'type' END AS kind
        FROM pg_type t
        WHERE t.typnamespace = to_regnamespace(here) AND t.typrelid = 0 AND t.typelem = 0
          AND t.typname = ANY (of_ours || '{dataset_catalog, dataset_hierarchy}'::name[])
    LOOP
        found := found || jsonb_build_object(
            'what', format('the name %s is a table''s or view''s here', wanted.typname),
            'rows', format('%s %s', wanted.kind, wanted.shown),
            'remedy', format('ALTER TYPE %I RENAME TO %I;', wanted.typname, left(wanted.typname,
                55) || '_former'));
    END LOOP;

    -- Owners.
    FOR wanted IN
        SELECT owner, string_agg(object, E'\n' ORDER BY object) AS objects, string_agg(statement,
            E'\n' ORDER BY object) AS statements
        FROM (
            SELECT c.relowner AS owner, format('%s %s', kinds ->> c.relkind::text,
                c.relname) AS object,
                   format('ALTER %s %I OWNER TO %I;', upper(kinds ->> c.relkind::text), c.relname,
                       current_user) AS statement
            FROM pg_class c
            WHERE c.relnamespace = to_regnamespace(here) AND c.relkind IN ('r', 'v')
              AND c.relname = ANY (of_ours || '{dataset_catalog, dataset_hierarchy}'::name[])
            UNION ALL
            SELECT p.proowner, 'function ' || p.oid::regprocedure,
                   format('ALTER ROUTINE %s OWNER TO %I;', p.oid::regprocedure, current_user)
            FROM pg_proc p
            WHERE p.pronamespace = to_regnamespace(here) AND p.proname IN (
                'fn_list_datasets', 'fn_list_runs', 'fn_list_simulations', 'upsert_stage1_dataset',
                    'patch_stage1_dataset',
                'stage1_free_slug', 'stage1_dataset_search_text', 'stage1_one_name_of_legacy_row',
                'stage1_master_of_legacy_row', 'stage1_touch_updated_at', 'stage1_json_object', 'stage1_run_status',
                'stage1_simulation_mode', 'stage1_timestamp_json', 'stage1_notify_change', 'stage1_unnoticed_changes',
                'stage1_audited_patch', 'stage1_trade_side', 'stage1_json_number', 'stage1_json_count', 'stage1_claimed_folds',
                'stage1_dataset_id', 'stage1_lead_dataset', 'stage1_is_placeholder', 'stage1_fill_placeholder',
                'stage1_statement_that_fills',
                'stage1_adds_placeholders', 'stage1_mark_placeholder', 'stage1_add_placeholder_dataset',
                'stage1_add_placeholder_run', 'stage1_add_placeholder_simulation', 'stage1_before_part',
                'stage1_before_run', 'stage1_before_fold', 'stage1_before_simulation', 'stage1_before_dataset',
                'stage1_before_legacy_dataset', 'stage1_remove_former_folds', 'stage1_timestamp_of_ms',
                'stage1_dataset_of_legacy_row', 'stage1_write_master', 'stage1_content_of_export')
        ) AS o
        WHERE NOT pg_has_role(owner, 'USAGE')
        GROUP BY owner
    LOOP
        found := found || jsonb_build_object(
            'what', format('owned by %s; the role %s may not change it', wanted.owner::regrole,
                current_user),
            'rows', wanted.objects,
            'remedy', format(E'migrate as %s, or:\n%s', wanted.owner::regrole, wanted.statements));
    END LOOP;

    -- Columns, of which no value could be made up.
    FOR wanted IN
        SELECT c.*
        FROM jsonb_to_recordset(current_setting('stage1.columns')::jsonb) AS c (relation text,
            name text, type text, must boolean)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, c.relation))
            AND r.relkind = 'r'
        WHERE c.must AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid
            AND attname = c.name AND NOT attisdropped)
    LOOP
        found := found || jsonb_build_object(
            'what', format('%s has no column %s', wanted.relation, wanted.name), 'rows', '',
            'remedy', format(E'ALTER TABLE %I ADD COLUMN %I %s;\nand give every row its value',
                wanted.relation, wanted.name, wanted.type));
    END LOOP;

    -- Keys. What a unique index proves becomes the key in migrations/0000a_lossless_types.sql.
    FOR wanted IN
        SELECT k.*, (
            SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.place)
            FROM pg_constraint c
            CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS x (number, place)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = x.number
            WHERE c.conrelid = k.id AND c.contype = 'p') AS others
        FROM jsonb_to_recordset(current_setting('stage1.keys')::jsonb) AS k (
            relation text, id oid, names text[], columns text, key text, key_index oid,
            definition text, may_lack boolean, proof text)
        WHERE k.definition IS DISTINCT FROM format('PRIMARY KEY (%s)', k.columns)
          AND has_table_privilege(k.id, 'SELECT')
          AND cardinality(k.names) = (
            SELECT count(*) FROM pg_attribute
            WHERE attrelid = k.id AND attname = ANY (k.names) AND NOT attisdropped)
    LOOP
        CONTINUE WHEN wanted.proof IS NOT NULL AND NOT wanted.may_lack;
        BEGIN
            EXECUTE format('SELECT count(*) FROM %I WHERE (%s) IS NULL', wanted.relation,
                replace(wanted.columns, ', ', ') IS NULL OR ('))
            INTO without_value;
            CONTINUE WHEN wanted.proof IS NOT NULL AND without_value = 0;
            EXECUTE format('SELECT count(*), string_agg(id, E''\n'') FILTER (WHERE place <= 10) '
                'FROM (
                SELECT concat_ws('', '', %1$s) AS id, row_number() OVER (ORDER BY %1$s) AS place
                    FROM %2$I
                WHERE NOT ((%3$s) IS NULL) GROUP BY %1$s HAVING count(*) > 1) AS d',
                wanted.columns, wanted.relation, replace(wanted.columns, ', ', ') IS NULL OR ('))
            INTO doubled, first_ones;
        EXCEPTION WHEN insufficient_privilege THEN CONTINUE;  -- row security, above
        END;
        found := found || jsonb_build_object(
            'what', format('%s must have the primary key (%s)', wanted.relation, wanted.columns),
            'rows', coalesce(wanted.definition, 'no primary key')
                || CASE WHEN without_value > 0 THEN format(E'\n%s rows without a value',
                    without_value) ELSE '' END
                || CASE WHEN doubled > 0 THEN format(E'\n%s keys of more than one row:\n%s',
                    doubled, first_ones) ELSE '' END,
            'remedy', CASE WHEN without_value + doubled > 0
                THEN format(E'keep one row of each key, here the last, and the others in a table '
                    'of your own:\n'
                    'CREATE TABLE %1$I AS SELECT * FROM %2$I t WHERE %3$s;\nDELETE FROM %2$I t '
                        'WHERE %3$s;\n',
                    left(wanted.relation, 50) || '_without_key', wanted.relation,
                    format('(%s) IS NULL OR EXISTS (SELECT FROM %I x WHERE (%s) = (%s) AND x.ctid '
                        '> t.ctid)',
                        't.' || replace(wanted.columns, ', ', ') IS NULL OR (t.'), wanted.relation,
                        'x.' || replace(wanted.columns, ', ', ', x.'),
                            't.' || replace(wanted.columns, ', ', ', t.')))
                ELSE '' END
                || coalesce((
                    SELECT string_agg(format(E'ALTER TABLE %s DROP CONSTRAINT %I;\n',
                        f.conrelid::regclass, f.conname), '' ORDER BY f.conname)
                    FROM pg_constraint f
                    WHERE f.contype = 'f' AND f.conindid = wanted.key_index
                        AND f.conparentid = 0), '')
                || format('ALTER TABLE %I ', wanted.relation) || coalesce('DROP CONSTRAINT '
                    || quote_ident(wanted.key) || ', ', '')
                -- What the former key said goes on to be true, and keys may lead to it.
                || CASE WHEN wanted.definition !~ format('^PRIMARY KEY \(%s\)', wanted.columns)
                        THEN format('ADD UNIQUE (%s), ', wanted.others) ELSE '' END
                || format('ADD PRIMARY KEY (%s);', wanted.columns)
                || coalesce((
                    SELECT string_agg(format(E'\nALTER TABLE %s ADD CONSTRAINT %I %s;',
                        f.conrelid::regclass, f.conname,
                                             pg_get_constraintdef(f.oid)), '' ORDER BY f.conname)
                    FROM pg_constraint f
                    WHERE f.contype = 'f' AND f.conindid = wanted.key_index
                        AND f.conparentid = 0), ''));
    END LOOP;

    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy
FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb)
    AS a (what text, rows text, remedy text);

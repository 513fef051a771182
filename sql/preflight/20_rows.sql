-- Rows that the new keys would refuse: more than one with the same value, and those that lead nowhere. Reads only; works
-- on any database, and asks nothing of rows that a constraint already answers for.
DO $$
DECLARE
    here text := quote_ident(current_schema());
    groups_shown CONSTANT integer := 20;
    ids_shown CONSTANT integer := 10;
    wanted record;
    grp record;
    renamed name;
    found jsonb := '[]';
BEGIN
    FOR wanted IN
        -- An expression: what the values will be, once two columns for one name are one. Where rows share a value, all but one
        -- get the suffix.
        SELECT d.*, coalesce(d.expression, d.columns) AS shared FROM (VALUES
            ('walkforward_runs', 'run_id', 'dataset_id, prediction_measurement', NULL, 'prediction_measurement', 'run_id'),
            ('simulation_runs', 'simulation_id', 'run_id, questdb_namespace', NULL, 'questdb_namespace', 'simulation_id'),
            ('stage1_datasets', 'dataset_id', 'dataset_slug', NULL, 'dataset_slug', 'dataset_id'),
            ('indicator_datasets', 'dataset_id', 'questdb_tag',
                'coalesce(to_jsonb(t) ->> ''questdb_tag'', to_jsonb(t) ->> ''questdb_measurement'')', 'questdb_tag', 'dataset_id'),
            ('indicator_datasets', 'dataset_id', 'questdb_measurement',
                'coalesce(to_jsonb(t) ->> ''questdb_measurement'', to_jsonb(t) ->> ''questdb_tag'')', 'questdb_measurement', 'dataset_id')
        ) AS d (relation, key, columns, expression, renamed, suffix)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, d.relation)) AND r.relkind = 'r'
        WHERE has_table_privilege(r.oid, 'SELECT')
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = d.key AND NOT attisdropped)
          AND (d.expression IS NOT NULL OR NOT EXISTS (
            SELECT FROM string_to_table(d.columns, ', ') AS needed
            WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = needed AND NOT attisdropped)))
          AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = r.oid AND i.indisunique AND i.indisvalid AND d.expression IS NULL
              AND substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') = format(' USING btree (%s)', d.columns))
          -- Two columns for one name: the second is asked only where both are there, and may differ.
          AND (d.columns <> 'questdb_measurement' OR 2 = (
            SELECT count(*) FROM pg_attribute
            WHERE attrelid = r.oid AND attname IN ('questdb_tag', 'questdb_measurement') AND NOT attisdropped))
    LOOP
        -- A database of one variant has one of the two columns for the measurement's name.
        SELECT attname INTO renamed FROM pg_attribute
        WHERE attrelid = to_regclass(format('%s.%I', here, wanted.relation)) AND NOT attisdropped
          AND attname IN (wanted.renamed, 'questdb_tag', 'questdb_measurement')
        ORDER BY attname <> wanted.renamed LIMIT 1;
        BEGIN
            FOR grp IN EXECUTE format(
                'SELECT values, ids, row_number() OVER (ORDER BY cardinality(ids) DESC, ids) AS rank, count(*) OVER () AS groups
                 FROM (SELECT ARRAY[%s] AS values, array_agg(%I::text ORDER BY %2$I) AS ids FROM %I t
                       WHERE (%s) IS NOT NULL GROUP BY %4$s HAVING count(*) > 1) AS g ORDER BY rank LIMIT %s',
                (SELECT string_agg(format('(%s)::text', part), ', ')
                 FROM unnest(CASE WHEN wanted.expression IS NULL THEN string_to_array(wanted.columns, ', ') ELSE ARRAY[wanted.expression] END) AS part),
                wanted.key, wanted.relation, wanted.shared, groups_shown + 1)
            LOOP
                found := found || CASE WHEN grp.rank > groups_shown
                    THEN jsonb_build_object(
                        'what', format('%s: %s', wanted.relation, wanted.columns),
                        'rows', format('... and %s more such groups', grp.groups - groups_shown), 'remedy', 'the same')
                    ELSE jsonb_build_object(
                        'what', format('%s: %s rows share %s', wanted.relation, cardinality(grp.ids), (
                            SELECT string_agg(format('%s = %s', coalesce(nullif(name, wanted.renamed), renamed), value), ' and ')
                            FROM unnest(string_to_array(wanted.columns, ', '), grp.values) AS shared (name, value))),
                        'rows', wanted.key || E':\n' || array_to_string(grp.ids[1:ids_shown], E'\n')
                            || CASE WHEN cardinality(grp.ids) > ids_shown
                               THEN format(E'\n... and %s more', cardinality(grp.ids) - ids_shown) ELSE '' END,
                        'remedy', E'delete what is not wanted, or give all but one another name:\n' || format(
                            E'UPDATE %I SET %I = %2$I || ''_'' || %s\nWHERE %s\n  AND %I <> %L;', wanted.relation, renamed, wanted.suffix, (
                                SELECT string_agg(format('%I = %L', coalesce(nullif(name, wanted.renamed), renamed), value), ' AND ')
                                FROM unnest(string_to_array(wanted.columns, ', '), grp.values) AS shared (name, value)),
                            wanted.key, grp.ids[1])) END;
            END LOOP;
        EXCEPTION WHEN undefined_function OR undefined_column THEN NULL;  -- 10_relations.sql says so
        END;
    END LOOP;

    -- A dataset is there when either table has it: the backfill makes the one from the other.
    FOR wanted IN
        SELECT o.*, (SELECT array_agg(x) FROM unnest(o.targets) AS x
                     WHERE has_table_privilege(to_regclass(format('%s.%I', here, x)), 'SELECT')) AS there
        FROM (VALUES
            ('walkforward_runs', ARRAY['run_id'], 'dataset_id', ARRAY['stage1_datasets', 'indicator_datasets']),
            ('simulation_runs', ARRAY['simulation_id'], 'dataset_id', ARRAY['stage1_datasets', 'indicator_datasets']),
            ('walkforward_folds', ARRAY['run_id', 'fold_number'], 'run_id', ARRAY['walkforward_runs']),
            ('simulation_runs', ARRAY['simulation_id'], 'run_id', ARRAY['walkforward_runs']),
            ('simulation_trades', ARRAY['trade_id'], 'simulation_id', ARRAY['simulation_runs']),
            ('simulation_trade_buckets', ARRAY['simulation_id', 'side'], 'simulation_id', ARRAY['simulation_runs'])
        ) AS o (relation, key, column_name, targets)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, o.relation)) AND r.relkind = 'r'
        WHERE has_table_privilege(r.oid, 'SELECT')
          AND NOT EXISTS (
            SELECT FROM unnest(o.key || o.column_name) AS needed
            WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = needed AND NOT attisdropped))
          AND NOT EXISTS (
            SELECT FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
            WHERE c.contype = 'f' AND c.conrelid = r.oid AND c.convalidated AND a.attname = o.column_name
              AND c.confrelid = ANY (SELECT to_regclass(format('%s.%I', here, x)) FROM unnest(o.targets) AS x))
    LOOP
        BEGIN
            FOR grp IN EXECUTE format(
                'SELECT value, ids, row_number() OVER (ORDER BY value) AS rank, count(*) OVER () AS groups
                 FROM (SELECT %1$I AS value, array_agg(concat_ws('', '', %2$s) ORDER BY %2$s) AS ids FROM %3$I t
                       WHERE %1$I IS NOT NULL %4$s GROUP BY 1) AS g ORDER BY rank LIMIT %5$s',
                wanted.column_name, array_to_string(wanted.key, ', '), wanted.relation,
                coalesce((SELECT string_agg(format('AND NOT EXISTS (SELECT FROM %I x WHERE x.%I = t.%I)', x,
                    CASE x WHEN 'walkforward_runs' THEN 'run_id' WHEN 'simulation_runs' THEN 'simulation_id' ELSE 'dataset_id' END,
                    wanted.column_name), ' ') FROM unnest(wanted.there) AS x), ''),
                groups_shown + 1)
            LOOP
                found := found || CASE WHEN grp.rank > groups_shown
                    THEN jsonb_build_object(
                        'what', format('%s.%s leads nowhere', wanted.relation, wanted.column_name),
                        'rows', format('... and %s more such values', grp.groups - groups_shown), 'remedy', 'the same')
                    ELSE jsonb_build_object(
                        'what', format('%s: %s = %s leads to no row of %s (rows: %s)', wanted.relation, wanted.column_name, grp.value,
                            array_to_string(wanted.targets, ' or '), cardinality(grp.ids)),
                        'rows', array_to_string(wanted.key, ', ') || E':\n' || array_to_string(grp.ids[1:ids_shown], E'\n')
                            || CASE WHEN cardinality(grp.ids) > ids_shown
                               THEN format(E'\n... and %s more', cardinality(grp.ids) - ids_shown) ELSE '' END,
                        'remedy', format(E'insert that row again, or lead these rows to another:\nUPDATE %I SET %I = ''<id>'' WHERE %2$I = %L;',
                            wanted.relation, wanted.column_name, grp.value)
                            || CASE WHEN wanted.relation IN ('walkforward_folds', 'simulation_trades', 'simulation_trade_buckets')
                               THEN format(E'\nor, where they are of no use:\nDELETE FROM %I WHERE %I = %L;', wanted.relation, wanted.column_name, grp.value)
                               ELSE '' END) END;
            END LOOP;
        EXCEPTION WHEN undefined_function OR undefined_column THEN NULL;  -- 10_relations.sql says so
        END;
    END LOOP;

    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb) AS a (what text, rows text, remedy text);

-- needs: columns.sql
-- Rows that the new keys would refuse: more than one with the same value, those that lead nowhere,
-- and those with two names. Reads only; works on any database, and asks nothing of rows that a
-- constraint already answers for. Of each kind the first are shown, and one statement mends them
-- all.
DO $$
DECLARE
    here text := quote_ident(current_schema());
    groups_shown CONSTANT integer := 20;
    ids_shown CONSTANT integer := 10;
    of_datasets text[] := ARRAY['stage1_datasets', 'indicator_datasets', 'datasets'];
    wanted record;
    grp record;
    renamed name;
    shared text;
    narrow text;
    remedy text;
    leads_nowhere text;
    found jsonb := '[]';
BEGIN
    FOR wanted IN
        -- An expression: what the values will be, once two columns for one name are one. Where rows
        -- share a value, all but the first get the suffix.
        SELECT d.relation, d.key, d.columns, d.renamed, d.suffix, r.oid AS id, CASE
            WHEN d.two_names IS NOT NULL THEN (
                   SELECT format('coalesce(%s)', string_agg(format('t.%I::text', name), ', '
                       ORDER BY place))
                   FROM unnest(d.two_names) WITH ORDINALITY AS n (name, place)
                   JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = n.name
                       AND NOT a.attisdropped) END AS expression
        FROM (VALUES
            ('walkforward_runs', 'run_id', 'dataset_id, prediction_measurement', NULL::text[],
                'prediction_measurement', 'run_id'),
            ('simulation_runs', 'simulation_id', 'run_id, questdb_namespace', NULL,
                'questdb_namespace', 'simulation_id'),
            ('stage1_datasets', 'dataset_id', 'dataset_slug', NULL, 'dataset_slug', 'dataset_id'),
            ('indicator_datasets', 'dataset_id', 'questdb_tag',
                ARRAY['questdb_tag', 'questdb_measurement'], 'questdb_tag', 'dataset_id'),
            ('indicator_datasets', 'dataset_id', 'questdb_measurement',
                ARRAY['questdb_measurement', 'questdb_tag'], 'questdb_measurement', 'dataset_id')
        ) AS d (relation, key, columns, two_names, renamed, suffix)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, d.relation))
            AND r.relkind = 'r'
        WHERE has_table_privilege(r.oid, 'SELECT')
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = d.key
              AND NOT attisdropped)
          AND (d.two_names IS NOT NULL AND EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = ANY (d.two_names)
                AND NOT attisdropped)
          OR d.two_names IS NULL AND NOT EXISTS (
            SELECT FROM string_to_table(d.columns, ', ') AS needed
            WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = needed
                AND NOT attisdropped)))
          AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = r.oid AND i.indisunique AND i.indisvalid AND d.two_names IS NULL
              AND substring(pg_get_indexdef(i.indexrelid)
                  FROM ' USING .*') = format(' USING btree (%s)', d.columns))
          -- Two columns for one name: the second is asked only where both are there, and may
          -- differ.
          AND (d.columns <> 'questdb_measurement' OR 2 = (
            SELECT count(*) FROM pg_attribute
            WHERE attrelid = r.oid AND attname IN ('questdb_tag', 'questdb_measurement')
                AND NOT attisdropped))
    LOOP
        -- A database of one variant has one of the two columns for the measurement's name.
        SELECT attname INTO renamed FROM pg_attribute
        WHERE attrelid = wanted.id AND NOT attisdropped
          AND attname IN (wanted.renamed, 'questdb_tag', 'questdb_measurement')
        ORDER BY attname <> wanted.renamed LIMIT 1;
        -- As they will be compared: as text, but for what is of the right type.
        shared := coalesce(wanted.expression, (
            SELECT string_agg(CASE WHEN a.atttypid IN ('uuid'::regtype, 'text'::regtype,
                'varchar'::regtype) THEN name
                              ELSE name || '::text' END, ', ' ORDER BY place)
            FROM string_to_table(wanted.columns, ', ') WITH ORDINALITY AS c (name, place)
            JOIN pg_attribute a ON a.attrelid = wanted.id AND a.attname = c.name));
        -- A column that may be too short for the suffix.
        SELECT format(E'ALTER TABLE %I ALTER COLUMN %I TYPE text;\n', wanted.relation, renamed)
            INTO narrow FROM pg_attribute
        WHERE attrelid = wanted.id AND attname = renamed AND atttypid IN ('varchar'::regtype,
            'bpchar'::regtype)
          AND atttypmod BETWEEN 1 AND 200;
        remedy := E'delete what is not wanted, or give all but one of each group another name:\n'
            || coalesce(narrow, '') || format(
            E'UPDATE %1$I AS t SET %2$I = %3$s || ''_'' || %4$I\nFROM (SELECT %5$I AS id, '
                'row_number() OVER (PARTITION BY %6$s ORDER BY %5$I) AS place\n'
            '      FROM %1$I t WHERE (%6$s) IS NOT NULL) AS shared\nWHERE t.%5$I = shared.id AND '
                'shared.place > 1;',
            wanted.relation, renamed, coalesce(wanted.expression, quote_ident(renamed)),
                wanted.suffix, wanted.key, shared);
        BEGIN
            FOR grp IN EXECUTE format(
                'SELECT values, ids, row_number() OVER (ORDER BY cardinality(ids) DESC, ids) AS '
                    'rank, count(*) OVER () AS groups
                 FROM (SELECT ARRAY[%s] AS values, array_agg(%I::text ORDER BY %2$I) AS ids FROM
                     %I t
                       WHERE (%s) IS NOT NULL GROUP BY %4$s HAVING count(*) > 1) AS g ORDER BY
                           rank LIMIT %s',
                (SELECT string_agg(format('(%s)::text', part), ', ')
                 FROM unnest(CASE WHEN wanted.expression IS NULL
                     THEN string_to_array(wanted.columns, ', ')
                     ELSE ARRAY[wanted.expression] END) AS part),
                wanted.key, wanted.relation, shared, groups_shown + 1)
            LOOP
                found := found || CASE WHEN grp.rank > groups_shown
                    THEN jsonb_build_object(
                        'what', format('%s: %s', wanted.relation, wanted.columns),
                        'rows', format('... and %s more such groups', grp.groups - groups_shown),
                            'remedy', 'the same statement')
                    ELSE jsonb_build_object(
                        'what', format('%s: %s rows share %s', wanted.relation,
                            cardinality(grp.ids), (
                            SELECT string_agg(format('%s = %s', coalesce(nullif(name,
                                wanted.renamed), renamed), value), ' and ')
                            FROM unnest(string_to_array(wanted.columns, ', '),
                                grp.values) AS shared (name, value))),
                        'rows', wanted.key || E':\n' || array_to_string(grp.ids[1:ids_shown], E'\n')
                            || CASE WHEN cardinality(grp.ids) > ids_shown
                               THEN format(E'\n... and %s more', cardinality(grp.ids) - ids_shown)
                                   ELSE '' END,
                        'remedy', CASE WHEN grp.rank = 1 THEN remedy
                            ELSE 'the same statement' END) END;
            END LOOP;
        -- 10_relations.sql says so
        EXCEPTION WHEN undefined_function OR undefined_column OR insufficient_privilege THEN NULL;
        END;
    END LOOP;

    -- Both columns hold the name of the indicator table, and no migration takes one for the other.
    IF 2 = (SELECT count(*) FROM pg_attribute
            WHERE attrelid = to_regclass(here || '.indicator_datasets')
                AND attname IN ('questdb_tag', 'questdb_measurement') AND NOT attisdropped)
       AND has_table_privilege(to_regclass(here || '.indicator_datasets'), 'SELECT')
    THEN
        BEGIN
            FOR grp IN EXECUTE format(
                'SELECT count(*) AS rows, string_agg(shown, E''\n'') FILTER (WHERE place <= %s) AS '
                    'first_ones
                 FROM (SELECT format(''%%s: %%s, %%s'', dataset_id, questdb_tag,
                     questdb_measurement) AS shown, row_number() OVER (ORDER BY dataset_id) AS place
                       FROM indicator_datasets WHERE questdb_tag::text <>
                           questdb_measurement::text) AS d
                 HAVING count(*) > 0', ids_shown)
            LOOP
                found := found || jsonb_build_object(
                    'what', format('indicator_datasets: %s rows have two names for one table, '
                        'questdb_tag and questdb_measurement', grp.rows),
                    'rows', grp.first_ones || CASE WHEN grp.rows > ids_shown
                        THEN format(E'\n... and %s more', grp.rows - ids_shown) ELSE '' END,
                    'remedy', E'keep questdb_tag:\n'
                        'UPDATE indicator_datasets SET questdb_measurement = questdb_tag\nWHERE '
                            'questdb_tag::text <> questdb_measurement::text;\n'
                        'or, row by row or for all of them, keep questdb_measurement:\n'
                        'UPDATE indicator_datasets SET questdb_tag = questdb_measurement\nWHERE '
                            'questdb_tag::text <> questdb_measurement::text;');
            END LOOP;
        -- 10_relations.sql says so
        EXCEPTION WHEN undefined_column OR insufficient_privilege THEN NULL;
        END;
    END IF;

    IF jsonb_path_exists(current_setting('stage1.columns')::jsonb,
        '$[*] ? (@.relation == "datasets")')
       AND to_regclass(here || '.datasets') IS NOT NULL
    THEN
        of_datasets := of_datasets || 'datasets'::text;  -- the desktop's own since 2025-11
    END IF;

    -- A dataset is there when either table has it: the backfill makes the one from the other.
    FOR wanted IN
        SELECT o.relation, o.key, o.column_name, o.targets, r.oid AS id, a.atttypid AS type,
            a.attnotnull AS not_null, (
                   SELECT string_agg(format('NOT EXISTS (SELECT FROM %I x WHERE %s)', x.name, CASE
                       WHEN a.atttypid = b.atttypid THEN format('x.%I = t.%I', b.attname, a.attname)
                       -- Of two types, of which each becomes a uuid.
                       ELSE format('lower(x.%I::text) = lower(t.%I::text)', b.attname,
                           a.attname) END), E'\n  AND ')
                   FROM unnest(o.targets) AS x (name)
                   JOIN pg_attribute b ON b.attrelid = to_regclass(format('%s.%I', here, x.name))
                       AND NOT b.attisdropped
                       AND b.attname = CASE x.name WHEN 'walkforward_runs' THEN 'run_id'
                           WHEN 'simulation_runs' THEN 'simulation_id' ELSE 'dataset_id' END
                   WHERE has_table_privilege(b.attrelid, 'SELECT')) AS missing
        FROM (VALUES
            ('walkforward_runs', ARRAY['run_id'], 'dataset_id', of_datasets),
            ('simulation_runs', ARRAY['simulation_id'], 'dataset_id', of_datasets),
            ('walkforward_folds', ARRAY['run_id', 'fold_number'], 'run_id',
                ARRAY['walkforward_runs']),
            ('simulation_runs', ARRAY['simulation_id'], 'run_id', ARRAY['walkforward_runs']),
            ('simulation_trades', ARRAY['trade_id'], 'simulation_id', ARRAY['simulation_runs']),
            ('simulation_trade_buckets', ARRAY['simulation_id', 'side'], 'simulation_id',
                ARRAY['simulation_runs'])
        ) AS o (relation, key, column_name, targets)
        JOIN pg_class r ON r.oid = to_regclass(format('%s.%I', here, o.relation))
            AND r.relkind = 'r'
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = o.column_name
            AND NOT a.attisdropped
        WHERE has_table_privilege(r.oid, 'SELECT')
          AND NOT EXISTS (
            SELECT FROM unnest(o.key) AS needed
            WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = r.oid AND attname = needed
                AND NOT attisdropped))
          AND NOT EXISTS (
            SELECT FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid
                AND c.conkey = ARRAY[a.attnum]
            WHERE c.contype = 'f' AND c.conrelid = r.oid AND c.convalidated
                AND a.attname = o.column_name
              AND c.confrelid = ANY (SELECT to_regclass(format('%s.%I', here, x))
                  FROM unnest(o.targets) AS x))
    LOOP
        leads_nowhere := format('t.%I IS NOT NULL%s', wanted.column_name,
            E'\n  AND ' || wanted.missing);
        remedy := E'insert these rows again; or, where they are lost:\n' || CASE
            WHEN wanted.relation IN ('walkforward_folds', 'simulation_trades',
                'simulation_trade_buckets')
            THEN format(E'DELETE FROM %I t WHERE %s;', wanted.relation, leads_nowhere)
            ELSE CASE WHEN wanted.not_null THEN format(E'ALTER TABLE %I ALTER COLUMN %I DROP NOT '
                'NULL;\n', wanted.relation, wanted.column_name) ELSE '' END
                || format(E'UPDATE %I t SET %I = NULL WHERE %s;', wanted.relation,
                    wanted.column_name, leads_nowhere) END;
        BEGIN
            FOR grp IN EXECUTE format(
                'SELECT value, ids, row_number() OVER (ORDER BY value) AS rank, count(*) OVER () '
                    'AS groups
                 FROM (SELECT %1$I AS value, array_agg(concat_ws('', '', %2$s) ORDER BY %2$s) AS
                     ids FROM %3$I t
                       WHERE %4$s GROUP BY 1) AS g ORDER BY rank LIMIT %5$s',
                wanted.column_name, array_to_string(wanted.key, ', '), wanted.relation,
                    leads_nowhere, groups_shown + 1)
            LOOP
                found := found || CASE WHEN grp.rank > groups_shown
                    THEN jsonb_build_object(
                        'what', format('%s.%s leads nowhere', wanted.relation, wanted.column_name),
                        'rows', format('... and %s more such values', grp.groups - groups_shown),
                            'remedy', 'the same statement')
                    ELSE jsonb_build_object(
                        'what', format('%s: %s = %s leads to no row of %s (rows: %s)',
                            wanted.relation, wanted.column_name, grp.value,
                            array_to_string(wanted.targets, ' or '), cardinality(grp.ids)),
                        'rows', array_to_string(wanted.key,
                            ', ') || E':\n' || array_to_string(grp.ids[1:ids_shown], E'\n')
                            || CASE WHEN cardinality(grp.ids) > ids_shown
                               THEN format(E'\n... and %s more', cardinality(grp.ids) - ids_shown)
                                   ELSE '' END,
                        'remedy', CASE WHEN grp.rank = 1 THEN remedy
                            ELSE 'the same statement' END) END;
            END LOOP;
        -- 10_relations.sql says so
        EXCEPTION WHEN undefined_function OR undefined_column OR insufficient_privilege THEN NULL;
        END;
    END LOOP;

    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy
FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb)
    AS a (what text, rows text, remedy text);

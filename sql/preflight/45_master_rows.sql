-- A table stage1_datasets that was made by hand: what of it would refuse the master rows that
-- migrations/0003b_writers_of_datasets.sql makes of rows of datasets and indicator_datasets. Its
-- triggers are off meanwhile. Reads only; works on any database.
-- needs: columns.sql
DO $$
DECLARE
    here text := quote_ident(current_schema());
    masters regclass := to_regclass(quote_ident(current_schema()) || '.stage1_datasets');
    -- Of those that are there; what datasets knows of a dataset counts.
    legacy text;
    legacy_rows text;
    -- As 0003b gives them, as far as a rule could mind; of a row of any variant, whatever the types
    -- are now. `m` is the manifest.
    values_of CONSTANT jsonb := jsonb_build_object(
        'dataset_id', '(l.j ->> ''dataset_id'')::uuid',
        'dataset_slug', 'coalesce(nullif(l.j ->> ''dataset_slug'', ''''),'
            ' nullif(l.j ->> ''questdb_tag'', ''''),'
            ' nullif(l.j ->> ''questdb_measurement'', ''''), l.j ->> ''dataset_id'')',
        'symbol', 'nullif(l.j ->> ''symbol'', '''')',
        'granularity', 'nullif(l.j ->> ''granularity'', '''')',
        'source', 'coalesce(nullif(l.m ->> ''source'', ''''), l.j ->> ''source'', ''legacy_import'')',
        'ohlcv_measurement', 'coalesce(nullif(l.m ->> ''ohlcv_measurement'', ''''),'
            ' CASE WHEN l.m IS NOT NULL THEN coalesce(nullif(l.j ->> ''dataset_slug'', ''''),'
            ' l.j ->> ''dataset_id'') END || ''_ohlcv'', '''')',
        'indicator_measurement', 'coalesce(nullif(l.m ->> ''indicator_measurement'', ''''),'
            ' CASE WHEN l.m IS NOT NULL THEN coalesce(nullif(l.j ->> ''dataset_slug'', ''''),'
            ' l.j ->> ''dataset_id'') END || ''_ind'', nullif(l.j ->> ''questdb_tag'', ''''),'
            ' nullif(l.j ->> ''questdb_measurement'', ''''), '''')',
        'ohlcv_row_count',
            'coalesce(substring(l.m ->> ''ohlcv_rows'' FROM ''^[0-9]{1,18}$''), ''0'')',
        'indicator_row_count', 'coalesce('
            'substring(l.m ->> ''indicator_rows'' FROM ''^[0-9]{1,18}$''), l.j ->> ''row_count'')',
        'indicator_first_ts', 'l.j ->> ''first_bar_ts''',
        'indicator_last_ts', 'l.j ->> ''last_bar_ts''',
        'metadata', 'CASE WHEN l.m IS NULL'
            ' THEN jsonb_build_object(''legacy_source'', l.j ->> ''source'') ELSE ''{}'' END');
    made text;
    present text;
    own record;
    answer text;
    found jsonb := '[]';
BEGIN
    SELECT string_agg(c.relname, ' and ' ORDER BY c.relname), string_agg(
        CASE WHEN c.relname = 'datasets'
            THEN format('SELECT to_jsonb(t), CASE jsonb_typeof(to_jsonb(t) -> ''metadata'') '
                'WHEN ''object'' THEN to_jsonb(t) -> ''metadata'' ELSE ''{}'' END FROM %s t',
                c.oid::regclass)
            ELSE format('SELECT to_jsonb(t), NULL::jsonb FROM %s t', c.oid::regclass) || coalesce((
                SELECT format(' WHERE NOT EXISTS (SELECT FROM %s other '
                    'WHERE lower(other.dataset_id::text) = lower(t.dataset_id::text))',
                    d.oid::regclass)
                FROM pg_class d
                JOIN pg_attribute b
                    ON b.attrelid = d.oid AND b.attname = 'dataset_id' AND NOT b.attisdropped
                WHERE d.oid = to_regclass(here || '.datasets') AND d.relkind = 'r'
                  AND has_table_privilege(d.oid, 'SELECT')), '') END,
        ' UNION ALL ' ORDER BY c.relname)
    INTO legacy, legacy_rows
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'dataset_id' AND NOT a.attisdropped
    WHERE c.relnamespace = to_regnamespace(here) AND c.relkind = 'r'
      AND c.relname IN ('datasets', 'indicator_datasets')
      AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid);
    IF masters IS NULL OR legacy IS NULL OR NOT has_table_privilege(masters, 'SELECT')
        OR EXISTS (SELECT FROM pg_class WHERE oid = masters AND (relkind <> 'r'
            OR row_security_active(oid)))
        OR NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = masters
            AND attname = 'dataset_id' AND NOT attisdropped)
    THEN
        PERFORM set_config('stage1.answer', '[]', false);  -- 10_relations.sql says why
        RETURN;
    END IF;

    SELECT format('SELECT %s FROM (%s) AS l (j, m) '
                  'WHERE NOT EXISTS (SELECT FROM %s d WHERE lower(d.dataset_id::text) = lower(l.j '
                      '->> ''dataset_id''))',
                  string_agg(format('(%s)::%s AS %I',
                      coalesce(values_of ->> a.attname, CASE WHEN f.text !~ 'nextval'
                          THEN f.text END, 'NULL'),
                      coalesce(c.type, format_type(a.atttypid, a.atttypmod)), a.attname), ', '
                          ORDER BY a.attnum), legacy_rows, masters),
           format('SELECT %s FROM %s', string_agg(format('%s AS %I',
               CASE WHEN c.type IS NULL THEN quote_ident(a.attname)
                   ELSE format('%I::text::%s', a.attname, c.type) END, a.attname),
               ', ' ORDER BY a.attnum), masters)
    INTO made, present
    FROM pg_attribute a
    LEFT JOIN jsonb_to_recordset(current_setting('stage1.columns')::jsonb) AS c (relation text,
        name text, type text)
        ON c.relation = 'stage1_datasets' AND c.name = a.attname
    LEFT JOIN LATERAL (
        SELECT pg_get_expr(d.adbin, d.adrelid) AS text FROM pg_attrdef d
        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = ''
    ) AS f ON true
    WHERE a.attrelid = masters AND a.attnum > 0 AND NOT a.attisdropped;

    FOR own IN
        -- `question`: which rows would be refused, %1$s those that are made, %2$s those that are
        -- there.
        SELECT format('%I is NOT NULL, and has no default', a.attname) AS what,
               'SELECT n.dataset_id FROM (%1$s) AS n' AS question,
               format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL;', masters, a.attname) AS remedy
        FROM pg_attribute a
        WHERE a.attrelid = masters AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
            AND NOT a.atthasdef AND a.attidentity = ''
          AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(current_setting('stage1.columns')::jsonb)
                AS c (relation text, name text)
            WHERE c.relation = 'stage1_datasets' AND c.name = a.attname)
        UNION ALL
        SELECT format('its check %s refuses them', c.conname),
               format('SELECT stage1_datasets.dataset_id FROM (%%1$s) AS stage1_datasets WHERE NOT '
                   '(%s)',
                      replace(pg_get_expr(c.conbin, c.conrelid), '%', '%%')),
               format(E'ALTER TABLE %s DROP CONSTRAINT %I;\nmigrate, and then again, for rows to '
                   'come:\nALTER TABLE %1$s ADD CONSTRAINT %2$I %s NOT VALID;',
                      masters, c.conname, regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$',
                          ''))
        FROM pg_constraint c
        WHERE c.conrelid = masters AND c.contype = 'c'
            AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
        UNION ALL
        SELECT format('its foreign key %s refuses them', c.conname),
               format('SELECT n.dataset_id FROM (%%1$s) AS n WHERE NOT EXISTS (SELECT FROM %s x '
                   'WHERE %s)%s', c.confrelid::regclass,
                      string_agg(format('x.%I = n.%I', parent.attname, child.attname), ' AND '),
                      string_agg(format(' AND n.%I IS NOT NULL', child.attname), '')),
               format(E'ALTER TABLE %s DROP CONSTRAINT %I;\nmigrate, and then again, for rows to '
                   'come:\nALTER TABLE %1$s ADD CONSTRAINT %2$I %s NOT VALID;',
                      masters, c.conname, regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$',
                          ''))
        FROM pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (child, parent)
        JOIN pg_attribute child ON child.attrelid = c.conrelid AND child.attnum = k.child
        JOIN pg_attribute parent ON parent.attrelid = c.confrelid AND parent.attnum = k.parent
        WHERE c.conrelid = masters AND c.contype = 'f'
            AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
        GROUP BY c.oid, c.confrelid, c.conname
        UNION ALL
        -- Unique, or excluding: two rows, of which one at least is made, for which all operators
        -- say yes.
        SELECT format('its index %s refuses them', i.indexrelid::regclass),
               format('WITH n AS (%%1$s), r AS (SELECT * FROM n UNION ALL %%2$s), k AS ('
                      'SELECT dataset_id, %s FROM r AS stage1_datasets%s) '
                      'SELECT DISTINCT a.dataset_id FROM k a JOIN k b ON a.dataset_id <> '
                          'b.dataset_id AND %s '
                      'WHERE a.dataset_id IN (SELECT dataset_id FROM n)',
                      string_agg(replace(format('%s AS key_%s', pg_get_indexdef(i.indexrelid,
                          place::integer, true), place), '%', '%%'), ', ' ORDER BY place),
                      ' WHERE ' || replace(pg_get_expr(i.indpred, i.indrelid), '%', '%%'),
                      string_agg(format('a.key_%s %s b.key_%1$s', place, coalesce(
                          (SELECT format('OPERATOR(%I.%s)', o.oprnamespace::regnamespace, o.oprname)
                              FROM pg_operator o WHERE o.oid = c.conexclop[place]),
                          '=')), ' AND ')),
               CASE WHEN c.oid IS NULL THEN format('DROP INDEX %s;', i.indexrelid::regclass)
                    ELSE format('ALTER TABLE %s DROP CONSTRAINT %I;', masters, c.conname) END
        FROM pg_index i
        LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('u', 'x', 'p')
        CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) AS place
        WHERE i.indrelid = masters AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
          -- Of these 0003 takes care.
          AND pg_get_indexdef(i.indexrelid) !~ ' USING btree \((dataset_id|dataset_slug)\)$'
        GROUP BY i.indexrelid, i.indrelid, i.indpred, c.oid, c.conname
        UNION ALL
        SELECT format('its rule %s takes them', r.rulename), 'SELECT n.dataset_id FROM (%1$s) AS n',
               format(E'DROP RULE %I ON %s;\nmigrate, and then again:\n%s', r.rulename, masters,
                   pg_get_ruledef(r.oid))
        FROM pg_rewrite r WHERE r.ev_class = masters AND r.ev_type = '3' AND r.ev_enabled <> 'D'
    LOOP
        BEGIN
            EXECUTE format('SELECT string_agg(dataset_id::text, E''\n'') FILTER (WHERE place <= '
                '10) || CASE WHEN count(*) > 10 '
                'THEN format(E''\n... and %%s more'', count(*) - 10) ELSE '''' END '
                'FROM (SELECT dataset_id, row_number() OVER (ORDER BY dataset_id) AS place FROM '
                    '(%s) AS q) AS p', format(own.question, made, present)) INTO answer;
        EXCEPTION
            WHEN data_exception OR undefined_column OR undefined_function OR insufficient_privilege
                OR read_only_sql_transaction THEN
                CONTINUE;  -- 15_types.sql and 10_relations.sql say so
        END;
        IF answer IS NOT NULL THEN
            found := found || jsonb_build_object(
                'what', format('rows of %s get a row of stage1_datasets: %s', legacy, own.what),
                'rows', E'dataset_id:\n' || answer,
                'remedy', own.remedy);
        END IF;
    END LOOP;
    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy
FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb)
    AS a (what text, rows text, remedy text);

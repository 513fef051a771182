-- needs: columns.sql
-- Types in which something could be lost: times without a zone, values that do not fit, and types
-- of which migrate does not know how they are meant. What loses nothing is adopted by
-- migrations/0000a_lossless_types.sql. Reads only; works on any database.
DO $$
DECLARE
    retyped CONSTANT jsonb := current_setting('stage1.retyped')::jsonb;
    wanted record;
    one record;
    keys text;
    misfits bigint;
    first_ones text[];
    bad boolean;
    out_of_range boolean;
    found jsonb := '[]';
BEGIN
    -- the shortest text that says the same number
    PERFORM set_config('extra_float_digits', '1', true);

    FOR wanted IN
        SELECT relation, string_agg(format('%s %s', name, actual), E'\n' ORDER BY place) AS columns,
               string_agg(change, E',\n    ' ORDER BY place) AS changes, min(place) AS place
        FROM jsonb_to_recordset(retyped) AS r (relation text, name text, actual text, change text,
            zone boolean, place integer)
        WHERE zone GROUP BY relation ORDER BY 4
    LOOP
        found := found || jsonb_build_object(
            'what', format('%s has times without a zone', wanted.relation), 'rows', wanted.columns,
            'remedy', E'where they are times in UTC: migrate --assume-utc\notherwise, with their '
                'zone in place of ''UTC'':\n'
                || format(E'ALTER TABLE %I\n    %s;', wanted.relation, wanted.changes));
    END LOOP;

    FOR wanted IN SELECT * FROM jsonb_to_recordset(retyped) AS r (
        relation text, id oid, name text, number smallint, type text, actual text, convert text,
            misfit text, base_id oid, zone boolean)
    LOOP
        IF wanted.convert IS NULL THEN
            SELECT attgenerated::text AS kind INTO one FROM pg_attribute WHERE attrelid = wanted.id
                AND attnum = wanted.number;
            found := found || jsonb_build_object(
                'what', format('%s.%s is of type %s%s, and must be %s', wanted.relation,
                    wanted.name, wanted.actual,
                               CASE WHEN one.kind <> '' THEN ', generated'
                                   ELSE '' END, wanted.type),
                'rows', 'all',
                'remedy', CASE one.kind
                    WHEN 's' THEN format('ALTER TABLE %I ALTER COLUMN %I DROP EXPRESSION;',
                        wanted.relation, wanted.name)
                    WHEN '' THEN format(E'migrate cannot know how its values are meant: give the '
                        'column the type %s,\nas they are', wanted.type)
                    ELSE format(E'ALTER TABLE %1$I ADD COLUMN %3$I %4$s;\nUPDATE %1$I SET %3$I = '
                        '%2$I;\n'
                        'ALTER TABLE %1$I DROP COLUMN %2$I;\nALTER TABLE %1$I RENAME COLUMN %3$I '
                            'TO %2$I;',
                        wanted.relation, wanted.name, left(wanted.name, 55) || '_stored',
                            wanted.type) END);
            CONTINUE;
        END IF;
        CONTINUE WHEN wanted.misfit IS NULL OR NOT has_table_privilege(wanted.id, 'SELECT');
        SELECT string_agg(quote_ident(c.name), ', ') INTO keys
        FROM jsonb_to_recordset(current_setting('stage1.columns')::jsonb) AS c (relation text,
            name text, key boolean)
        JOIN pg_attribute a ON a.attrelid = wanted.id AND a.attname = c.name AND NOT a.attisdropped
        WHERE c.relation = wanted.relation AND (c.key OR c.relation = 'datasets'
            AND c.name = 'dataset_id');
        first_ones := '{}';
        BEGIN
            EXECUTE format('SELECT count(*) FROM %I WHERE %s', wanted.relation,
                format(wanted.misfit, quote_ident(wanted.name))) INTO misfits;
            IF misfits > 0 THEN
                EXECUTE format('SELECT array_agg(id) FROM (SELECT format(''%%s: %%s'', '
                    'concat_ws('', '', %s), left(%I::text, 60)) AS id FROM %I t WHERE %s LIMIT 10) '
                    'AS f',
                    keys, wanted.name, wanted.relation, format(wanted.misfit,
                        quote_ident(wanted.name))) INTO first_ones;
            END IF;
        EXCEPTION
            WHEN insufficient_privilege THEN CONTINUE;  -- 10_relations.sql says so
            -- A value that cannot be read at all: row by row.
            WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
                misfits := 0;
                FOR one IN EXECUTE format('SELECT concat_ws('', '', %s) AS id, %I::text AS value '
                    'FROM %I t WHERE %2$I IS NOT NULL',
                    keys, wanted.name, wanted.relation)
                LOOP
                    BEGIN
                        EXECUTE 'SELECT ' || format(wanted.misfit, '$1') INTO bad USING one.value;
                    EXCEPTION WHEN data_exception OR statement_too_complex OR program_limit_exceeded
                        THEN bad := true;
                    END;
                    IF bad THEN
                        misfits := misfits + 1;
                        IF misfits <= 10 THEN
                            first_ones := first_ones || format('%s: %s', one.id, left(one.value,
                                60));
                        END IF;
                    END IF;
                END LOOP;
        END;
        IF misfits > 0 THEN
            IF wanted.type = 'float8' THEN
                EXECUTE format(
                    'SELECT EXISTS (SELECT FROM %2$I WHERE abs(%1$I) NOT BETWEEN 1e-300 AND 1e308
                     AND %1$I::text NOT IN (''0'', ''NaN'', ''Infinity'', ''-Infinity'') AND %1$I
                         <> 0)',
                    wanted.name, wanted.relation) INTO out_of_range;
            END IF;
            found := found || jsonb_build_object(
                'what', format('%s.%s is of type %s: %s rows do not fit %s', wanted.relation,
                    wanted.name, wanted.actual, misfits, wanted.type),
                'rows', array_to_string(first_ones, E'\n') || CASE WHEN misfits > 10
                    THEN format(E'\n... and %s more', misfits - 10) ELSE '' END,
                'remedy', CASE
                    WHEN wanted.type = 'float8' AND out_of_range
                    THEN 'give these rows a value that double precision can hold, or none'
                    WHEN wanted.type = 'float8' THEN format(E'keep the exact values in a column of '
                        'your own, and the nearest here:\n'
                        'ALTER TABLE %1$I ADD COLUMN %3$I %4$s;\nUPDATE %1$I SET %3$I = '
                            '%2$I;\nALTER TABLE %1$I ALTER COLUMN %2$I TYPE double precision;',
                        wanted.relation, wanted.name, left(wanted.name, 57) || '_exact',
                            wanted.actual)
                    WHEN wanted.type = 'jsonb' THEN 'give these rows a value that is JSON, in '
                        'which no object has a name twice'
                    WHEN wanted.type = 'uuid' THEN E'give these rows an id of the form 8-4-4-4-12, '
                        'and the rows that lead to them;\nor delete them'
                    ELSE format('give these rows a whole number that fits %s', wanted.type) END);
        END IF;
    END LOOP;

    -- Writers write each column of ours, and so does the migration.
    FOR wanted IN
        SELECT c.relation, c.name, a.attgenerated::text AS kind, pg_get_expr(d.adbin, d.adrelid) AS expression
        FROM jsonb_to_recordset(current_setting('stage1.columns')::jsonb) AS c (relation text, name text)
        JOIN pg_attribute a ON a.attrelid = to_regclass(format('%I.%I', current_schema(), c.relation))
            AND a.attname = c.name AND NOT a.attisdropped AND a.attgenerated <> ''
        JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE NOT EXISTS (
            SELECT FROM jsonb_to_recordset(retyped) AS r (relation text, name text, convert text)
            WHERE r.relation = c.relation AND r.name = c.name AND r.convert IS NULL)
    LOOP
        found := found || jsonb_build_object(
            'what', format('%s.%s is generated, so that nothing can be written into it', wanted.relation, wanted.name),
            'rows', wanted.expression,
            'remedy', CASE wanted.kind
                WHEN 's' THEN format('ALTER TABLE %I ALTER COLUMN %I DROP EXPRESSION;', wanted.relation, wanted.name)
                ELSE format('ALTER TABLE %I RENAME COLUMN %I TO %I;', wanted.relation, wanted.name, left(wanted.name, 55) || '_former') END);
    END LOOP;

    -- Ids that are two texts and one uuid.
    FOR wanted IN
        SELECT c.relation, string_agg(coalesce(format(r.convert, quote_ident(c.name)),
            quote_ident(c.name)), ', ') AS key
        FROM jsonb_to_recordset(current_setting('stage1.columns')::jsonb) AS c (relation text,
            name text, key boolean)
        LEFT JOIN jsonb_to_recordset(retyped) AS r (relation text, name text, type text,
            convert text) USING (relation, name)
        WHERE c.key AND has_table_privilege(to_regclass(format('%I.%I', current_schema(),
            c.relation)), 'SELECT')
        GROUP BY c.relation HAVING bool_or(r.type = 'uuid')
    LOOP
        BEGIN
            EXECUTE format('SELECT count(*), string_agg(id, E''\n'') FILTER (WHERE place <= 10) '
                'FROM (
                SELECT concat_ws('', '', %1$s) AS id, row_number() OVER () AS place FROM %2$I
                    GROUP BY %1$s HAVING count(*) > 1) AS d',
                wanted.key, wanted.relation) INTO misfits, keys;
            IF misfits > 0 THEN
                found := found || jsonb_build_object(
                    'what', format('%s: %s ids are the same uuid, written in two ways',
                        wanted.relation, misfits), 'rows', keys,
                    'remedy', 'give one of each another id, and the rows that lead to it; or '
                        'delete it');
            END IF;
        EXCEPTION
            -- told above
            WHEN data_exception OR undefined_column OR undefined_function OR insufficient_privilege
                THEN NULL;
        END;
    END LOOP;

    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy
FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb)
    AS a (what text, rows text, remedy text);

-- needs: columns.sql
-- needs: kept.sql
-- What is somebody's own and keeps PostgreSQL from taking away what is built anew, or from giving a
-- column its type. What PostgreSQL carries along by itself is in nobody's way. Reads only; works on
-- any database.
DO $$
DECLARE
    retyped CONSTANT jsonb := current_setting('stage1.retyped')::jsonb;
    ours CONSTANT jsonb := current_setting('stage1.columns')::jsonb;
    wanted record;
    columns text;
    fails text;
    remedy text;
    found jsonb := '[]';
BEGIN
    -- What depends on it directly or through others, the outermost first.
    FOR wanted IN
        WITH RECURSIVE kept AS (
            SELECT k.kind, k.id, c.reltype
                FROM jsonb_to_recordset(current_setting('stage1.kept')::jsonb) AS k (kind text,
                id oid)
            LEFT JOIN pg_class c ON k.kind = 'TABLE' AND c.oid = k.id
        ), held AS (
            SELECT 'pg_class'::regclass AS classid, id AS objid, 0 AS objsubid FROM kept
                WHERE kind = 'TABLE'
            UNION ALL
            SELECT 'pg_type'::regclass, reltype, 0 FROM kept WHERE kind = 'TABLE'
            UNION ALL
            SELECT 'pg_proc'::regclass, id, 0 FROM kept WHERE kind = 'ROUTINE'
            UNION ALL
            SELECT 'pg_class'::regclass, r.id, r.number
                FROM jsonb_to_recordset(retyped) AS r (id oid, number integer)
            UNION ALL
            -- Of a table that inherits it, too.
            SELECT 'pg_class'::regclass, c.id, a.attnum
            FROM jsonb_to_recordset(retyped) AS r (id oid, name text)
            CROSS JOIN LATERAL (
                WITH RECURSIVE heir (id) AS (
                    SELECT inhrelid FROM pg_inherits WHERE inhparent = r.id
                    UNION
                    SELECT i.inhrelid FROM heir JOIN pg_inherits i ON i.inhparent = heir.id)
                SELECT * FROM heir
            ) AS c
            JOIN pg_attribute a ON a.attrelid = c.id AND a.attname = r.name
        ), dependent AS (
            SELECT CASE WHEN w.rulename = '_RETURN' THEN 'pg_class'::regclass
                ELSE d.classid END AS classid,
                   CASE WHEN w.rulename = '_RETURN' THEN w.ev_class ELSE d.objid END AS objid,
                   CASE WHEN w.rulename = '_RETURN' THEN 0 ELSE d.objsubid END AS objsubid,
                   pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS needs, 1 AS depth
            FROM held h
            JOIN pg_depend d ON d.refclassid = h.classid AND d.refobjid = h.objid
                AND d.deptype IN ('n', 'a')
                AND (h.objsubid = 0 OR d.refobjsubid = h.objsubid)
            LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
            LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
            -- Of a column: what PostgreSQL does not carry along. Of a default, that of a generated
            -- column.
            WHERE h.objsubid = 0 OR d.classid IN (
                    'pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass,
                        'pg_trigger'::regclass, 'pg_publication_rel'::regclass)
                OR f.adnum <> h.objsubid AND EXISTS (
                    -- One of ours is for 15_types.sql.
                    SELECT FROM pg_attribute a
                    WHERE a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> ''
                      AND NOT EXISTS (
                        SELECT FROM jsonb_to_recordset(ours) AS c (relation text, name text)
                        WHERE c.relation = f.adrelid::regclass::text AND c.name = a.attname))
            UNION
            SELECT CASE WHEN w.rulename = '_RETURN' THEN 'pg_class'::regclass ELSE d.classid END,
                   CASE WHEN w.rulename = '_RETURN' THEN w.ev_class ELSE d.objid END,
                   CASE WHEN w.rulename = '_RETURN' THEN 0 ELSE d.objsubid END,
                   pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), x.depth + 1
            FROM dependent x
            LEFT JOIN pg_class c ON x.classid = 'pg_class'::regclass AND c.oid = x.objid
                AND c.relkind IN ('v', 'm')
            JOIN pg_depend d ON d.deptype IN ('n', 'a')
                AND (d.refclassid = x.classid AND d.refobjid = x.objid
                    OR d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype)
            LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
            WHERE (c.oid IS NOT NULL OR x.classid = 'pg_proc'::regclass) AND x.depth < 30
              AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
        )
        SELECT classid, objid, objsubid, coalesce(
                   (SELECT pg_describe_object('pg_class'::regclass, adrelid, adnum) FROM pg_attrdef
                       WHERE classid = 'pg_attrdef'::regclass AND oid = objid),
                   pg_describe_object(classid, objid, objsubid)) AS what,
               string_agg(DISTINCT needs, E'\n') AS needs, max(depth) AS depth
        FROM dependent
        WHERE (classid, objid) NOT IN (SELECT classid, objid FROM held WHERE objsubid = 0)
        GROUP BY classid, objid, objsubid ORDER BY max(depth) DESC, 4
    LOOP
        SELECT CASE wanted.classid
            WHEN 'pg_class'::regclass THEN (
                SELECT CASE
                    WHEN relkind IN ('v', 'm') THEN format(
                        E'save its definition, drop it, migrate, and create it again:\npg_dump '
                            '--schema-only --table=%1$L "$DATABASE_URL" > %3$s.sql\n'
                        'DROP %2$s %1$s;\nmigrate, and then: psql "$DATABASE_URL" -f %3$s.sql',
                        oid::regclass, CASE relkind WHEN 'v' THEN 'VIEW'
                            ELSE 'MATERIALIZED VIEW' END, regexp_replace(relname, '\W', '_', 'g'))
                    WHEN relkind = 'i' THEN format(E'DROP INDEX %s;\nmigrate, and then again:\n%s;',
                        oid::regclass, pg_get_indexdef(oid))
                    ELSE 'keep the values of this column in columns of another type, and drop it'
                END FROM pg_class WHERE oid = wanted.objid)
            WHEN 'pg_proc'::regclass THEN (
                SELECT format(
                    E'save its definition, drop it, migrate, and create it again:\n'
                    'psql "$DATABASE_URL" -XAtc "SELECT pg_get_functiondef(%1$s)" > %3$s.sql\nDROP '
                        'ROUTINE %2$s;\n'
                    'migrate, and then: psql "$DATABASE_URL" -f %3$s.sql', oid, oid::regprocedure,
                        regexp_replace(proname, '\W', '_', 'g'))
                FROM pg_proc WHERE oid = wanted.objid)
            WHEN 'pg_constraint'::regclass THEN (
                SELECT format(E'ALTER TABLE %s DROP CONSTRAINT %I;\nmigrate, and then '
                    'again:\nALTER TABLE %1$s ADD CONSTRAINT %2$I %s;',
                    conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
                        WHERE oid = wanted.objid)
            WHEN 'pg_rewrite'::regclass THEN (
                SELECT format(E'DROP RULE %I ON %s;\nmigrate, and then again:\n%s', rulename,
                    ev_class::regclass, pg_get_ruledef(oid))
                FROM pg_rewrite WHERE oid = wanted.objid)
            WHEN 'pg_trigger'::regclass THEN (
                SELECT format(E'DROP TRIGGER %I ON %s;\nmigrate, and then again:\n%s;', tgname,
                    tgrelid::regclass, pg_get_triggerdef(oid))
                FROM pg_trigger WHERE oid = wanted.objid)
            WHEN 'pg_policy'::regclass THEN (
                SELECT format(E'DROP POLICY %I ON %s;\nmigrate, and then again:\nCREATE POLICY '
                    '%1$I ON %2$s AS %s FOR %s TO %s%s%s;',
                    p.polname, p.polrelid::regclass, CASE WHEN p.polpermissive THEN 'PERMISSIVE'
                        ELSE 'RESTRICTIVE' END,
                    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w'
                        THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                    (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC'
                        ELSE role::regrole::text END, ', ') FROM unnest(p.polroles) AS role),
                    E'\n  USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                        E'\n  WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
                FROM pg_policy p WHERE p.oid = wanted.objid)
            WHEN 'pg_attrdef'::regclass THEN (
                SELECT CASE WHEN a.attgenerated = '' THEN format(E'ALTER TABLE %s ALTER COLUMN %I '
                    'DROP DEFAULT;\nmigrate, and then again:\n'
                    'ALTER TABLE %1$s ALTER COLUMN %2$I SET DEFAULT %s;', a.attrelid::regclass,
                        a.attname, pg_get_expr(f.adbin, f.adrelid))
                    ELSE format(E'ALTER TABLE %s DROP COLUMN %I;\nmigrate, and then again, in '
                        'words that fit the new type:\n'
                    'ALTER TABLE %1$s ADD COLUMN %2$I %s GENERATED ALWAYS AS (%s) %s;',
                        a.attrelid::regclass, a.attname,
                    format_type(a.atttypid, a.atttypmod), pg_get_expr(f.adbin, f.adrelid),
                        CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) END
                FROM pg_attrdef f JOIN pg_attribute a ON a.attrelid = f.adrelid
                    AND a.attnum = f.adnum WHERE f.oid = wanted.objid)
            WHEN 'pg_publication_rel'::regclass THEN (
                -- Lists of columns and filters are PostgreSQL 15's, which names them otherwise
                -- where there are none.
                SELECT format(E'ALTER PUBLICATION %I DROP TABLE %s;\nmigrate, and then '
                    'again:\nALTER PUBLICATION %1$I ADD TABLE %2$s%s%s;',
                    p.pubname, r.prrelid::regclass, (
                        SELECT ' (' || string_agg(quote_ident(a.attname), ', '
                            ORDER BY a.attnum) || ')' FROM pg_attribute a
                        WHERE a.attrelid = r.prrelid
                            AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)),
                    ' WHERE (' || (
                        SELECT to_jsonb(v) ->> 'rowfilter' FROM pg_publication_tables v
                            JOIN pg_class c ON c.oid = r.prrelid
                        WHERE v.pubname = p.pubname AND v.tablename = c.relname
                            AND v.schemaname = c.relnamespace::regnamespace::text) || ')')
                FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                    WHERE r.oid = wanted.objid)
            ELSE 'drop it, migrate, and make it again' END INTO remedy;
        found := found || jsonb_build_object('what',
            wanted.what || ' depends on what is built anew', 'rows', wanted.needs, 'remedy',
            remedy);
    END LOOP;

    FOR wanted IN
        SELECT r.relation, r.id, (
                SELECT string_agg(CASE WHEN of.name IS NOT NULL
                    THEN format('%s AS %I', format(of.convert, quote_ident(a.attname)), a.attname)
                                       ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
                FROM pg_attribute a
                LEFT JOIN jsonb_to_recordset(retyped) AS of (id oid, name text,
                    convert text) ON of.id = r.id AND of.name = a.attname
                WHERE a.attrelid = r.id AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
               array_agg(r.number) AS numbers, bool_and(r.convert IS NOT NULL) AS known,
                   has_table_privilege(r.id, 'SELECT') AS readable
        FROM jsonb_to_recordset(retyped) AS r (relation text, id oid, number smallint, convert text)
        GROUP BY r.relation, r.id ORDER BY r.relation
    LOOP
        -- Of what inherits or is of a type, the column is not this table's alone.
        SELECT string_agg(format('ALTER TABLE %I NO INHERIT %s;', wanted.relation,
            inhparent::regclass), E'\n') INTO remedy
        FROM pg_inherits WHERE inhrelid = wanted.id;
        SELECT coalesce(remedy, format('ALTER TABLE %I NOT OF;', wanted.relation)) INTO remedy
        FROM pg_class WHERE oid = wanted.id AND (reloftype <> 0 OR remedy IS NOT NULL);
        IF remedy IS NOT NULL THEN
            found := found || jsonb_build_object('what',
                format('%s has the type of its columns from another', wanted.relation), 'rows', '',
                'remedy', remedy);
        END IF;
        FOR fails IN
            SELECT format('%s.%s', a.attrelid::regclass, a.attname) FROM pg_attribute a
                JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p')
            WHERE NOT a.attisdropped AND a.atttypid IN (
                SELECT unnest(ARRAY[t.oid, t.typarray]) FROM pg_type t
                    JOIN pg_class k ON k.reltype = t.oid WHERE k.oid = wanted.id)
        LOOP
            found := found || jsonb_build_object('what', format('%s has the rows of %s as its type',
                fails, wanted.relation), 'rows', 'all',
                'remedy', E'keep its values in columns of your own, and drop the column');
        END LOOP;
        CONTINUE WHEN NOT wanted.known OR NOT wanted.readable;

        -- Own checks, of the values as they will be: whether they can be asked at all, and whether
        -- they hold.
        FOR remedy, fails, columns IN
            SELECT format(E'ALTER TABLE %I DROP CONSTRAINT %I;\nmigrate, and then again, in words '
                'that fit the new type:\nALTER TABLE %1$I ADD CONSTRAINT %2$I %s;',
                          wanted.relation, c.conname, pg_get_constraintdef(c.oid)),
                   format('check %s of %s', c.conname, wanted.relation),
                   -- Of one that is not valid, PostgreSQL does not ask the rows that are there.
                   pg_get_expr(c.conbin, c.conrelid)
                       || CASE WHEN c.convalidated THEN '' ELSE ' OR true' END
            FROM pg_constraint c
            WHERE c.conrelid = wanted.id AND c.contype = 'c' AND c.conkey && wanted.numbers
            ORDER BY c.conname
        LOOP
            BEGIN
                EXECUTE format('SELECT format(''%%s rows break it'', count(*)) FROM (SELECT %s '
                    'FROM %I) AS %2$I WHERE NOT (%s) HAVING count(*) > 0',
                    wanted.columns, wanted.relation, columns) INTO columns;
                CONTINUE WHEN columns IS NULL;
            EXCEPTION
                -- 15_types.sql and 10_relations.sql say so
                WHEN data_exception OR insufficient_privilege THEN CONTINUE;
                WHEN OTHERS THEN columns := SQLERRM;
            END;
            found := found || jsonb_build_object('what', fails || ' does not fit the new type',
                'rows', columns, 'remedy', remedy);
        END LOOP;

        -- Own indexes: expressions and conditions that cannot be asked of the new types, operator
        -- classes of the former one.
        FOR remedy, fails, columns IN
            SELECT CASE WHEN c.oid IS NULL
                   THEN format(E'DROP INDEX %s;\nmigrate, and then again, in words that fit the '
                       'new type:\n%s;', i.indexrelid::regclass, pg_get_indexdef(i.indexrelid))
                   ELSE format(E'ALTER TABLE %I DROP CONSTRAINT %I;\nmigrate, and then again, in '
                       'words that fit the new type:\nALTER TABLE %1$I ADD CONSTRAINT %2$I %s;',
                               wanted.relation, c.conname, pg_get_constraintdef(c.oid)) END,
                   format('index %s of %s', i.indexrelid::regclass, wanted.relation),
                   CASE
                       WHEN EXISTS (
                           SELECT FROM jsonb_to_recordset(retyped) AS r (id oid, number smallint,
                               type text, actual text)
                           WHERE r.id = wanted.id AND r.type = 'timestamptz'
                               AND r.actual NOT LIKE '%with time zone'
                             AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND EXISTS (
                               SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                                   AND d.objid = i.indexrelid
                                 AND d.refobjid = wanted.id AND d.refobjsubid = r.number))
                       THEN '!an expression of a time that gets a zone'
                       WHEN EXISTS (
                           SELECT FROM jsonb_to_recordset(retyped) AS r (id oid, number smallint,
                               type_id oid, rewrites boolean, base_id oid)
                           JOIN unnest(i.indkey::smallint[], i.indclass::oid[]) AS k (number,
                               class) ON k.number = r.number
                           JOIN pg_opclass o ON o.oid = k.class
                           WHERE r.id = wanted.id AND r.rewrites AND CASE WHEN o.opcdefault
                               THEN NOT EXISTS (
                                   SELECT FROM pg_opclass n WHERE n.opcmethod = o.opcmethod
                                       AND n.opcdefault
                                     AND n.opcintype = r.type_id)
                               ELSE o.opcintype <> r.type_id AND NOT EXISTS (
                                   SELECT FROM pg_cast WHERE castsource = r.type_id
                                       AND casttarget = o.opcintype AND castmethod = 'b') END)
                       THEN '!its operator class is for the former type'
                       ELSE concat_ws(', ', pg_get_expr(i.indexprs, i.indrelid),
                           pg_get_expr(i.indpred, i.indrelid)) END
            FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
                AND c.contype IN ('p', 'u', 'x')
            WHERE i.indrelid = wanted.id AND EXISTS (
                SELECT FROM jsonb_to_recordset(retyped) AS r (id oid, number smallint)
                WHERE r.id = wanted.id AND (r.number = ANY (i.indkey::smallint[]) OR EXISTS (
                    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                        AND d.objid = i.indexrelid
                      AND d.refobjid = wanted.id AND d.refobjsubid = r.number)))
            ORDER BY i.indexrelid::regclass::text
        LOOP
            CONTINUE WHEN columns = '';
            IF columns LIKE '!%' THEN
                columns := substr(columns, 2);
            ELSE
                BEGIN
                    EXECUTE format('SELECT %s FROM (SELECT %s FROM %I) AS %3$I LIMIT 0', columns,
                        wanted.columns, wanted.relation);
                    CONTINUE;
                EXCEPTION
                    WHEN insufficient_privilege THEN CONTINUE;
                    WHEN OTHERS THEN columns := SQLERRM;
                END;
            END IF;
            found := found || jsonb_build_object('what', fails || ' does not fit the new type',
                'rows', columns, 'remedy', remedy);
        END LOOP;
    END LOOP;

    -- Own statistics of expressions.
    FOR wanted IN
        SELECT s.stxname, s.stxrelid::regclass AS relation, pg_get_expr(s.stxexprs,
            s.stxrelid) AS expressions,
               pg_get_statisticsobjdef(s.oid) AS definition, r.columns
        FROM pg_statistic_ext s
        JOIN (
            SELECT r.id, (
                SELECT string_agg(format('NULL::%s AS %I', coalesce(of.type, format_type(a.atttypid,
                    a.atttypmod)), a.attname), ', ')
                FROM pg_attribute a LEFT JOIN jsonb_to_recordset(retyped) AS of (id oid, name text,
                    type text) ON of.id = r.id AND of.name = a.attname
                WHERE a.attrelid = r.id AND a.attnum > 0 AND NOT a.attisdropped) AS columns
            FROM jsonb_to_recordset(retyped) AS r (id oid) GROUP BY r.id
        ) AS r ON r.id = s.stxrelid
        WHERE s.stxexprs IS NOT NULL
        ORDER BY s.stxname
    LOOP
        BEGIN
            EXECUTE format('SELECT %s FROM (SELECT %s) AS of_new_types LIMIT 0', wanted.expressions,
                wanted.columns);
        EXCEPTION WHEN OTHERS THEN
            found := found || jsonb_build_object(
                'what', format('the statistics %s of %s do not fit the new type', wanted.stxname,
                    wanted.relation), 'rows', SQLERRM,
                'remedy', format(E'DROP STATISTICS %I;\nmigrate, and then again, in words that fit '
                    'the new type:\n%s;', wanted.stxname, wanted.definition));
        END;
    END LOOP;

    -- Foreign keys between a column of ours that changes its type and one of somebody's own, which
    -- does not.
    FOR wanted IN
        SELECT DISTINCT f.oid, f.conname, f.conrelid::regclass AS relation,
            pg_get_constraintdef(f.oid) AS definition, side.type,
               side.theirs::regclass AS their_relation, a.attname, format_type(a.atttypid,
                   a.atttypmod) AS actual
        FROM pg_constraint f
        CROSS JOIN LATERAL unnest(f.conkey, f.confkey) AS k (child, parent)
        JOIN LATERAL (
            SELECT f.confrelid AS theirs, k.parent AS number, r.type, r.type_id
            FROM jsonb_to_recordset(retyped) AS r (id oid, number smallint, type text, type_id oid,
                rewrites boolean)
            WHERE r.id = f.conrelid AND r.number = k.child AND r.rewrites
            UNION ALL
            SELECT f.conrelid, k.child, r.type, r.type_id
            FROM jsonb_to_recordset(retyped) AS r (id oid, number smallint, type text, type_id oid,
                rewrites boolean)
            WHERE r.id = f.confrelid AND r.number = k.parent AND r.rewrites
        ) AS side ON true
        JOIN pg_attribute a ON a.attrelid = side.theirs AND a.attnum = side.number
        JOIN pg_type mine ON mine.oid = side.type_id
        JOIN pg_type other ON other.oid = a.atttypid
        WHERE f.contype = 'f' AND f.conparentid = 0 AND mine.oid <> other.oid
          AND NOT (mine.typcategory = other.typcategory AND mine.typcategory IN ('S', 'N', 'D'))
          AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(ours) AS c (relation text, name text)
            WHERE to_regclass(format('%I.%I', current_schema(), c.relation)) = side.theirs
                AND c.name = a.attname)
    LOOP
        found := found || jsonb_build_object(
            'what', format('the foreign key %s of %s is between two types, once ours is %s',
                wanted.conname, wanted.relation, wanted.type),
            'rows', format('%s.%s %s', wanted.their_relation, wanted.attname, wanted.actual),
            'remedy', format(E'ALTER TABLE %s DROP CONSTRAINT %I;\nmigrate, and then again:\n'
                'ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %4$I::%5$s;\nALTER TABLE %1$s ADD '
                    'CONSTRAINT %2$I %6$s;',
                wanted.relation, wanted.conname, wanted.their_relation, wanted.attname, wanted.type,
                    wanted.definition));
    END LOOP;

    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT what, rows, remedy
FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb)
    AS a (what text, rows text, remedy text);

-- needs: columns.sql
-- needs: kept.sql
-- Columns of ours that a database that was there before has of another type, in which nothing is
-- lost; and its unique indexes where a primary key belongs. Each table is written anew at most
-- once. What would lose something is asked about by the preflight, and refused here. On a database
-- that has our types, nothing changes.
DO $$
DECLARE
    retyped CONSTANT jsonb := current_setting('stage1.retyped')::jsonb;
    kept jsonb := current_setting('stage1.kept')::jsonb;
    left_over jsonb;
    keys jsonb;
    wanted record;
    broken boolean;
    statement text;
BEGIN
    SELECT string_agg(format('%s.%s (%s)', relation, name, actual), ', ') AS columns INTO wanted
    FROM jsonb_to_recordset(retyped) AS r (relation text, name text, actual text, convert text,
        zone boolean)
    WHERE convert IS NULL OR zone;
    IF wanted.columns IS NOT NULL THEN
        RAISE 'another type is needed: %', wanted.columns
            USING HINT = '`stage1-lineage migrate --dry-run` tells of each what to do.';
    END IF;

    -- Once more than the preflight, since rows may have come, and PostgreSQL would round without a
    -- word.
    FOR wanted IN
        SELECT relation, string_agg(format(misfit, quote_ident(name)), ' OR ') AS condition
        FROM jsonb_to_recordset(retyped) AS r (relation text, name text, misfit text)
        WHERE misfit IS NOT NULL GROUP BY relation ORDER BY min(array_position(ARRAY[
            'simulation_trades', 'simulation_trade_buckets', 'simulation_runs', 'walkforward_folds',
                'walkforward_runs'], relation))
    LOOP
        EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', wanted.relation);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %s)', wanted.relation, wanted.condition)
            INTO broken;
        IF broken THEN
            RAISE 'values of % do not fit the types of this schema', wanted.relation
                USING HINT = '`stage1-lineage migrate --dry-run` tells which and what to do.';
        END IF;
    END LOOP;

    -- A view holds on to the types of its columns. Ours go for a moment, and routines that hold on
    -- to them.
    SELECT coalesce(jsonb_agg(k), '[]') INTO kept
    FROM jsonb_array_elements(kept) AS k
    WHERE retyped <> '[]' AND (k ->> 'kind' = 'TABLE' OR EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = (k ->> 'id')::oid AND d.deptype = 'n'
          AND (d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT (v ->> 'id')::oid
              FROM jsonb_array_elements(kept) AS v)
            OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
                SELECT c.reltype FROM jsonb_array_elements(kept) AS v
                    JOIN pg_class c ON c.oid = (v ->> 'id')::oid)
            OR d.refclassid = 'pg_class'::regclass AND (d.refobjid, d.refobjsubid) IN (
                SELECT r.id, r.number FROM jsonb_to_recordset(retyped) AS r (id oid,
                    number integer)))));
    FOR wanted IN SELECT k ->> 'object' AS object FROM jsonb_array_elements(kept) AS k
        WHERE k ->> 'kind' = 'ROUTINE' LOOP
        EXECUTE format('DROP ROUTINE %s', wanted.object);
    END LOOP;
    SELECT string_agg(k ->> 'object', ', ') AS objects INTO wanted
        FROM jsonb_array_elements(kept) AS k WHERE k ->> 'kind' = 'TABLE';
    IF wanted.objects IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || wanted.objects;
    END IF;

    -- Keys between ids that become uuids: PostgreSQL would look at the one side before the other
    -- has its type. Added again NOT VALID, which locks briefly; 0005 and 0008a check the rows.
    SELECT jsonb_agg(jsonb_build_object('relation', c.conrelid::regclass::text, 'name', c.conname,
        'definition', regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')))
    INTO keys
    FROM pg_constraint c
    WHERE c.contype = 'f' AND EXISTS (
        SELECT FROM jsonb_to_recordset(retyped) AS r (id oid, number smallint, type text,
            rewrites boolean)
        WHERE r.type = 'uuid' AND r.rewrites
          AND (c.conrelid = r.id AND r.number = ANY (c.conkey) OR c.confrelid = r.id
              AND r.number = ANY (c.confkey)));
    FOR wanted IN SELECT * FROM jsonb_to_recordset(keys) AS k (relation text, name text) LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', wanted.relation, wanted.name);
    END LOOP;
    FOR wanted IN
        SELECT r.relation, string_agg(r.change, ', ' ORDER BY r.place) AS changes
        FROM jsonb_to_recordset(retyped) AS r (relation text, change text, place integer)
        GROUP BY r.relation ORDER BY min(r.place)
    LOOP
        EXECUTE format('ALTER TABLE %I %s', wanted.relation, wanted.changes);
    END LOOP;
    FOR wanted IN SELECT * FROM jsonb_to_recordset(keys) AS k (relation text, name text,
        definition text) LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', wanted.relation, wanted.name,
            wanted.definition,
            CASE WHEN wanted.definition LIKE '% NOT ENFORCED' THEN '' ELSE ' NOT VALID' END);
    END LOOP;

    -- As they were, for readers between the steps, each when what it reads is there. ../views
    -- builds them anew.
    LOOP
        left_over := '[]';
        FOR wanted IN SELECT k AS it FROM jsonb_array_elements(kept) AS k LOOP
            BEGIN
                EXECUTE wanted.it ->> 'definition';
                FOR statement IN SELECT format(s, wanted.it ->> 'object')
                    FROM jsonb_array_elements_text(wanted.it -> 'rights') AS s LOOP
                    EXECUTE statement;
                END LOOP;
            EXCEPTION
                WHEN lock_not_available OR deadlock_detected THEN RAISE;  -- to be tried again
                WHEN OTHERS THEN left_over := left_over || wanted.it;
            END;
        END LOOP;
        EXIT WHEN jsonb_array_length(left_over) IN (0, jsonb_array_length(kept));
        kept := left_over;
    END LOOP;
    FOR wanted IN
        SELECT k ->> 'object' AS object, string_agg(format(s, k ->> 'object'), '; ') AS rights
        FROM jsonb_array_elements(left_over) AS k, jsonb_array_elements_text(k -> 'rights') AS s
            GROUP BY 1
    LOOP
        RAISE WARNING 'the former % does not fit the new types, and was dropped with the rights on '
            'it: %', wanted.object, wanted.rights;
    END LOOP;

    -- Where a unique index says it, and no row is without a value, the key is the primary key. A
    -- constraint that something relies on stays beside it.
    FOR wanted IN
        SELECT * FROM jsonb_to_recordset(current_setting('stage1.keys')::jsonb) AS k (
            relation text, columns text, proof text, proof_constraint text, as_it_is boolean,
            relied_on boolean)
        WHERE proof IS NOT NULL
    LOOP
        EXECUTE format('ALTER TABLE %I %s%s', wanted.relation,
            CASE WHEN wanted.proof_constraint IS NOT NULL AND NOT wanted.relied_on
                 THEN format('DROP CONSTRAINT %I, ', wanted.proof_constraint) ELSE '' END,
            CASE WHEN wanted.as_it_is THEN format('ADD PRIMARY KEY USING INDEX %I', wanted.proof)
                 ELSE format('ADD PRIMARY KEY (%s)', wanted.columns) END);
    END LOOP;
END
$$;

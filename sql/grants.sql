-- The application's role: it reads, adds and changes rows and calls the functions; it does not delete, truncate, alter or drop.
-- What it wrote to the audit it cannot change either.
-- Made where whoever applies this may make roles. What may not be done here is left, and said with the statements for
-- somebody who may. By hand, as the owner of the tables: psql "$DATABASE_URL" -f sql/grants.sql
-- In a transaction that is READ ONLY nothing is granted: the setting stage1.rights_due says how
-- much would be.

-- What somebody has given on views and routines that were built anew, to their successors.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT format(s.statement, k.it ->> 'successor') AS statement
        FROM jsonb_array_elements(coalesce(nullif(current_setting('stage1.kept', true), ''),
            '[]')::jsonb) WITH ORDINALITY AS k (it, place),
             jsonb_array_elements_text(k.it -> 'rights') WITH ORDINALITY AS s (statement, place)
        WHERE NOT current_setting('transaction_read_only')::boolean
        ORDER BY k.place, s.place
    LOOP
        BEGIN
            EXECUTE given.statement;
        EXCEPTION WHEN undefined_column THEN
            RAISE WARNING 'not given again, since the column is gone: %', given.statement;
        END;
    END LOOP;
    PERFORM set_config('stage1.kept', '[]', false);
END
$$;

DO $$
DECLARE
    -- Named one by one, since a table of somebody's own may be called stage1_... too. One that is not there is left out.
    written CONSTANT name[] := ARRAY[
        'stage1_datasets', 'stage1_dataset_aliases', 'stage1_placeholders', 'stage1_legacy_exports', 'datasets', 'indicator_datasets', 'walkforward_runs',
        'walkforward_folds', 'simulation_runs', 'simulation_trades', 'simulation_trade_buckets', 'stage1_replays', 'stage1_replay_rejections'];
    added_to CONSTANT name[] := ARRAY['stage1_audit'];
    read_only CONSTANT name[] := ARRAY['stage1_schema_ledger', 'dataset_catalog', 'dataset_hierarchy'];
    create_role CONSTANT text := 'CREATE ROLE stage1_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE';
    schema CONSTANT oid := (SELECT oid FROM pg_namespace WHERE nspname = current_schema());
    grantee name := 'public';
    wanted record;
    left_to_do text[] := '{}';
    beyond text;
    only_asked CONSTANT boolean := current_setting('transaction_read_only')::boolean;
    rights_due integer := 0;
BEGIN
    IF only_asked THEN
        SELECT count(*) INTO rights_due FROM pg_roles
        WHERE rolname = current_user AND (rolsuper OR rolcreaterole)
            AND to_regrole('stage1_app') IS NULL;
    ELSIF to_regrole('stage1_app') IS NULL THEN
        BEGIN
            EXECUTE create_role;
        EXCEPTION
            WHEN lock_not_available OR deadlock_detected THEN RAISE;  -- to be tried again
            -- Not the right to, or a rule of the server's such as that there be a password. Or another database of this
            -- server was migrated at the same moment, and the role is there now.
            WHEN OTHERS THEN NULL;
        END;
    END IF;
    IF to_regrole('stage1_app') IS NULL THEN
        left_to_do := ARRAY[create_role];
    ELSE
        grantee := 'stage1_app';
    END IF;

    -- A former version let the role set every column of the audit.
    FOR wanted IN
        SELECT format('%I.%I', current_schema(), c.relname) AS relation
        FROM pg_class c, aclexplode(c.relacl) AS a
        WHERE c.relnamespace = schema AND c.relname = ANY (added_to) AND a.grantee = to_regrole('stage1_app')
          AND a.privilege_type = 'INSERT' AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        rights_due := rights_due + 1;
        IF NOT only_asked THEN
            EXECUTE format('REVOKE INSERT ON %s FROM stage1_app', wanted.relation);
        END IF;
    END LOOP;

    FOR wanted IN
        SELECT format('CONNECT ON DATABASE %I', datname) AS rights, datdba AS owner, false AS held
        FROM pg_database WHERE datname = current_database() AND NOT has_database_privilege(grantee, oid, 'CONNECT')
        UNION ALL
        SELECT format('USAGE ON SCHEMA %I', nspname), nspowner, has_schema_privilege(grantee, oid, 'USAGE')
        FROM pg_namespace WHERE oid = schema
        UNION ALL
        SELECT format('%s ON %I.%I', g.rights, current_schema(), c.relname), c.relowner,
               (SELECT bool_and(has_table_privilege(grantee, c.oid, one)) FROM string_to_table(g.rights, ', ') AS one)
        FROM (VALUES ('SELECT, INSERT, UPDATE', written), ('SELECT', added_to || read_only)) AS g (rights, names)
        JOIN pg_class c ON c.relnamespace = schema AND c.relname = ANY (g.names)
        UNION ALL
        -- The number and the time of a row of the audit are the database's to set.
        SELECT format('INSERT (token, operation, ids, request_id) ON %I.%I', current_schema(), c.relname), c.relowner,
               (SELECT bool_and(has_column_privilege(grantee, c.oid, one, 'INSERT'))
                FROM unnest(ARRAY['token', 'operation', 'ids', 'request_id']) AS one)
        FROM pg_class c WHERE c.relnamespace = schema AND c.relname = ANY (added_to)
        UNION ALL
        -- Rows get their numbers without it; pg_dump reads how far a sequence is.
        SELECT format('SELECT ON SEQUENCE %I.%I', current_schema(), s.relname), s.relowner,
               has_sequence_privilege(grantee, s.oid, 'SELECT')
        FROM pg_class c
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'i'
        JOIN pg_class s ON d.classid = 'pg_class'::regclass AND s.oid = d.objid AND s.relkind = 'S'
        WHERE c.relnamespace = schema AND c.relname = ANY (written || added_to)
        UNION ALL
        SELECT format('EXECUTE ON FUNCTION %I.%I(%s)', current_schema(), proname, pg_get_function_identity_arguments(oid)),
               proowner, has_function_privilege(grantee, oid, 'EXECUTE')
        FROM pg_proc
        WHERE pronamespace = schema
          AND proname ~ '^(stage1_|fn_list_(datasets|runs|simulations)$|(upsert|patch)_stage1_dataset$)'
    LOOP
        IF grantee = 'stage1_app' AND pg_has_role(wanted.owner, 'USAGE') THEN
            CONTINUE WHEN only_asked AND wanted.held;
            rights_due := rights_due + 1;
            CONTINUE WHEN only_asked;
            EXECUTE format('GRANT %s TO stage1_app', wanted.rights);
        ELSIF NOT wanted.held THEN
            left_to_do := left_to_do || format('GRANT %s TO stage1_app', wanted.rights);
        END IF;
    END LOOP;
    PERFORM set_config('stage1.rights_due', rights_due::text, false);
    IF only_asked THEN
        RETURN;
    END IF;
    IF left_to_do <> '{}' THEN
        RAISE WARNING E'the role stage1_app lacks what % may not give it. An administrator may, on this database:\n  %;',
            current_user, array_to_string(left_to_do, E';\n  ');
    END IF;

    -- A role that was there before may have rights that somebody relies on: they are not taken away, but they are said.
    SELECT string_agg(relname, ', ' ORDER BY relname) INTO beyond
    FROM pg_class
    WHERE relnamespace = schema AND relname = ANY (written || added_to || read_only) AND relkind = 'r' AND grantee = 'stage1_app'
      AND has_table_privilege(grantee, oid, 'DELETE, TRUNCATE');
    IF beyond IS NOT NULL THEN
        RAISE WARNING 'the role stage1_app may also delete from %: as their owner, as a superuser or by a grant', beyond;
    END IF;
    SELECT string_agg(relname, ', ' ORDER BY relname) INTO beyond
    FROM pg_class
    WHERE relnamespace = schema AND relname = ANY (added_to) AND relkind = 'r' AND grantee = 'stage1_app'
      AND has_any_column_privilege(grantee, oid, 'UPDATE');
    IF beyond IS NOT NULL THEN
        RAISE WARNING 'the role stage1_app may also change rows of %: as the owner, as a superuser or by a grant', beyond;
    END IF;
END
$$;

-- Triggers run with the rights of who writes: a role that could write one of these tables before, or columns of it, goes on
-- doing so. Roles that are given a table later need the rights below too, or `migrate` once more.
DO $$
DECLARE
    here CONSTANT text := quote_ident(current_schema());
    needed record;
BEGIN
    FOR needed IN
        WITH writer AS (
            SELECT DISTINCT w.relname, CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS name,
                   CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
            FROM pg_class w
            CROSS JOIN LATERAL (
                SELECT e.* FROM aclexplode(w.relacl) AS e
                UNION ALL
                SELECT e.* FROM pg_attribute c, aclexplode(c.attacl) AS e WHERE c.attrelid = w.oid AND NOT c.attisdropped
            ) AS a
            WHERE w.relnamespace = to_regnamespace(here) AND w.relkind = 'r' AND w.relname IN (
                'walkforward_runs', 'walkforward_folds', 'simulation_runs', 'simulation_trades', 'simulation_trade_buckets',
                'indicator_datasets', 'datasets')
              AND a.privilege_type IN ('INSERT', 'UPDATE') AND a.grantee <> w.relowner
        )
        SELECT DISTINCT format('%s ON %s.%I', g.privileges, here, c.relname) AS rights, writer.grantee
        FROM (VALUES
            ('walkforward_runs', 'SELECT', 'walkforward_runs stage1_dataset_aliases stage1_placeholders stage1_datasets'),
            ('simulation_runs', 'SELECT', 'simulation_runs stage1_dataset_aliases stage1_placeholders stage1_datasets'),
            ('indicator_datasets', 'SELECT', 'indicator_datasets stage1_placeholders'),
            ('indicator_datasets', 'SELECT, INSERT, UPDATE', 'stage1_datasets'),
            ('indicator_datasets', 'SELECT, INSERT', 'stage1_dataset_aliases stage1_legacy_exports'),
            ('datasets', 'SELECT', 'indicator_datasets datasets stage1_placeholders'),
            ('datasets', 'SELECT, INSERT, UPDATE', 'stage1_datasets'),
            ('datasets', 'SELECT, INSERT', 'stage1_dataset_aliases stage1_legacy_exports'),
            -- Who writes the row that describes a placeholder fills it.
            ('walkforward_runs', 'UPDATE (filled_at)', 'stage1_placeholders'),
            ('simulation_runs', 'UPDATE (filled_at)', 'stage1_placeholders'),
            ('indicator_datasets', 'UPDATE (filled_at)', 'stage1_placeholders'),
            ('datasets', 'UPDATE (filled_at)', 'stage1_placeholders')
        ) AS g (written, privileges, relations)
        JOIN writer ON writer.relname = g.written
        CROSS JOIN string_to_table(g.relations, ' ') AS t (relation)
        JOIN pg_class c ON c.oid = to_regclass(format('%s.%I', here, t.relation))
        WHERE pg_has_role(c.relowner, 'USAGE') AND NOT (
            SELECT bool_and(CASE WHEN one = 'UPDATE (filled_at)' THEN has_column_privilege(writer.name, c.oid, 'filled_at', 'UPDATE')
                                 ELSE has_table_privilege(writer.name, c.oid, one) END)
            FROM string_to_table(g.privileges, ', ') AS one)
        UNION
        -- What the triggers call, where it is not everybody's to call.
        SELECT format('EXECUTE ON FUNCTION %s.%I(%s)', here, p.proname, pg_get_function_identity_arguments(p.oid)), writer.grantee
        FROM pg_proc p CROSS JOIN writer
        WHERE p.pronamespace = to_regnamespace(here) AND p.proname ~ '^stage1_' AND p.prorettype <> 'trigger'::regtype
          AND pg_has_role(p.proowner, 'USAGE') AND NOT has_function_privilege(writer.name, p.oid, 'EXECUTE')
    LOOP
        IF current_setting('transaction_read_only')::boolean THEN
            PERFORM set_config('stage1.rights_due', (current_setting('stage1.rights_due')::integer + 1)::text, false);
        ELSE
            EXECUTE format('GRANT %s TO %s', needed.rights, needed.grantee);
        END IF;
    END LOOP;
END
$$;

-- PostgreSQL prefers what fits the arguments better: who may create in the schema may put a function or an operator beside
-- ours that others then run. Our triggers leave no room for that; statements of others, and the server's, do.
DO $$
BEGIN
    IF has_schema_privilege('public', current_schema(), 'CREATE') AND NOT current_setting('transaction_read_only')::boolean THEN
        RAISE WARNING 'whoever can connect may create functions in schema %, which statements of others may run with the rights of those. To end that, unless somebody relies on it: REVOKE CREATE ON SCHEMA % FROM PUBLIC',
            current_schema(), quote_ident(current_schema());
    END IF;
END
$$;

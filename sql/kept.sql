-- The views and routines that are taken away to be built anew, with what must outlast that: their
-- text, and the rights that somebody has given on them. Makes nothing: the answer is the setting
-- stage1.kept of the session, for the files that need this one. A routine of somebody's own that
-- has a name of ours is in the way only where a call that means ours could mean it.
DO $$
DECLARE
    here CONSTANT oid := (SELECT oid FROM pg_namespace WHERE nspname = current_schema());
BEGIN
    PERFORM set_config('stage1.kept', (
        WITH ours AS (
            -- `arguments`: as long as a routine has these, an index may rely on it, and it stays.
            SELECT o.*, (
                SELECT array_agg(type::regtype::oid ORDER BY place)
                    FROM string_to_table(o.types, ', ') WITH ORDINALITY AS a (type, place)
            ) AS ids
            FROM (VALUES
                ('fn_list_datasets', 'integer, integer', 0, NULL),
                ('fn_list_runs', 'uuid, integer, integer', 0, NULL),
                ('fn_list_simulations', 'uuid, integer, integer', 0, NULL),
                ('upsert_stage1_dataset', 'uuid, text, text, text, text, text, text, bigint, '
                    'bigint, timestamptz, timestamptz, '
                    'timestamptz, timestamptz, jsonb', 14, NULL),
                ('patch_stage1_dataset', 'jsonb', 1, NULL),
                ('stage1_json_object', 'jsonb', 1, 'p_json jsonb'),
                ('stage1_run_status', 'text', 1, 'p_status text'),
                ('stage1_simulation_mode', 'text', 1, 'p_mode text'),
                ('stage1_trade_side', 'text', 1, 'p_side text')
            ) AS o (name, types, least, arguments)
        ), kept AS (
            SELECT 'TABLE' AS kind, c.oid AS id, c.relname AS name, format('%I.%I',
                current_schema(), c.relname) AS object,
                   format('%I.%I', current_schema(), c.relname) AS successor, false AS other_form,
                       c.relowner AS owner, c.relacl AS rights,
                   format('CREATE VIEW %I%s AS %s', c.relname,
                       ' WITH (' || array_to_string(c.reloptions, ', ') || ')',
                          pg_get_viewdef(c.oid)) AS definition
            FROM pg_class c
            WHERE c.relnamespace = here AND c.relkind = 'v' AND c.relname IN ('dataset_catalog',
                'dataset_hierarchy')
            UNION ALL
            SELECT 'ROUTINE', p.oid, p.proname, format('%I.%I(%s)', current_schema(), p.proname,
                oidvectortypes(p.proargtypes)),
                   format('%I.%I(%s)', current_schema(), p.proname, ours.types),
                       array_to_string(p.proargtypes::oid[], ' ') <> array_to_string(ours.ids, ' '),
                       p.proowner, p.proacl,
                   CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_get_functiondef(p.oid) END
            FROM pg_proc p JOIN ours ON ours.name = p.proname
            WHERE p.pronamespace = here AND (ours.arguments IS NULL
                OR pg_get_function_arguments(p.oid) <> ours.arguments)
              -- The fewest arguments that both can be called with ...
              AND greatest(ours.least, p.pronargs - p.pronargdefaults)
                  <= least(cardinality(ours.ids), CASE WHEN p.provariadic = 0 THEN p.pronargs
                      ELSE 100 END)
              -- ... and no type among these that tells them apart.
              AND NOT EXISTS (
                SELECT FROM generate_series(1, least(greatest(ours.least,
                    p.pronargs - p.pronargdefaults), p.pronargs)) AS place
                JOIN pg_type mine ON mine.oid = ours.ids[place]
                JOIN pg_type theirs ON theirs.oid = p.proargtypes[place - 1]
                WHERE mine.oid <> theirs.oid AND theirs.typtype <> 'p'
                  AND (mine.typcategory <> theirs.typcategory OR mine.typcategory = 'U'))
        )
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'kind', k.kind, 'id', k.id, 'name', k.name, 'object', k.object, 'successor',
                k.successor, 'other_form', k.other_form,
            'definition', k.definition, 'rights', coalesce(given.statements, '[]'))
            ORDER BY k.other_form DESC, k.object), '[]')::text
        FROM kept k
        -- Statements with %s for the object. Of what PUBLIC and the default privileges bring to a
        -- new one, what was taken away goes.
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(statement ORDER BY place, statement) AS statements
            FROM (
                SELECT 1 AS place, format('REVOKE %s ON %s %%s FROM %s', privilege, k.kind,
                                          CASE grantee WHEN 0 THEN 'PUBLIC'
                                              ELSE grantee::regrole::text END) AS statement
                FROM (
                    SELECT 0::oid AS grantee, 'EXECUTE' AS privilege WHERE k.kind = 'ROUTINE'
                    UNION
                    SELECT e.grantee, e.privilege_type
                        FROM pg_default_acl d, aclexplode(d.defaclacl) AS e
                    WHERE d.defaclnamespace IN (0, here) AND e.grantee <> d.defaclrole
                      AND d.defaclobjtype = CASE k.kind WHEN 'TABLE' THEN 'r' ELSE 'f' END
                ) AS by_default
                WHERE k.rights IS NOT NULL
                  AND (grantee, privilege) NOT IN (SELECT e.grantee, e.privilege_type
                      FROM aclexplode(k.rights) AS e)
                UNION ALL
                SELECT 2, format('GRANT %s ON %s %%s TO %s%s', e.privilege_type, k.kind,
                                 CASE e.grantee WHEN 0 THEN 'PUBLIC'
                                     ELSE e.grantee::regrole::text END,
                                 CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                FROM aclexplode(k.rights) AS e WHERE e.grantee <> k.owner
                UNION ALL
                SELECT 2, format('GRANT %s (%I) ON TABLE %%s TO %s%s', e.privilege_type, a.attname,
                                 CASE e.grantee WHEN 0 THEN 'PUBLIC'
                                     ELSE e.grantee::regrole::text END,
                                 CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                FROM pg_attribute a, aclexplode(a.attacl) AS e
                WHERE k.kind = 'TABLE' AND a.attrelid = k.id AND e.grantee <> k.owner
            ) AS s
        ) AS given
    ), false);
END
$$;

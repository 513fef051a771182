-- 0005 validates every foreign key of three tables that is not valid yet, somebody's own too, and would fail on its rows. Reads
-- only; works on any database.
SELECT format('the foreign key %s of %s is not validated', k.conname, k.conrelid::regclass) AS what,
       pg_get_constraintdef(k.oid) AS rows,
       format(E'the migration would validate it; do so first, or drop it and add it again afterwards:\nALTER TABLE %s VALIDATE CONSTRAINT %I;',
              k.conrelid::regclass, k.conname) AS remedy
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))
JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND NOT k.convalidated
  -- One that is not enforced (PostgreSQL 18) is left as it is.
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  AND c.relname IN ('indicator_datasets', 'walkforward_runs', 'simulation_runs')
  AND f.relname NOT IN ('indicator_datasets', 'stage1_datasets', 'walkforward_runs', 'simulation_runs')
  -- Where 0009 was applied, 0005 was long before.
  AND to_regclass(format('%I.stage1_replays', current_schema())) IS NULL
ORDER BY 1;

-- Triggers and functions of somebody's own that have the name of one that tells of changes: it would take their place. Reads
-- only; works on any database.
SELECT format('the name %s is a trigger''s that tells of changes', t.tgname) AS what, pg_get_triggerdef(t.oid) AS rows,
       format('ALTER TRIGGER %I ON %s RENAME TO %I;', t.tgname, c.oid::regclass, t.tgname || '_former') AS remedy
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema()))
  AND c.relname IN ('stage1_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs', 'simulation_trades',
                    'simulation_trade_buckets')
  AND t.tgname IN ('stage1_notify_change', 'stage1_notify_replicated')
  AND (p.proname, p.pronamespace) IS DISTINCT FROM ('stage1_notify_change', c.relnamespace)
UNION ALL
SELECT format('the name %s is a function''s that tells of changes', p.proname), format('%s returning %s', p.oid::regprocedure, pg_get_function_result(p.oid)),
       format('ALTER ROUTINE %s RENAME TO %I;', p.oid::regprocedure, p.proname || '_former')
FROM pg_proc p
WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema())) AND p.pronargs = 0
  AND p.proname IN ('stage1_notify_change', 'stage1_unnoticed_changes')
  AND p.prosrc !~ 'stage1_(changes|notify_change)'
ORDER BY 1, 2;

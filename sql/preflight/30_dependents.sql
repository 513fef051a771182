-- What depends on a view or a function that is built anew, or on a column that changes its type, and is not ours: it would
-- have to go, and is somebody's. Reads only; works on any database.
WITH own_relation AS (
    SELECT c.oid, c.reltype FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'v'
      AND c.relname IN ('dataset_catalog', 'dataset_hierarchy')
), own_routine AS (
    SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema())) AND p.proname IN (
        'fn_list_datasets', 'fn_list_runs', 'fn_list_simulations', 'upsert_stage1_dataset', 'patch_stage1_dataset')
), retyped AS (
    SELECT a.attrelid, a.attnum FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r'
      AND c.relname IN ('indicator_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs',
                        'simulation_trades', 'simulation_trade_buckets', 'stage1_datasets')
      AND a.atttypid = 'varchar'::regtype AND a.attnum > 0 AND NOT a.attisdropped
), dependent AS (
    SELECT d.classid, d.objid, d.objsubid, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS needs
    FROM pg_depend d
    WHERE d.deptype IN ('n', 'a')
      AND (d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM own_relation)
        OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT reltype FROM own_relation)
        OR d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT oid FROM own_routine)
        OR d.refclassid = 'pg_class'::regclass AND (d.refobjid, d.refobjsubid) IN (SELECT attrelid, attnum FROM retyped)
           AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass))
), named AS (
    SELECT CASE WHEN r.oid IS NOT NULL THEN 'pg_class'::regclass ELSE d.classid END AS classid,
           coalesce(r.ev_class, d.objid) AS objid, CASE WHEN r.oid IS NULL THEN d.objsubid ELSE 0 END AS objsubid, d.needs
    FROM dependent d
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
)
SELECT format('%s depends on what is built anew', pg_describe_object(classid, objid, objsubid)) AS what,
       string_agg(DISTINCT needs, E'\n') AS rows,
       format(E'save its definition, drop it, migrate, and create it again%s',
              CASE WHEN classid = 'pg_class'::regclass
              THEN format(E':\npg_dump --schema-only --table=%s "$DATABASE_URL" > own.sql', quote_literal(objid::regclass::text)) END) AS remedy
FROM named
WHERE NOT (classid = 'pg_class'::regclass AND objid IN (SELECT oid FROM own_relation))
  AND NOT (classid = 'pg_proc'::regclass AND objid IN (SELECT oid FROM own_routine))
GROUP BY classid, objid, objsubid
ORDER BY 1;

-- A table of somebody's own that has the name of the audit: it would be taken for it. Reads only; works on any database.
SELECT 'the name stage1_audit is a table''s that tells who wrote' AS what,
       string_agg(format('column %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), E'\n' ORDER BY a.attnum) AS rows,
       'ALTER TABLE stage1_audit RENAME TO stage1_audit_former;' || coalesce((
           SELECT string_agg(format(E'\nALTER INDEX %I RENAME TO %I;', x.relname, left(x.relname,
               55) || '_former'), '' ORDER BY x.relname)
           FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid
               AND x.relname ~ '^(idx_)?stage1_audit_'), '') AS remedy
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = 'stage1_audit' AND c.relkind = 'r'
GROUP BY c.oid
HAVING count(*) FILTER (WHERE format('%s %s', a.attname, a.atttypid::regtype) IN (
    'audit_id bigint', 'written_at timestamp with time zone', 'token text', 'operation text', 'ids uuid[]', 'request_id text')) < 6;

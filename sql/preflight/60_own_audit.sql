-- Tables of somebody's own that have the name of one that is this product's alone: they would be taken for it. Reads only; works
-- on any database.
SELECT format('the name %s is a table''s that %s', o.name, o.tells) AS what,
       string_agg(format('column %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), E'\n' ORDER BY a.attnum) AS rows,
       format('ALTER TABLE %1$s RENAME TO %1$s_former;', o.name) || coalesce((
           SELECT string_agg(format(E'\nALTER INDEX %I RENAME TO %I;', x.relname, left(x.relname, 55) || '_former'), '' ORDER BY x.relname)
           FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
           WHERE i.indrelid = c.oid AND x.relname ~ format('^(idx_)?%s_', o.name)), '') AS remedy
FROM (VALUES
    ('stage1_audit', 'tells who wrote', ARRAY[
        'audit_id bigint', 'written_at timestamp with time zone', 'token text', 'operation text', 'ids uuid[]', 'request_id text']),
    ('stage1_replays', 'tells what was replayed', ARRAY[
        'replay_id bigint', 'token uuid', 'bytes bigint', 'sha256 text', 'lines bigint', 'statements bigint', 'reported_bytes bigint',
        'started_at timestamp with time zone', 'updated_at timestamp with time zone']),
    ('stage1_replay_rejections', 'tells what was not replayed', ARRAY[
        'replay_id bigint', 'first_byte bigint', 'end_byte bigint', 'line bigint', 'statements bigint', 'object text', 'reason text',
        'superseded_by_line bigint']),
    ('stage1_dataset_aliases', 'leads ids to datasets', ARRAY[
        'alias_id uuid', 'dataset_id uuid', 'created_at timestamp with time zone']),
    ('stage1_placeholders', 'tells which rows are placeholders', ARRAY[
        'object text', 'id uuid', 'created_at timestamp with time zone', 'filled_at timestamp with time zone']),
    ('stage1_legacy_exports', 'tells which exports were seen', ARRAY[
        'dataset_id uuid', 'content uuid', 'created_at timestamp with time zone'])
) AS o (name, tells, columns)
JOIN pg_class c ON c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = o.name AND c.relkind = 'r'
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY c.oid, o.name, o.tells, o.columns
HAVING count(*) FILTER (WHERE format('%s %s', a.attname, a.atttypid::regtype) = ANY (o.columns)) < cardinality(o.columns)
ORDER BY 1;

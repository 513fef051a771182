-- A table of somebody's own that is called datasets, as that of the desktop of generation 3 is. Reads only; works on any
-- database.
SELECT 'the desktop writes into a table datasets of other columns than this one' AS what,
       string_agg(format('column %s %s', a.attname, format_type(a.atttypid, a.atttypmod)), E'\n' ORDER BY a.attnum) AS rows,
       'ALTER TABLE datasets RENAME TO datasets_former;' AS remedy
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = 'datasets' AND c.relkind = 'r'
GROUP BY c.oid
HAVING count(*) FILTER (WHERE a.attname IN ('dataset_id', 'dataset_slug')) < 2;

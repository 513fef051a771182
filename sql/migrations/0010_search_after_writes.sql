-- What is written stands in a list before it is merged into this index. Each search reads the list as a whole, and the planner
-- counts on that: after a thousand upserts it would rather read the table. So the list stays at 64 kB, instead of 4 MB.
DO $$
DECLARE
    -- A limit of the operator's own stays; and the change would wait for all readers of the table.
    search_index CONSTANT regclass := (
        SELECT c.oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE i.indrelid = to_regclass('stage1_datasets') AND c.relname = 'idx_stage1_datasets_search' AND a.amname = 'gin'
          AND NOT EXISTS (SELECT FROM unnest(c.reloptions) AS o (set_to) WHERE set_to LIKE 'gin_pending_list_limit=%'));
BEGIN
    IF search_index IS NOT NULL THEN
        EXECUTE format('ALTER INDEX %s SET (gin_pending_list_limit = 64)', search_index);
        PERFORM gin_clean_pending_list(search_index);
    END IF;
END
$$;

-- Who keeps answers is told of every change: whoever writes, the channel stage1_changes says `schema.table` when the
-- transaction commits, once for each table.
CREATE OR REPLACE FUNCTION stage1_notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('stage1_changes', TG_TABLE_SCHEMA::text || '.' || TG_TABLE_NAME::text);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION stage1_notify_change() IS
    'Trigger: says the table''s name on the channel stage1_changes when the transaction commits.';

-- The triggers that are missing, or not as they must be: what they would notice may pass unnoticed. None: all is noticed.
-- A statement that changes no row is noticed too: to know that it did, PostgreSQL would keep a copy of every row changed.
-- Where changes are replicated (session_replication_role = replica), triggers are off but for those that are always on; and a
-- subscription's worker runs none for a statement, so that there, and only there, is one for each row.
CREATE OR REPLACE FUNCTION stage1_unnoticed_changes() RETURNS TABLE (
    on_table text, name text, events text, each text, enabled text)
LANGUAGE sql STABLE AS $$
    SELECT written.on_table, wanted.name, wanted.events, wanted.each, wanted.enabled
    FROM unnest(ARRAY['stage1_datasets', 'datasets', 'stage1_placeholders', 'walkforward_runs', 'walkforward_folds',
                      'simulation_runs', 'simulation_trades', 'simulation_trade_buckets']) AS written (on_table),
         (VALUES
            ('stage1_notify_change', 'INSERT OR UPDATE OR DELETE OR TRUNCATE', 'STATEMENT', 60, 'ALWAYS'),
            ('stage1_notify_replicated', 'INSERT OR UPDATE OR DELETE', 'ROW', 29, 'REPLICA')
         ) AS wanted (name, events, each, type, enabled)
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger t
        WHERE t.tgrelid = to_regclass(written.on_table) AND t.tgname = wanted.name AND t.tgtype = wanted.type
          AND t.tgfoid = to_regprocedure('stage1_notify_change()') AND t.tgattr = '' AND t.tgqual IS NULL
          AND t.tgenabled::text = left(wanted.enabled, 1))
$$;

COMMENT ON FUNCTION stage1_unnoticed_changes() IS
    'Triggers for notices of change that are missing, or not as they must be; none: all is noticed.';

-- Looked up first, since making one locks its table for writers.
DO $$
DECLARE
    missing record;
BEGIN
    FOR missing IN SELECT * FROM stage1_unnoticed_changes() LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %I FOR EACH %s EXECUTE FUNCTION stage1_notify_change()',
            missing.name, missing.events, missing.on_table, missing.each);
        EXECUTE format('ALTER TABLE %I ENABLE %s TRIGGER %I', missing.on_table, missing.enabled, missing.name);
    END LOOP;
    -- The views and functions that answers are read through are new.
    PERFORM pg_notify('stage1_changes', current_schema() || '.*');
END
$$;

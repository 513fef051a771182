CREATE OR REPLACE FUNCTION stage1_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_touch_updated_at() IS
    'Trigger: sets updated_at to the time of the transaction.';

-- Looked up first, since making it locks the table for writers, and would enable one that somebody
-- has disabled.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'stage1_datasets'::regclass AND tgname = 'stage1_datasets_touch_updated_at'
            AND tgtype = 19
          AND tgfoid = to_regprocedure('stage1_touch_updated_at()') AND tgattr = ''
              AND tgqual IS NULL)
    THEN
        CREATE OR REPLACE TRIGGER stage1_datasets_touch_updated_at
            BEFORE UPDATE ON stage1_datasets
            FOR EACH ROW EXECUTE FUNCTION stage1_touch_updated_at();
    END IF;
END
$$;

-- The dashboard has a trigger that keeps updated_at, and the task list proposes one: where it does nothing else, ours have
-- taken its place, and its function goes with it unless something else uses it. One that is
-- disabled is left alone.
DO $$
DECLARE
    former record;
BEGIN
    FOR former IN
        SELECT t.tgname, t.tgrelid::regclass AS relation, p.oid::regprocedure AS function, pg_has_role(p.proowner, 'USAGE') AS ours
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
        WHERE t.tgrelid IN ('indicator_datasets'::regclass, 'stage1_datasets'::regclass)
          AND NOT t.tgisinternal AND p.proname NOT LIKE 'stage1\_%'
          AND t.tgenabled <> 'D' AND t.tgtype = 19  -- before each row's update
          AND l.lanname = 'plpgsql'
          AND regexp_replace(lower(regexp_replace(p.prosrc, '--[^\n]*', '', 'g')), '\s+', '', 'g')
              ~ '^beginnew\.updated_at:?=\(?(now\(\)|current_timestamp|clock_timestamp\(\)|transaction_timestamp\(\)|statement_timestamp\(\))\)?;returnnew;end;?$'
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', former.tgname, former.relation);
        IF former.ours AND NOT EXISTS (
            SELECT FROM pg_depend WHERE refclassid = 'pg_proc'::regclass AND refobjid = former.function AND deptype = 'n')
        THEN
            EXECUTE format('DROP FUNCTION %s', former.function);
        END IF;
    END LOOP;
END
$$;

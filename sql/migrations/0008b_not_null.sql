-- The checks of 0001b, proven by 0008a, become what they stand for: no row is read for it.
DO $$
DECLARE
    proven record;
BEGIN
    FOR proven IN
        SELECT conrelid::regclass AS relation, conname, substring(conname FROM '^stage1_not_null_(.*)$') AS column_name
        FROM pg_constraint
        WHERE contype = 'c' AND convalidated AND conname LIKE 'stage1\_not\_null\_%'
          AND conrelid IN (
            'indicator_datasets'::regclass, 'walkforward_runs'::regclass, 'walkforward_folds'::regclass,
            'simulation_runs'::regclass, 'simulation_trades'::regclass, 'simulation_trade_buckets'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', proven.relation, proven.column_name);
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', proven.relation, proven.conname);
    END LOOP;
END
$$;

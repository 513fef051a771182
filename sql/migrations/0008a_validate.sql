-- formerly: abc462f4bf8afa833c9788ad94c0a76d979609c40cf0642882c27dcfc3f54fbf
-- In a transaction of its own: validation reads every row, but holds no lock that a reader or a writer waits for.
DO $$
DECLARE
    added record;
BEGIN
    FOR added IN
        SELECT conrelid::regclass AS relation, conname, contype
        FROM pg_constraint
        WHERE contype IN ('c', 'f') AND NOT convalidated
          AND conrelid IN (
            'indicator_datasets'::regclass, 'walkforward_runs'::regclass, 'walkforward_folds'::regclass,
            'simulation_runs'::regclass, 'simulation_trades'::regclass, 'simulation_trade_buckets'::regclass)
          AND (conname LIKE 'stage1_not_null_%' OR conname IN (
            'indicator_datasets_row_count_check', 'simulation_trades_side_check', 'indicator_datasets_stage1_fk',
            'walkforward_runs_dataset_fk', 'walkforward_folds_run_id_fkey', 'simulation_runs_dataset_fk',
            'simulation_runs_run_id_fkey', 'simulation_trades_simulation_id_fkey', 'simulation_trade_buckets_simulation_id_fkey'))
        ORDER BY conname
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', added.relation, added.conname);
        EXCEPTION
            -- A row that was there before the check was added. Rows are not lost for a check.
            WHEN check_violation THEN
                RAISE WARNING '% goes without %: it has rows that break it', added.relation, added.conname;
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', added.relation, added.conname);
        END;
    END LOOP;
END
$$;

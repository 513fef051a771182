-- What dataset_hierarchy finds the simulations by that have no run, or whose run leads to no
-- dataset. Both indexes hold such rows alone, which are few, so writers hardly feel them; to build
-- them reads the tables, beside readers and writers.

-- What a build that was killed has left.
DO $$
DECLARE
    broken regclass;
BEGIN
    FOR broken IN
        SELECT i.indexrelid FROM pg_index i
        WHERE NOT i.indisvalid AND i.indexrelid IN (
            to_regclass('idx_simulation_runs_without_run'),
            to_regclass('idx_walkforward_runs_without_dataset'))
    LOOP
        EXECUTE format('DROP INDEX %s', broken);
    END LOOP;
END
$$;

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_simulation_runs_without_run
    ON simulation_runs (dataset_id) WHERE run_id IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_walkforward_runs_without_dataset
    ON walkforward_runs (run_id) WHERE dataset_id IS NULL;

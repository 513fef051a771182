-- needs: functions/14_json.sql
-- needs: functions/15_writers_of_runs.sql
-- The columns that the writers of generation 3 use, and the triggers that run for every writer of
-- runs, folds and simulations. Before 0001b and 0008b, which make prediction_measurement NOT NULL.
-- Children first: a client that writes locks a row's own table before the one that a key refers to.

CREATE OR REPLACE TRIGGER stage1_before_part
    BEFORE INSERT ON simulation_trades
    FOR EACH ROW WHEN (stage1_adds_placeholders()) EXECUTE FUNCTION stage1_before_part();
CREATE OR REPLACE TRIGGER stage1_before_part
    BEFORE INSERT ON simulation_trade_buckets
    FOR EACH ROW WHEN (stage1_adds_placeholders()) EXECUTE FUNCTION stage1_before_part();
CREATE OR REPLACE TRIGGER stage1_before_simulation
    BEFORE INSERT ON simulation_runs
    FOR EACH ROW EXECUTE FUNCTION stage1_before_simulation();

ALTER TABLE walkforward_folds
    ADD COLUMN IF NOT EXISTS train_start_ts_ms bigint,
    ADD COLUMN IF NOT EXISTS train_end_ts_ms bigint,
    ADD COLUMN IF NOT EXISTS test_start_ts_ms bigint,
    ADD COLUMN IF NOT EXISTS test_end_ts_ms bigint,
    ADD COLUMN IF NOT EXISTS best_iteration integer,
    ADD COLUMN IF NOT EXISTS best_score double precision;
ALTER TABLE walkforward_runs ADD COLUMN IF NOT EXISTS prediction_measurement text;

-- In generation 3 nearly all may be NULL.
DO $$
DECLARE
    loosen record;
BEGIN
    FOR loosen IN
        SELECT a.attrelid::regclass AS relation,
               string_agg(format('ALTER COLUMN %I DROP NOT NULL', a.attname), ', ') AS columns
        FROM pg_attribute a
        WHERE a.attnotnull AND (
            a.attrelid = 'walkforward_runs'::regclass
                AND a.attname IN ('target_column', 'feature_columns', 'hyperparameters',
                                  'walk_config', 'status')
            OR a.attrelid = 'walkforward_folds'::regclass
                AND a.attname IN ('train_start_idx', 'train_end_idx', 'test_start_idx',
                                  'test_end_idx', 'samples_train', 'samples_test', 'thresholds',
                                  'metrics'))
        GROUP BY a.attrelid
    LOOP
        EXECUTE format('ALTER TABLE %s %s', loosen.relation, loosen.columns);
    END LOOP;
END
$$;

CREATE OR REPLACE TRIGGER stage1_before_fold
    BEFORE INSERT OR UPDATE ON walkforward_folds
    FOR EACH ROW WHEN (NEW.best_iteration IS NULL OR NEW.best_score IS NULL)
    EXECUTE FUNCTION stage1_before_fold();
CREATE OR REPLACE TRIGGER stage1_before_part
    BEFORE INSERT ON walkforward_folds
    FOR EACH ROW WHEN (stage1_adds_placeholders()) EXECUTE FUNCTION stage1_before_part();
CREATE OR REPLACE TRIGGER stage1_before_run
    BEFORE INSERT OR UPDATE ON walkforward_runs
    FOR EACH ROW EXECUTE FUNCTION stage1_before_run();

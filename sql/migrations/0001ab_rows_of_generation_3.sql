-- Rows of generation 3 that were there before the triggers of 0001aa: each is written as it is, for a trigger to complete it.
-- In a transaction of its own, in which nobody waits for the locks of 0001aa.
UPDATE walkforward_runs SET prediction_measurement = NULL WHERE prediction_measurement IS NULL;
UPDATE walkforward_folds SET metrics = metrics
WHERE (best_iteration IS NULL OR best_score IS NULL) AND metrics ?| ARRAY['best_iteration', 'best_score'];

DO $$
BEGIN
    IF EXISTS (SELECT FROM walkforward_runs WHERE created_at IS NULL) THEN
        UPDATE walkforward_runs SET created_at = coalesce(completed_at, started_at, now()) WHERE created_at IS NULL;
    END IF;
END
$$;

-- severity: error
-- title: Runs that lost folds, or have too many
-- Folds were lost on the way, as when 312 arrived as 130: export the run again. Or an earlier export had more of them, and
-- stage1_app, which wrote the later one, may not delete: run `replay --again` with the later export as the tables' owner.
-- Folds are numbered without a gap, from 0, from 1, or from walk_config.start_fold. Where summary_metrics.folds says how
-- many there are, there are no more, and no fewer unless the run is on its way.
SELECT run_id, prediction_measurement, status, folds, expected_folds, first_fold, last_fold
FROM (
    SELECT r.run_id, r.prediction_measurement, r.status, f.folds, f.first_fold, f.last_fold,
           stage1_claimed_folds(r.summary_metrics) AS expected_folds,
           stage1_json_count(r.walk_config, 'start_fold') AS start_fold
    FROM (
        SELECT run_id, count(*) AS folds, min(fold_number) AS first_fold, max(fold_number) AS last_fold
        FROM walkforward_folds
        GROUP BY run_id
    ) AS f
    JOIN walkforward_runs r USING (run_id)
) AS compared
WHERE last_fold::bigint - first_fold + 1 <> folds
   OR first_fold NOT IN (0, 1) AND first_fold IS DISTINCT FROM start_fold
   OR folds > expected_folds
   OR folds < expected_folds AND stage1_run_status(status) NOT IN ('PENDING', 'QUEUED', 'RUNNING');

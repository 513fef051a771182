-- severity: error
-- title: Runs without any of their folds
-- summary_metrics.folds says that there are folds, and none is stored: all were lost on the way. Export the run again. Only
-- runs that are no longer on their way, completed or not.
SELECT run_id, prediction_measurement, status, expected_folds
FROM (
    SELECT r.run_id, r.prediction_measurement, r.status, stage1_claimed_folds(r.summary_metrics) AS expected_folds
    FROM walkforward_runs r
    WHERE NOT EXISTS (SELECT FROM walkforward_folds f WHERE f.run_id = r.run_id)
) AS foldless
WHERE expected_folds > 0 AND stage1_run_status(status) NOT IN ('PENDING', 'QUEUED', 'RUNNING');

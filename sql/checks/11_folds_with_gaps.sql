-- severity: error
-- title: Runs whose folds have gaps
-- Folds were lost on the way, as when 312 arrived as 130: export the run again. Folds are numbered without a gap, from 0 or
-- from 1. Where walk_config says how many there are, there are no more, and no fewer unless the run is on its way or broke off.
SELECT run_id, prediction_measurement, status, folds, expected_folds, first_fold, last_fold
FROM (
    SELECT r.run_id, r.prediction_measurement, r.status, f.folds, f.first_fold, f.last_fold,
           CASE WHEN config.folds ~ '^[0-9]{1,9}(\.0+)?$' THEN config.folds::numeric::bigint END AS expected_folds
    FROM (
        SELECT run_id, count(*) AS folds, min(fold_number) AS first_fold, max(fold_number) AS last_fold
        FROM walkforward_folds
        GROUP BY run_id
    ) AS f
    JOIN walkforward_runs r USING (run_id)
    CROSS JOIN LATERAL (SELECT stage1_json_object(r.walk_config) ->> 'folds' AS folds) AS config
) AS compared
WHERE last_fold::bigint - first_fold + 1 <> folds
   OR first_fold NOT IN (0, 1)
   OR folds > expected_folds
   OR folds < expected_folds
      AND stage1_run_status(status) NOT IN ('PENDING', 'QUEUED', 'RUNNING', 'FAILED', 'CANCELLED');

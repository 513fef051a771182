-- severity: warning
-- title: Completed runs without any of their folds
-- walk_config says that there are folds, and none is stored: the exporter sends none, or they were lost. Export again.
SELECT r.run_id, r.prediction_measurement, r.status, config.folds::numeric::bigint AS expected_folds
FROM walkforward_runs r
CROSS JOIN LATERAL (SELECT stage1_json_object(r.walk_config) ->> 'folds' AS folds) AS config
WHERE stage1_run_status(r.status) = 'COMPLETED'
  AND config.folds ~ '^0*[1-9][0-9]{0,8}(\.0+)?$'
  AND NOT EXISTS (SELECT FROM walkforward_folds f WHERE f.run_id = r.run_id);

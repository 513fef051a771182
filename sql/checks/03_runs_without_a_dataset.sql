-- severity: error
-- title: Runs without a dataset
-- No dataset leads to them. Find theirs, by the name of the table or by who asked for it, and set dataset_id.
SELECT r.run_id, r.dataset_id, r.prediction_measurement, r.requested_by, r.created_at
FROM walkforward_runs r
WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = r.dataset_id)
  AND NOT EXISTS (
    SELECT FROM stage1_placeholders p
    WHERE p.object = 'run' AND p.id = r.run_id AND p.filled_at IS NULL);

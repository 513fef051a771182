-- severity: warning
-- title: Simulations without a dataset
-- Their dataset does not count or list them. Set dataset_id to the run's own, where the run has one.
SELECT s.simulation_id, s.run_id, r.dataset_id AS dataset_id_of_run, s.input_run_measurement, s.created_at
FROM simulation_runs s
LEFT JOIN walkforward_runs r USING (run_id)
WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = s.dataset_id)
  AND NOT EXISTS (
    SELECT FROM stage1_placeholders p
    WHERE p.object = 'simulation' AND p.id = s.simulation_id AND p.filled_at IS NULL);

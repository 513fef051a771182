-- severity: warning
-- title: Placeholders for rows that never came
-- Something was written that belongs to them, and they were not. Replay the spool that has the row itself, or write the
-- dataset with upsert_stage1_dataset: the placeholder is filled then, and what hangs on it stays.
SELECT d.dataset_id AS id, 'stage1_datasets' AS "table", d.dataset_slug AS name,
       (SELECT count(*) FROM walkforward_runs r WHERE r.dataset_id = d.dataset_id) AS runs,
       (SELECT count(*) FROM simulation_runs s WHERE s.dataset_id = d.dataset_id) AS simulations, d.created_at
FROM stage1_datasets d WHERE d.is_placeholder
UNION ALL
SELECT r.run_id, 'walkforward_runs', r.prediction_measurement, NULL,
       (SELECT count(*) FROM simulation_runs s WHERE s.run_id = r.run_id), r.created_at
FROM walkforward_runs r WHERE r.is_placeholder
UNION ALL
SELECT s.simulation_id, 'simulation_runs', s.questdb_namespace, NULL, NULL, s.created_at
FROM simulation_runs s WHERE s.is_placeholder;

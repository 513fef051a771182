-- severity: warning
-- title: Placeholders for rows that were never written
-- Other rows belong to them. Replay the spool that has the row itself, or write the dataset with
-- upsert_stage1_dataset: that fills the placeholder, and the rows that belong to it stay.
SELECT p.id, p.object, coalesce(d.dataset_slug, r.prediction_measurement, s.questdb_namespace) AS name,
       (SELECT count(*) FROM walkforward_runs own WHERE p.object = 'dataset' AND own.dataset_id = p.id) AS runs,
       (SELECT count(*) FROM simulation_runs own
        WHERE p.object = 'dataset' AND own.dataset_id = p.id OR p.object = 'run' AND own.run_id = p.id) AS simulations,
       p.created_at
FROM stage1_placeholders p
LEFT JOIN stage1_datasets d ON p.object = 'dataset' AND d.dataset_id = p.id
LEFT JOIN walkforward_runs r ON p.object = 'run' AND r.run_id = p.id
LEFT JOIN simulation_runs s ON p.object = 'simulation' AND s.simulation_id = p.id
WHERE p.filled_at IS NULL AND coalesce(d.dataset_id, r.run_id, s.simulation_id) IS NOT NULL;

-- severity: error
-- title: Simulations of another dataset than their run's
-- One of the two is wrong: input_run_measurement names the table that was traded on. Correct run_id or dataset_id.
SELECT s.simulation_id, s.run_id, s.dataset_id, r.dataset_id AS dataset_id_of_run, s.input_run_measurement,
       r.prediction_measurement
FROM simulation_runs s
JOIN walkforward_runs r USING (run_id)
WHERE s.dataset_id <> r.dataset_id;

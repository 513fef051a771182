-- Rows of generation 3 that were stored before the triggers of 0001aa. In a transaction of its own,
-- so that nobody waits for the locks of 0001aa meanwhile.

-- The oldest run of a dataset with a name in walk_config gets the name, as the trigger would give
-- it. In one statement, since no index finds the other runs with a name yet: the trigger would read
-- the whole table for each row.
UPDATE walkforward_runs r SET prediction_measurement = named.configured
FROM (
    SELECT run_id, dataset_id, configured, prediction_measurement, row_number() OVER (
        PARTITION BY dataset_id, coalesce(prediction_measurement, configured)
        ORDER BY prediction_measurement IS NULL, created_at, run_id) AS place
    FROM walkforward_runs,
         nullif(walk_config ->> 'prediction_measurement', '') AS configured
) AS named
WHERE r.run_id = named.run_id AND named.prediction_measurement IS NULL
  AND named.configured IS NOT NULL AND (named.place = 1 OR named.dataset_id IS NULL);

-- For the other rows, the triggers set what is missing.
UPDATE walkforward_runs SET prediction_measurement = NULL WHERE prediction_measurement IS NULL;
UPDATE walkforward_folds SET metrics = metrics
WHERE (best_iteration IS NULL OR best_score IS NULL)
  AND metrics ?| ARRAY['best_iteration', 'best_score'];
UPDATE walkforward_runs SET created_at = coalesce(completed_at, started_at, now())
WHERE created_at IS NULL;

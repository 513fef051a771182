-- severity: error
-- title: Measurements that share one name
-- Two objects claim one QuestDB table, so what is read from it is of both or of the other. Export one under another name.
-- QuestDB takes upper and lower case for the same. The table that all old simulations share has a check of its own.
SELECT min(measurement COLLATE "C") AS measurement, count(*) AS uses, min(use) AS one_use, max(use) AS another_use
FROM (
    SELECT ohlcv_measurement AS measurement, 'bars of dataset ' || dataset_id AS use FROM stage1_datasets
    UNION ALL
    SELECT indicator_measurement, 'indicators of dataset ' || dataset_id FROM stage1_datasets
    UNION ALL
    SELECT prediction_measurement, 'predictions of run ' || run_id FROM walkforward_runs
    UNION ALL
    SELECT questdb_namespace, 'traces of simulation ' || simulation_id
    FROM simulation_runs WHERE questdb_namespace <> 'trading_sim_traces'
) AS named
WHERE measurement <> ''
GROUP BY lower(measurement)
HAVING count(*) > 1;

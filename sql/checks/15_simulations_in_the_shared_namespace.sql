-- severity: warning
-- title: Simulations in the shared table trading_sim_traces
-- The habit of old exporters: the table's name does not tell whose traces it holds. Nothing to do, unless one is wanted apart.
SELECT simulation_id, run_id, dataset_id, questdb_namespace, created_at
FROM simulation_runs
WHERE questdb_namespace = 'trading_sim_traces';

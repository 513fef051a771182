-- severity: error
-- title: First timestamps after last ones
-- Swapped, or one of the two in another unit of time. Export again, or correct the row.
SELECT dataset_id AS id, 'stage1_datasets' AS "table", 'ohlcv_first_ts' AS "column",
       ohlcv_first_ts AS first, ohlcv_last_ts AS last
FROM stage1_datasets WHERE ohlcv_first_ts > ohlcv_last_ts
UNION ALL
SELECT dataset_id, 'stage1_datasets', 'indicator_first_ts', indicator_first_ts, indicator_last_ts
FROM stage1_datasets WHERE indicator_first_ts > indicator_last_ts
UNION ALL
SELECT dataset_id, 'indicator_datasets', 'first_bar_ts', first_bar_ts, last_bar_ts
FROM indicator_datasets WHERE first_bar_ts > last_bar_ts
UNION ALL
SELECT run_id, 'walkforward_runs', 'started_at', started_at, completed_at
FROM walkforward_runs WHERE started_at > completed_at
UNION ALL
SELECT simulation_id, 'simulation_runs', 'started_at', started_at, completed_at
FROM simulation_runs WHERE started_at > completed_at;

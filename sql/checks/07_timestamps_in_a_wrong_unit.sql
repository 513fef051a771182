-- severity: error
-- title: Timestamps before 1990 or after 2100
-- Exporters wrote seconds, milliseconds and microseconds: taken for another unit, each is such a year. Export again, or
-- correct the row; infinity is no instant either.
SELECT id, "table", "column", value
FROM (
    SELECT dataset_id AS id, 'stage1_datasets' AS "table", 'ohlcv_first_ts' AS "column", ohlcv_first_ts AS value FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'ohlcv_last_ts', ohlcv_last_ts FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'indicator_first_ts', indicator_first_ts FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'indicator_last_ts', indicator_last_ts FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'created_at', created_at FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'updated_at', updated_at FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'first_bar_ts', first_bar_ts FROM indicator_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'last_bar_ts', last_bar_ts FROM indicator_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'created_at', created_at FROM indicator_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'updated_at', updated_at FROM indicator_datasets
    UNION ALL SELECT run_id, 'walkforward_runs', 'started_at', started_at FROM walkforward_runs
    UNION ALL SELECT run_id, 'walkforward_runs', 'completed_at', completed_at FROM walkforward_runs
    UNION ALL SELECT run_id, 'walkforward_runs', 'created_at', created_at FROM walkforward_runs
    UNION ALL SELECT simulation_id, 'simulation_runs', 'started_at', started_at FROM simulation_runs
    UNION ALL SELECT simulation_id, 'simulation_runs', 'completed_at', completed_at FROM simulation_runs
    UNION ALL SELECT simulation_id, 'simulation_runs', 'created_at', created_at FROM simulation_runs
    UNION ALL SELECT run_id, 'walkforward_folds', 'created_at', created_at FROM walkforward_folds
    UNION ALL SELECT trade_id, 'simulation_trades', 'bar_timestamp', bar_timestamp FROM simulation_trades
    UNION ALL SELECT trade_id, 'simulation_trades', 'created_at', created_at FROM simulation_trades
) AS stored
WHERE value < '1990-01-01 00:00:00+00' OR value >= '2101-01-01 00:00:00+00';

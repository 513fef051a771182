-- severity: error
-- title: Negative or impossible counts
-- Nothing is counted below zero, nothing wins more often than it trades, and a window holds no more samples than bars
-- (one more is let pass, since its last index is counted in by some). Export again, or correct the row.
SELECT id, "table", part, problem
FROM (
    SELECT dataset_id AS id, 'stage1_datasets' AS "table", NULL AS part, concat_ws('; ',
               CASE WHEN ohlcv_row_count < 0 THEN format('ohlcv_row_count is %s', ohlcv_row_count) END,
               CASE WHEN indicator_row_count < 0 THEN format('indicator_row_count is %s', indicator_row_count) END) AS problem
    FROM stage1_datasets
    UNION ALL
    SELECT dataset_id, 'indicator_datasets', NULL, format('row_count is %s', row_count)
    FROM indicator_datasets WHERE row_count < 0
    UNION ALL
    SELECT run_id, 'walkforward_runs', NULL, format('duration_ms is %s', duration_ms)
    FROM walkforward_runs WHERE duration_ms < 0
    UNION ALL
    SELECT run_id, 'walkforward_folds', format('fold %s', fold_number), concat_ws('; ',
               CASE WHEN fold_number < 0 THEN format('fold_number is %s', fold_number) END,
               CASE WHEN train_start_idx < 0 THEN format('train_start_idx is %s', train_start_idx) END,
               CASE WHEN test_start_idx < 0 THEN format('test_start_idx is %s', test_start_idx) END,
               CASE WHEN train_end_idx < train_start_idx
                    THEN format('train_end_idx %s is before train_start_idx %s', train_end_idx, train_start_idx) END,
               CASE WHEN test_end_idx < test_start_idx
                    THEN format('test_end_idx %s is before test_start_idx %s', test_end_idx, test_start_idx) END,
               CASE WHEN samples_train < 0 THEN format('samples_train is %s', samples_train) END,
               CASE WHEN samples_test < 0 THEN format('samples_test is %s', samples_test) END,
               -- numeric, since the difference of two bigints need not be one
               CASE WHEN train_end_idx >= train_start_idx AND samples_train > train_end_idx - train_start_idx::numeric + 1
                    THEN format('samples_train %s is more than %s to %s hold', samples_train, train_start_idx, train_end_idx) END,
               CASE WHEN test_end_idx >= test_start_idx AND samples_test > test_end_idx - test_start_idx::numeric + 1
                    THEN format('samples_test %s is more than %s to %s hold', samples_test, test_start_idx, test_end_idx) END)
    FROM walkforward_folds
    UNION ALL
    SELECT simulation_id, 'simulation_trade_buckets', side, concat_ws('; ',
               CASE WHEN trade_count < 0 THEN format('trade_count is %s', trade_count) END,
               CASE WHEN win_count < 0 THEN format('win_count is %s', win_count) END,
               CASE WHEN win_count > trade_count
                    THEN format('win_count %s is above trade_count %s', win_count, trade_count) END)
    FROM simulation_trade_buckets
) AS counted
WHERE problem <> '';

-- A database of generation 3, as the desktop has made it since 2025-11-15: a table `datasets` of its own, runs without
-- prediction_measurement, requested_by and duration_ms, and nearly all columns nullable.
CREATE TABLE datasets (
    dataset_id uuid PRIMARY KEY, dataset_slug text NOT NULL, symbol text, granularity text, bar_interval_ms bigint NOT NULL,
    lookback_rows integer NOT NULL, first_ohlcv_ts bigint, first_indicator_ts bigint, metadata jsonb, created_at timestamptz);
CREATE TABLE walkforward_runs (
    run_id uuid PRIMARY KEY, dataset_id uuid REFERENCES datasets ON DELETE CASCADE, status text, feature_columns jsonb,
    target_column text, hyperparameters jsonb, walk_config jsonb, summary_metrics jsonb, started_at timestamptz,
    completed_at timestamptz, created_at timestamptz);
CREATE TABLE walkforward_folds (
    run_id uuid REFERENCES walkforward_runs ON DELETE CASCADE, fold_number integer, train_start_idx bigint, train_end_idx bigint,
    test_start_idx bigint, test_end_idx bigint, train_start_ts_ms bigint, train_end_ts_ms bigint, test_start_ts_ms bigint,
    test_end_ts_ms bigint, samples_train integer, samples_test integer, metrics jsonb, thresholds jsonb,
    PRIMARY KEY (run_id, fold_number));

INSERT INTO datasets VALUES
    ('11111111-2222-3333-4444-555555555555', 'btc25_1', 'BTCUSDT', '4h', 14400000, 240, 1735689600000, 1739145600000,
     '{"version": 1, "dataset_slug": "btc25_1", "source": "laptop_imgui", "bar_interval_ms": 14400000, "lookback_rows": 240,
       "ohlcv_measurement": "btc25_1_bars", "indicator_measurement": "btc25_1_features", "ohlcv_rows": 4320, "indicator_rows": 4080,
       "first_ohlcv_timestamp_ms": 1735689600000, "last_ohlcv_timestamp_ms": 1743811200000,
       "first_indicator_timestamp_ms": 1739145600000, "last_indicator_timestamp_ms": 1743811200000}', '2025-11-16'),
    -- Without a manifest; and the same slug from another desktop, under another id.
    ('cccccccc-0000-0000-0000-000000000002', 'eth25_1', 'eth25_1', 'unknown', 3600000, 0, 1735689600123, NULL, NULL, '2025-11-17'),
    ('cccccccc-0000-0000-0000-000000000003', 'eth25_1', '', '1h', 3600000, 0, NULL, NULL, '{"ohlcv_rows": "12", "source": ""}', NULL);
INSERT INTO walkforward_runs VALUES
    (md5('run1')::uuid, '11111111-2222-3333-4444-555555555555', 'COMPLETED', '["hma_55"]', 'Close', '{}',
     '{"prediction_measurement": "btc25_run1", "train_size": 650}', '{"folds": 2}', '2025-11-16', '2025-11-16', '2025-11-16'),
    -- The same table's name again, none at all, and nothing but the key.
    (md5('run2')::uuid, '11111111-2222-3333-4444-555555555555', 'INCOMPLETE', '[]', 'Close', '{}',
     '{"prediction_measurement": "btc25_run1"}', NULL, NULL, '2025-11-17', NULL),
    (md5('run3')::uuid, '11111111-2222-3333-4444-555555555555', 'COMPLETED', '[]', 'Close', '{}', '{}', '{}', NULL, NULL, '2025-11-18'),
    (md5('run4')::uuid, 'cccccccc-0000-0000-0000-000000000002', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2025-11-19');
INSERT INTO walkforward_folds VALUES
    (md5('run1')::uuid, 0, 0, 650, 654, 678, 1735689600000, 1739145600000, 1739145600000, NULL, 650, 24,
     '{"best_iteration": 117, "best_score": 0.001105, "n_signals": 6}', '{"long_optimal": 0.798}'),
    (md5('run1')::uuid, 1, 24, 674, 678, 702, NULL, NULL, NULL, NULL, 650, 24,
     '{"best_iteration": 3000000000, "best_score": "NaN"}', '{}'),
    (md5('run4')::uuid, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

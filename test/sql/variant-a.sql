-- A database of variant A ("desktop"), with rows as they are found. `serialized_config` never came to it.
CREATE TABLE indicator_datasets (
    dataset_id uuid PRIMARY KEY, symbol text NOT NULL, granularity text NOT NULL, source text NOT NULL,
    questdb_tag text NOT NULL UNIQUE, row_count bigint NOT NULL CHECK (row_count >= 0),
    first_bar_ts timestamptz NOT NULL, last_bar_ts timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE walkforward_runs (
    run_id uuid PRIMARY KEY, dataset_id uuid NOT NULL REFERENCES indicator_datasets ON DELETE CASCADE,
    prediction_measurement text NOT NULL, target_column text NOT NULL, feature_columns jsonb NOT NULL,
    hyperparameters jsonb NOT NULL, walk_config jsonb NOT NULL, status text NOT NULL, requested_by text,
    started_at timestamptz, completed_at timestamptz, duration_ms bigint, summary_metrics jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE walkforward_folds (
    run_id uuid NOT NULL REFERENCES walkforward_runs ON DELETE CASCADE, fold_number integer NOT NULL,
    train_start_idx bigint NOT NULL, train_end_idx bigint NOT NULL, test_start_idx bigint NOT NULL, test_end_idx bigint NOT NULL,
    samples_train bigint NOT NULL, samples_test bigint NOT NULL, best_iteration integer, best_score double precision,
    thresholds jsonb NOT NULL, metrics jsonb NOT NULL, PRIMARY KEY (run_id, fold_number));
CREATE TABLE simulation_runs (
    simulation_id uuid PRIMARY KEY, run_id uuid NOT NULL REFERENCES walkforward_runs ON DELETE CASCADE,
    dataset_id uuid NOT NULL REFERENCES indicator_datasets ON DELETE CASCADE, input_run_measurement text NOT NULL,
    questdb_namespace text NOT NULL, mode text NOT NULL, config jsonb NOT NULL, status text NOT NULL,
    started_at timestamptz, completed_at timestamptz, summary_metrics jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE simulation_trades (
    trade_id uuid PRIMARY KEY, simulation_id uuid NOT NULL REFERENCES simulation_runs ON DELETE CASCADE,
    bar_timestamp timestamptz NOT NULL, side text NOT NULL CHECK (side IN ('long', 'short')),
    size double precision NOT NULL, entry_price double precision NOT NULL, exit_price double precision,
    pnl double precision, return_pct double precision, metadata jsonb NOT NULL);
CREATE TABLE simulation_trade_buckets (
    simulation_id uuid NOT NULL REFERENCES simulation_runs ON DELETE CASCADE,
    side text NOT NULL CHECK (side IN ('long', 'short', 'all')), trade_count bigint NOT NULL, win_count bigint NOT NULL,
    profit_factor double precision, avg_return_pct double precision, max_drawdown_pct double precision, notes text,
    PRIMARY KEY (simulation_id, side));
CREATE INDEX desktop_datasets ON indicator_datasets (symbol, granularity);
CREATE INDEX desktop_runs ON walkforward_runs (dataset_id, created_at DESC);
CREATE INDEX desktop_simulations ON simulation_runs (run_id, created_at DESC);
CREATE INDEX desktop_trades ON simulation_trades (simulation_id, bar_timestamp);

-- The third tag is the second row's id, so both would take it as their slug; ticks by the billion, timestamps in a wrong unit.
INSERT INTO indicator_datasets VALUES
    ('11111111-2222-3333-4444-555555555555', 'BTCUSDT', '4h', 'chronosflow', 'btc25_1', 4320, '2025-01-01', '2025-04-05', '2025-04-06'),
    ('aaaaaaaa-0000-0000-0000-000000000002', '', '', 'desktop', '', 0, '1970-01-20 02:00:00.123456', '2286-11-20', '2025-04-07'),
    ('aaaaaaaa-0000-0000-0000-000000000003', 'UNKNOWN', 'unknown', '', 'aaaaaaaa-0000-0000-0000-000000000002', 3000000000,
     '2025-01-15', '2025-04-05', '2025-04-08');
INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters,
                              walk_config, status, duration_ms, summary_metrics)
VALUES
    (md5('run1')::uuid, '11111111-2222-3333-4444-555555555555', 'btc25_run1', 'Close', '["hma_55", "rsi_14"]', '{"eta": 0.05}', '{}',
     'completed', 465000, '{"roc_auc": 0.71}'),
    (md5('run2')::uuid, '11111111-2222-3333-4444-555555555555', 'btc25_run2', 'Close', '"[\"hma_55\"]"', '{}', '{}', '', NULL, '{}'),
    (md5('run3')::uuid, 'aaaaaaaa-0000-0000-0000-000000000002', 'btc25_run1', 'Close', '[]', '{}', '{}', 'Done', NULL, '{}');
INSERT INTO walkforward_folds
SELECT md5('run1')::uuid, f, 0, 5000, 5000, 5500, 5000, 500, 17, 'NaN', '{"long": 0.63, "short": 0.37}', '{}' FROM generate_series(1, 312) AS f;
INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config, status, summary_metrics)
SELECT md5('sim' || n)::uuid, md5('run' || n)::uuid, dataset_id, prediction_measurement, 'trading_sim_traces', 'Dual', '{}', 'COMPLETED', '{}'
FROM generate_series(1, 3) AS n JOIN walkforward_runs ON run_id = md5('run' || n)::uuid;
INSERT INTO simulation_trades VALUES
    (md5('trade1')::uuid, md5('sim1')::uuid, '2025-03-01 00:00:00.000001', 'long', 1, 100, 'Infinity', '-Infinity', 'NaN', '{}');
INSERT INTO simulation_trade_buckets VALUES (md5('sim1')::uuid, 'all', 1, 1, 'Infinity', NULL, 'NaN', NULL);

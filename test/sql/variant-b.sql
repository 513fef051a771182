-- A database of variant B ("dashboard"), with rows as they are found, and with the view and the functions of an earlier task list.
CREATE TABLE indicator_datasets (
    dataset_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), symbol varchar(50) NOT NULL, granularity varchar(20) NOT NULL,
    source varchar(100) NOT NULL, questdb_measurement varchar(255) NOT NULL UNIQUE, column_schema jsonb NOT NULL,
    row_count bigint CHECK (row_count >= 0), first_bar_ts timestamptz, last_bar_ts timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE walkforward_runs (
    run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), dataset_id uuid REFERENCES indicator_datasets ON DELETE CASCADE,
    prediction_measurement varchar(255) NOT NULL, target_column varchar(100) NOT NULL, feature_columns jsonb NOT NULL,
    hyperparameters jsonb NOT NULL, walk_config jsonb NOT NULL,
    status varchar(20) NOT NULL CHECK (status IN ('PENDING', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED')),
    requested_by varchar(100), started_at timestamptz, completed_at timestamptz, duration_ms bigint, summary_metrics jsonb,
    serialized_config text, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE walkforward_folds (
    run_id uuid NOT NULL REFERENCES walkforward_runs ON DELETE CASCADE, fold_number integer NOT NULL,
    train_start_idx bigint NOT NULL, train_end_idx bigint NOT NULL, test_start_idx bigint NOT NULL, test_end_idx bigint NOT NULL,
    samples_train bigint NOT NULL, samples_test bigint NOT NULL, best_iteration integer, best_score double precision,
    thresholds jsonb NOT NULL, metrics jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, fold_number));
CREATE TABLE simulation_runs (
    simulation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), run_id uuid REFERENCES walkforward_runs ON DELETE SET NULL,
    dataset_id uuid REFERENCES indicator_datasets ON DELETE CASCADE, input_run_measurement varchar(255) NOT NULL,
    mode varchar(10) NOT NULL CHECK (mode IN ('long', 'short', 'dual')), config jsonb NOT NULL,
    status varchar(20) NOT NULL CHECK (status IN ('PENDING', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED')),
    started_at timestamptz, completed_at timestamptz, summary_metrics jsonb, serialized_config text,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE simulation_trades (
    trade_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    simulation_id uuid NOT NULL REFERENCES simulation_runs ON DELETE CASCADE, bar_timestamp timestamptz NOT NULL,
    side varchar(10) NOT NULL CHECK (side IN ('long', 'short')), size double precision NOT NULL,
    entry_price double precision NOT NULL, exit_price double precision, pnl double precision, return_pct double precision,
    metadata jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE simulation_trade_buckets (
    simulation_id uuid NOT NULL REFERENCES simulation_runs ON DELETE CASCADE,
    side varchar(10) NOT NULL CHECK (side IN ('long', 'short', 'all')), trade_count bigint NOT NULL, win_count bigint NOT NULL,
    profit_factor double precision, avg_return_pct double precision, max_drawdown_pct double precision, notes text,
    PRIMARY KEY (simulation_id, side));
CREATE FUNCTION dashboard_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER dashboard_updated_at BEFORE UPDATE ON indicator_datasets FOR EACH ROW EXECUTE FUNCTION dashboard_touch();

CREATE VIEW dataset_hierarchy AS
SELECT i.dataset_id, i.questdb_measurement AS dataset, r.run_id, r.status
FROM indicator_datasets i LEFT JOIN walkforward_runs r USING (dataset_id);
CREATE FUNCTION fn_list_runs(p_dataset_id uuid, p_limit integer) RETURNS SETOF walkforward_runs LANGUAGE sql STABLE AS
    $$ SELECT * FROM walkforward_runs WHERE dataset_id = p_dataset_id LIMIT p_limit $$;
CREATE FUNCTION fn_list_datasets(p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) RETURNS SETOF indicator_datasets
    LANGUAGE sql STABLE AS $$ SELECT * FROM indicator_datasets LIMIT p_limit OFFSET p_offset $$;

INSERT INTO indicator_datasets VALUES
    ('11111111-2222-3333-4444-555555555555', 'BTCUSDT', '4h', 'chronosflow', 'btc25_1', '{"close": "double"}', 4320,
     '2025-01-01', '2025-04-05', '2025-04-06', '2025-04-06 12:00'),
    ('bbbbbbbb-0000-0000-0000-000000000002', 'ETHUSDT', '1h', 'dashboard', 'eth25_1', '{}', NULL, NULL, NULL, '2025-04-07', '2025-04-07');
INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config, status, serialized_config)
VALUES
    (md5('run1')::uuid, '11111111-2222-3333-4444-555555555555', 'btc25_run1', 'Close', '["hma_55"]', '{}', '{}', 'COMPLETED', E'line 1; it''s\nline 2'),
    (md5('run2')::uuid, NULL, 'orphan_run', 'Close', '[]', '{}', '{}', 'RUNNING', NULL);
INSERT INTO walkforward_folds VALUES (md5('run1')::uuid, 1, 0, 100, 100, 120, 100, 20, NULL, NULL, '{}', '{}', '2025-04-06');
INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, mode, config, status) VALUES
    (md5('sim1')::uuid, md5('run1')::uuid, '11111111-2222-3333-4444-555555555555', 'btc25_run1', 'dual', '{}', 'COMPLETED'),
    (md5('sim2')::uuid, NULL, '11111111-2222-3333-4444-555555555555', 'btc25_run0', 'long', '{}', 'FAILED'),
    (md5('sim3')::uuid, md5('run1')::uuid, NULL, 'btc25_run1', 'short', '{}', 'PENDING');
INSERT INTO simulation_trades VALUES
    (md5('trade1')::uuid, md5('sim1')::uuid, '2025-03-01', 'long', 1, 100, NULL, NULL, NULL, '{}', '2025-04-06');
INSERT INTO simulation_trade_buckets VALUES (md5('sim1')::uuid, 'all', 1, 1, 'Infinity', NULL, NULL, 'no losses');

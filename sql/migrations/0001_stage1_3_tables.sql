-- formerly: c95f8eb4deb1a72074581d096d4fd430e25e25101fd14b342c5e6aa672862279
-- The Stage 1.3 tables, for a database that has none; 0003b makes that of generation 3. Where they exist, 0001aa to 0002 bring them to the
-- same shape. That shape holds the rows of all of them, so it is the most permissive at every point: a NOT NULL that one
-- of them lacks cannot be had without losing its rows.

CREATE TABLE IF NOT EXISTS indicator_datasets (
    dataset_id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    symbol              text NOT NULL,
    granularity         text NOT NULL,
    source              text NOT NULL,
    questdb_tag         text,
    questdb_measurement text,
    column_schema       jsonb,
    row_count           bigint,
    first_bar_ts        timestamptz,
    last_bar_ts         timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz DEFAULT now(),
    CONSTRAINT indicator_datasets_questdb_tag_key UNIQUE (questdb_tag),
    CONSTRAINT indicator_datasets_questdb_measurement_key UNIQUE (questdb_measurement),
    CONSTRAINT indicator_datasets_row_count_check CHECK (row_count >= 0)
);

CREATE TABLE IF NOT EXISTS walkforward_runs (
    run_id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    dataset_id             uuid,
    prediction_measurement text NOT NULL,
    target_column          text,
    feature_columns        jsonb,
    hyperparameters        jsonb,
    walk_config            jsonb,
    status                 text,
    requested_by           text,
    started_at             timestamptz,
    completed_at           timestamptz,
    duration_ms            bigint,
    summary_metrics        jsonb,
    serialized_config      text,
    created_at             timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS walkforward_folds (
    run_id            uuid NOT NULL,
    fold_number       integer NOT NULL,
    train_start_idx   bigint,
    train_end_idx     bigint,
    test_start_idx    bigint,
    test_end_idx      bigint,
    samples_train     bigint,
    samples_test      bigint,
    best_iteration    integer,
    best_score        double precision,
    thresholds        jsonb,
    metrics           jsonb,
    created_at        timestamptz DEFAULT now(),
    train_start_ts_ms bigint,
    train_end_ts_ms   bigint,
    test_start_ts_ms  bigint,
    test_end_ts_ms    bigint,
    PRIMARY KEY (run_id, fold_number),
    CONSTRAINT walkforward_folds_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES walkforward_runs (run_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS simulation_runs (
    simulation_id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id                uuid,
    dataset_id            uuid,
    input_run_measurement text NOT NULL,
    questdb_namespace     text,
    mode                  text NOT NULL,
    config                jsonb NOT NULL,
    status                text NOT NULL,
    started_at            timestamptz,
    completed_at          timestamptz,
    summary_metrics       jsonb,
    serialized_config     text,
    created_at            timestamptz NOT NULL DEFAULT now(),
    -- As in the dashboard's variant: the desktop's cascades, and would take simulations along with a deleted run.
    CONSTRAINT simulation_runs_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES walkforward_runs (run_id) ON DELETE SET NULL
);

CREATE TABLE IF NOT EXISTS simulation_trades (
    trade_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    simulation_id uuid NOT NULL,
    bar_timestamp timestamptz NOT NULL,
    side          text NOT NULL,
    size          double precision NOT NULL,
    entry_price   double precision NOT NULL,
    exit_price    double precision,
    pnl           double precision,
    return_pct    double precision,
    metadata      jsonb NOT NULL,
    created_at    timestamptz DEFAULT now(),
    CONSTRAINT simulation_trades_simulation_id_fkey
        FOREIGN KEY (simulation_id) REFERENCES simulation_runs (simulation_id) ON DELETE CASCADE,
    CONSTRAINT simulation_trades_side_check CHECK (side IN ('long', 'short'))
);

CREATE TABLE IF NOT EXISTS simulation_trade_buckets (
    simulation_id    uuid NOT NULL,
    side             text NOT NULL,
    trade_count      bigint NOT NULL,
    win_count        bigint NOT NULL,
    profit_factor    double precision,
    avg_return_pct   double precision,
    max_drawdown_pct double precision,
    notes            text,
    PRIMARY KEY (simulation_id, side),
    CONSTRAINT simulation_trade_buckets_simulation_id_fkey
        FOREIGN KEY (simulation_id) REFERENCES simulation_runs (simulation_id) ON DELETE CASCADE
);

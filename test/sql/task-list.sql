-- The statements of the task list's §1 to §4 that can run as they stand, in its own words.

CREATE TABLE IF NOT EXISTS stage1_datasets (
    dataset_id          UUID PRIMARY KEY,
    dataset_slug        TEXT NOT NULL UNIQUE,
    symbol              TEXT,
    granularity         TEXT,
    source              TEXT DEFAULT 'laptop_imgui',
    ohlcv_measurement   TEXT NOT NULL,
    indicator_measurement TEXT NOT NULL,
    ohlcv_row_count     BIGINT DEFAULT 0,
    indicator_row_count BIGINT DEFAULT 0,
    ohlcv_first_ts      TIMESTAMPTZ,
    ohlcv_last_ts       TIMESTAMPTZ,
    indicator_first_ts  TIMESTAMPTZ,
    indicator_last_ts   TIMESTAMPTZ,
    metadata            JSONB DEFAULT '{}'::jsonb,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

CREATE INDEX IF NOT EXISTS idx_stage1_datasets_measurements
    ON stage1_datasets (ohlcv_measurement, indicator_measurement);

ALTER TABLE indicator_datasets
    ADD CONSTRAINT indicator_datasets_stage1_fk
    FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id)
    ON DELETE CASCADE;

ALTER TABLE walkforward_runs
    ADD CONSTRAINT walkforward_runs_dataset_fk
    FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id);

ALTER TABLE simulation_runs
    ADD CONSTRAINT simulation_runs_dataset_fk
    FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id);

ALTER TABLE walkforward_runs
    ADD CONSTRAINT walkforward_runs_dataset_measurement_uq
    UNIQUE (dataset_id, prediction_measurement);

ALTER TABLE simulation_runs
    ADD CONSTRAINT simulation_runs_run_namespace_uq
    UNIQUE (run_id, questdb_namespace);

-- Pages for clients that speak SQL, newest first; the id breaks ties, so that pages do not overlap. The page comes first, from
-- an index alone, and then what is shown: the rows that an offset skips are neither counted below nor joined.

CREATE FUNCTION fn_list_datasets(p_limit INT DEFAULT 50, p_offset INT DEFAULT 0)
RETURNS TABLE (
    dataset_id uuid, dataset_slug text, symbol text, granularity text,
    ohlcv_measurement text, indicator_measurement text, ohlcv_row_count bigint, indicator_row_count bigint,
    ohlcv_first_ts timestamptz, ohlcv_last_ts timestamptz, indicator_first_ts timestamptz, indicator_last_ts timestamptz,
    run_count bigint, simulation_count bigint, created_at timestamptz, updated_at timestamptz) AS $$
    SELECT c.*
    FROM (
        SELECT d.dataset_id FROM stage1_datasets d
        ORDER BY d.updated_at DESC, d.dataset_id DESC
        LIMIT p_limit OFFSET p_offset
    ) AS page
    -- One by one, by the key: for a plain join every dataset may be read.
    CROSS JOIN LATERAL (SELECT * FROM dataset_catalog d WHERE d.dataset_id = page.dataset_id LIMIT 1) AS c
    ORDER BY c.updated_at DESC, c.dataset_id DESC;
$$ LANGUAGE sql STABLE;

COMMENT ON FUNCTION fn_list_datasets IS 'A page of dataset_catalog, last updated first.';

CREATE FUNCTION fn_list_runs(p_dataset_id uuid DEFAULT NULL, p_limit INT DEFAULT 50, p_offset INT DEFAULT 0)
RETURNS TABLE (
    run_id uuid, dataset_id uuid, dataset_slug text, ohlcv_measurement text, indicator_measurement text,
    prediction_measurement text, target_column text, feature_columns jsonb, hyperparameters jsonb, walk_config jsonb,
    status text, requested_by text, started_at timestamptz, completed_at timestamptz, duration_ms bigint,
    summary_metrics jsonb, serialized_config text, created_at timestamptz) AS $$
    SELECT r.run_id, r.dataset_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement,
           r.prediction_measurement, r.target_column, r.feature_columns, r.hyperparameters, r.walk_config,
           r.status, r.requested_by, r.started_at, r.completed_at, r.duration_ms,
           r.summary_metrics, r.serialized_config, r.created_at
    FROM (
        SELECT p.run_id FROM walkforward_runs p
        WHERE p_dataset_id IS NULL OR p.dataset_id = p_dataset_id
        ORDER BY p.created_at DESC, p.run_id DESC
        LIMIT p_limit OFFSET p_offset
    ) AS page
    JOIN walkforward_runs r ON r.run_id = page.run_id
    LEFT JOIN stage1_datasets d ON d.dataset_id = r.dataset_id
    ORDER BY r.created_at DESC, r.run_id DESC;
$$ LANGUAGE sql STABLE;

COMMENT ON FUNCTION fn_list_runs IS
    'A page of a dataset''s runs, or of all where the id is null, newest first, with the dataset''s slug and measurements.';

CREATE FUNCTION fn_list_simulations(p_run_id uuid DEFAULT NULL, p_limit INT DEFAULT 50, p_offset INT DEFAULT 0)
RETURNS TABLE (
    simulation_id uuid, run_id uuid, dataset_id uuid, dataset_slug text, ohlcv_measurement text,
    indicator_measurement text, input_run_measurement text, questdb_namespace text, mode text, config jsonb,
    status text, started_at timestamptz, completed_at timestamptz, summary_metrics jsonb, serialized_config text,
    created_at timestamptz) AS $$
    SELECT s.simulation_id, s.run_id, s.dataset_id, d.dataset_slug, d.ohlcv_measurement,
           d.indicator_measurement, s.input_run_measurement, s.questdb_namespace, s.mode, s.config,
           s.status, s.started_at, s.completed_at, s.summary_metrics, s.serialized_config,
           s.created_at
    FROM (
        SELECT p.simulation_id FROM simulation_runs p
        WHERE p_run_id IS NULL OR p.run_id = p_run_id
        ORDER BY p.created_at DESC, p.simulation_id DESC
        LIMIT p_limit OFFSET p_offset
    ) AS page
    JOIN simulation_runs s ON s.simulation_id = page.simulation_id
    LEFT JOIN stage1_datasets d ON d.dataset_id = s.dataset_id
    ORDER BY s.created_at DESC, s.simulation_id DESC;
$$ LANGUAGE sql STABLE;

COMMENT ON FUNCTION fn_list_simulations IS
    'A page of a run''s simulations, or of all where the id is null, newest first, with the dataset''s slug and measurements.';

-- What the API shows of stored JSON: an object as it is, also one that a text contains; nothing as {}; anything else under "value".
CREATE OR REPLACE FUNCTION stage1_json_object(p_json jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    inner_json jsonb := p_json;
BEGIN
    IF p_json IS NULL OR p_json = 'null' THEN
        RETURN '{}';
    END IF;
    IF jsonb_typeof(p_json) = 'string' THEN
        BEGIN
            inner_json := (p_json #>> '{}')::jsonb;
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            NULL;  -- plain text, or nested too deeply to be anything else
        END;
    END IF;
    RETURN CASE WHEN jsonb_typeof(inner_json) = 'object' THEN inner_json ELSE jsonb_build_object('value', p_json) END;
END
$$;

-- For clients that write a whole dataset at once: every column takes the given value, NULL included; metadata is merged.
CREATE OR REPLACE FUNCTION upsert_stage1_dataset(
    p_dataset_id UUID,
    p_dataset_slug TEXT,
    p_symbol TEXT,
    p_granularity TEXT,
    p_source TEXT,
    p_ohlcv_measurement TEXT,
    p_indicator_measurement TEXT,
    p_ohlcv_rows BIGINT,
    p_indicator_rows BIGINT,
    p_ohlcv_first TIMESTAMPTZ,
    p_ohlcv_last TIMESTAMPTZ,
    p_indicator_first TIMESTAMPTZ,
    p_indicator_last TIMESTAMPTZ,
    p_metadata JSONB)
RETURNS VOID AS $$
BEGIN
    INSERT INTO stage1_datasets (
        dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
        ohlcv_row_count, indicator_row_count, ohlcv_first_ts, ohlcv_last_ts, indicator_first_ts, indicator_last_ts,
        metadata)
    VALUES (
        p_dataset_id, p_dataset_slug, p_symbol, p_granularity, p_source, p_ohlcv_measurement, p_indicator_measurement,
        p_ohlcv_rows, p_indicator_rows, p_ohlcv_first, p_ohlcv_last, p_indicator_first, p_indicator_last,
        stage1_json_object(p_metadata))
    ON CONFLICT (dataset_id) DO UPDATE SET
        dataset_slug = EXCLUDED.dataset_slug,
        symbol = EXCLUDED.symbol,
        granularity = EXCLUDED.granularity,
        source = EXCLUDED.source,
        ohlcv_measurement = EXCLUDED.ohlcv_measurement,
        indicator_measurement = EXCLUDED.indicator_measurement,
        ohlcv_row_count = EXCLUDED.ohlcv_row_count,
        indicator_row_count = EXCLUDED.indicator_row_count,
        ohlcv_first_ts = EXCLUDED.ohlcv_first_ts,
        ohlcv_last_ts = EXCLUDED.ohlcv_last_ts,
        indicator_first_ts = EXCLUDED.indicator_first_ts,
        indicator_last_ts = EXCLUDED.indicator_last_ts,
        -- Merged as objects: || would make a list of anything else, a longer one at each write.
        metadata = CASE
            WHEN EXCLUDED.metadata = '{}' AND stage1_datasets.metadata IS NOT NULL THEN stage1_datasets.metadata
            ELSE stage1_json_object(stage1_datasets.metadata) || EXCLUDED.metadata END,
        updated_at = NOW();
END;
$$ LANGUAGE plpgsql;

COMMENT ON FUNCTION upsert_stage1_dataset(
    uuid, text, text, text, text, text, text, bigint, bigint, timestamptz, timestamptz, timestamptz,
        timestamptz, jsonb) IS
    'Writes a whole dataset: each column takes the given value, metadata is merged into what is stored.';

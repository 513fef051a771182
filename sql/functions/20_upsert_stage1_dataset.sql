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
    -- Not INSERT ... ON CONFLICT (dataset_id): two sessions that write one dataset at once can meet on the slug's index before
    -- they meet on the key, and it takes that for another dataset's slug.
    FOR attempt IN 1..10 LOOP
        UPDATE stage1_datasets d SET
            dataset_slug = p_dataset_slug,
            symbol = p_symbol,
            granularity = p_granularity,
            source = p_source,
            ohlcv_measurement = p_ohlcv_measurement,
            indicator_measurement = p_indicator_measurement,
            ohlcv_row_count = p_ohlcv_rows,
            indicator_row_count = p_indicator_rows,
            ohlcv_first_ts = p_ohlcv_first,
            ohlcv_last_ts = p_ohlcv_last,
            indicator_first_ts = p_indicator_first,
            indicator_last_ts = p_indicator_last,
            -- Merged as objects: || would make a list of anything else, a longer one at each write.
            metadata = CASE
                WHEN stage1_json_object(p_metadata) = '{}' AND d.metadata IS NOT NULL THEN d.metadata
                ELSE stage1_json_object(d.metadata) || stage1_json_object(p_metadata) END,
            updated_at = now()
        WHERE d.dataset_id = p_dataset_id;
        IF FOUND THEN
            RETURN;
        END IF;

        BEGIN
            INSERT INTO stage1_datasets (
                dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
                ohlcv_row_count, indicator_row_count, ohlcv_first_ts, ohlcv_last_ts, indicator_first_ts, indicator_last_ts,
                metadata)
            VALUES (
                p_dataset_id, p_dataset_slug, p_symbol, p_granularity, p_source, p_ohlcv_measurement, p_indicator_measurement,
                p_ohlcv_rows, p_indicator_rows, p_ohlcv_first, p_ohlcv_last, p_indicator_first, p_indicator_last,
                stage1_json_object(p_metadata));
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            -- Another session has inserted this dataset meanwhile: it is there to be updated. Or else a value is another
            -- dataset's.
            IF attempt = 10 OR NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = p_dataset_id) THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END;
$$ LANGUAGE plpgsql;

COMMENT ON FUNCTION upsert_stage1_dataset(
    uuid, text, text, text, text, text, text, bigint, bigint, timestamptz, timestamptz, timestamptz,
        timestamptz, jsonb) IS
    'Writes a whole dataset: each column takes the given value, metadata is merged into what is stored.';

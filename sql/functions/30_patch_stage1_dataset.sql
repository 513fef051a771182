-- For clients that know a part of a dataset: only the keys of p_patch, named like the columns, are written. A key that is
-- left out keeps the stored value, or takes the column's default on insert; a JSON null clears; metadata is merged.
--   invalid_parameter_value (22023), COLUMN set: the first timestamp would be after the last
--   unique_violation (23505): another dataset holds the slug
CREATE OR REPLACE FUNCTION patch_stage1_dataset(p_patch jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id uuid := p_patch ->> 'dataset_id';
    stored stage1_datasets;
    wanted stage1_datasets;
BEGIN
    -- A row to patch, with the table's own defaults; the lock lets two patches of one dataset both arrive.
    INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement)
    VALUES (id, p_patch ->> 'dataset_slug', '', '')
    ON CONFLICT (dataset_id) DO NOTHING;
    SELECT * INTO stored FROM stage1_datasets WHERE dataset_id = id FOR UPDATE;
    wanted := jsonb_populate_record(stored, p_patch - 'metadata');

    IF wanted.ohlcv_first_ts > wanted.ohlcv_last_ts THEN
        RAISE invalid_parameter_value USING
            COLUMN = 'ohlcv_first_ts', MESSAGE = 'ohlcv_first_ts is after ohlcv_last_ts';
    END IF;
    IF wanted.indicator_first_ts > wanted.indicator_last_ts THEN
        RAISE invalid_parameter_value USING
            COLUMN = 'indicator_first_ts', MESSAGE = 'indicator_first_ts is after indicator_last_ts';
    END IF;

    IF p_patch -> 'metadata' = 'null'::jsonb THEN
        UPDATE stage1_datasets SET metadata = '{}' WHERE dataset_id = id;
    END IF;
    PERFORM upsert_stage1_dataset(
        id, wanted.dataset_slug, wanted.symbol, wanted.granularity, wanted.source,
        wanted.ohlcv_measurement, wanted.indicator_measurement,
        coalesce(wanted.ohlcv_row_count, 0), coalesce(wanted.indicator_row_count, 0),
        wanted.ohlcv_first_ts, wanted.ohlcv_last_ts, wanted.indicator_first_ts, wanted.indicator_last_ts,
        nullif(p_patch -> 'metadata', 'null'::jsonb));
END
$$;

COMMENT ON FUNCTION patch_stage1_dataset IS
    'Writes the given columns of a dataset through upsert_stage1_dataset; columns that are left out keep their value.';

-- For clients that know a part of a dataset: only the keys of p_patch, named like the columns, are written. A key that is
-- left out keeps the stored value, or takes the column's default on insert; a JSON null clears; metadata is merged. A
-- measurement that is not known is empty, a count that is not known is 0.
--   invalid_parameter_value (22023), COLUMN set: the first timestamp would be after the last
--   unique_violation (23505), CONSTRAINT stage1_datasets_dataset_slug_key: another dataset holds the slug
CREATE OR REPLACE FUNCTION patch_stage1_dataset(p_patch jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id uuid := p_patch ->> 'dataset_id';
    stored stage1_datasets;
    wanted stage1_datasets;
BEGIN
    -- Asked first, since an index of somebody's own on the slug may be the first to refuse it, by its own name.
    IF EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_slug = p_patch ->> 'dataset_slug' AND d.dataset_id <> id) THEN
        RAISE unique_violation USING
            CONSTRAINT = 'stage1_datasets_dataset_slug_key', TABLE = 'stage1_datasets',
            MESSAGE = pg_catalog.format('the slug "%s" is taken by another dataset', p_patch ->> 'dataset_slug');
    END IF;

    -- A row to patch, with the table's own defaults; the lock lets two patches of one dataset both arrive.
    FOR attempt IN 1..10 LOOP
        SELECT * INTO stored FROM stage1_datasets WHERE dataset_id = id FOR UPDATE;
        EXIT WHEN FOUND;
        BEGIN
            INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement)
            VALUES (id, p_patch ->> 'dataset_slug',
                    coalesce(p_patch ->> 'ohlcv_measurement', ''), coalesce(p_patch ->> 'indicator_measurement', ''));
        EXCEPTION WHEN unique_violation THEN
            -- Another session has inserted this dataset meanwhile, and the two met on the key or on the slug. Or else a value
            -- is another dataset's.
            IF attempt = 10 OR NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = id) THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    wanted := pg_catalog.jsonb_populate_record(stored, p_patch - 'metadata'::text);

    -- Only what this patch is about: legacy rows hold timestamps in the wrong unit, and stay open to other changes.
    IF p_patch ?| ARRAY['ohlcv_first_ts', 'ohlcv_last_ts'] AND wanted.ohlcv_first_ts > wanted.ohlcv_last_ts THEN
        RAISE invalid_parameter_value USING
            COLUMN = 'ohlcv_first_ts', MESSAGE = 'ohlcv_first_ts is after ohlcv_last_ts';
    END IF;
    IF p_patch ?| ARRAY['indicator_first_ts', 'indicator_last_ts']
       AND wanted.indicator_first_ts > wanted.indicator_last_ts THEN
        RAISE invalid_parameter_value USING
            COLUMN = 'indicator_first_ts', MESSAGE = 'indicator_first_ts is after indicator_last_ts';
    END IF;

    IF p_patch -> 'metadata' = 'null'::jsonb THEN
        UPDATE stage1_datasets SET metadata = '{}' WHERE dataset_id = id;
    END IF;
    PERFORM upsert_stage1_dataset(
        id, wanted.dataset_slug, wanted.symbol, wanted.granularity, wanted.source,
        coalesce(wanted.ohlcv_measurement, ''), coalesce(wanted.indicator_measurement, ''),
        coalesce(wanted.ohlcv_row_count, 0), coalesce(wanted.indicator_row_count, 0),
        wanted.ohlcv_first_ts, wanted.ohlcv_last_ts, wanted.indicator_first_ts, wanted.indicator_last_ts,
        nullif(p_patch -> 'metadata', 'null'::jsonb));
END
$$;

COMMENT ON FUNCTION patch_stage1_dataset(jsonb) IS
    'Writes the given columns of a dataset through upsert_stage1_dataset; columns that are left out keep their value.';

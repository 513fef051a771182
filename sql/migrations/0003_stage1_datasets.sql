-- formerly: 6ed1f4d0c6ae5a6c369b783a4355538e2579bec292df421088b24ee09cf64e31
-- The master table of the dataset triplet. 0003b fills it from the tables of earlier generations.

CREATE TABLE IF NOT EXISTS stage1_datasets (
    dataset_id            uuid PRIMARY KEY,
    dataset_slug          text NOT NULL UNIQUE,
    symbol                text,
    granularity           text,
    source                text DEFAULT 'laptop_imgui',
    ohlcv_measurement     text NOT NULL,
    indicator_measurement text NOT NULL,
    ohlcv_row_count       bigint DEFAULT 0,
    indicator_row_count   bigint DEFAULT 0,
    ohlcv_first_ts        timestamptz,
    ohlcv_last_ts         timestamptz,
    indicator_first_ts    timestamptz,
    indicator_last_ts     timestamptz,
    metadata              jsonb DEFAULT '{}'::jsonb,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_stage1_datasets_measurements
    ON stage1_datasets (ohlcv_measurement, indicator_measurement);

-- Lives in a migration because the backfill of 0003b needs it before the functions of ../functions are there.
CREATE OR REPLACE FUNCTION stage1_free_slug(p_wanted text, p_dataset_id uuid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    candidate text;
BEGIN
    FOREACH candidate IN ARRAY ARRAY[
        p_wanted,
        p_wanted || '-' || left(p_dataset_id::text, 8),
        p_wanted || '-' || p_dataset_id::text
    ] LOOP
        EXIT WHEN NOT EXISTS (
            SELECT FROM stage1_datasets d WHERE d.dataset_slug = candidate AND d.dataset_id <> p_dataset_id);
    END LOOP;
    IF candidate <> p_wanted THEN
        RAISE WARNING 'dataset %: the slug "%" is taken by another dataset; "%" is used', p_dataset_id, p_wanted, candidate;
    END IF;
    RETURN candidate;
END
$$;

COMMENT ON FUNCTION stage1_free_slug(text, uuid) IS
    'The wanted slug, or the wanted slug followed by a part of the id where another dataset holds it. Warns when it differs.';

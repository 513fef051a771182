-- formerly: 6ed1f4d0c6ae5a6c369b783a4355538e2579bec292df421088b24ee09cf64e31
-- The master table of the dataset triplet, and its backfill from the legacy rows.

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

COMMENT ON TABLE stage1_datasets IS 'A dataset: its OHLCV table and its indicator table in QuestDB, and this row about both.';
COMMENT ON COLUMN stage1_datasets.dataset_slug IS 'The name people use. Unique.';
COMMENT ON COLUMN stage1_datasets.ohlcv_measurement IS 'QuestDB table of the OHLCV bars; empty: not exported yet.';
COMMENT ON COLUMN stage1_datasets.indicator_measurement IS 'QuestDB table of the indicators; empty: not exported yet.';
COMMENT ON COLUMN stage1_datasets.updated_at IS 'Kept by a trigger: when the row was last written.';

-- Lives in a migration because the backfill below needs it before the functions of ../functions are there.
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

-- Row by row, so that each slug is chosen knowing the ones before it; the oldest row keeps its name.
DO $$
DECLARE
    legacy indicator_datasets;
    tag text;
    triggers record;
BEGIN
    -- Those of somebody's own, on a table that was made by hand: nobody writes here. One that is
    -- disabled stays so.
    SELECT string_agg(format('DISABLE TRIGGER %I', tgname), ', ') AS off,
        string_agg(format('ENABLE %s TRIGGER %I',
        CASE tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA'
            ELSE '' END, tgname), ', ') AS back
    INTO triggers
    FROM pg_trigger WHERE tgrelid = 'stage1_datasets'::regclass AND NOT tgisinternal
        AND tgenabled <> 'D';
    IF triggers.off IS NOT NULL THEN
        EXECUTE 'ALTER TABLE stage1_datasets ' || triggers.off;
    END IF;

    FOR legacy IN
        SELECT i.* FROM indicator_datasets i
        WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = i.dataset_id)
        ORDER BY i.created_at, i.dataset_id
    LOOP
        tag := coalesce(nullif(legacy.questdb_tag, ''), nullif(legacy.questdb_measurement, ''));
        INSERT INTO stage1_datasets (
            dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
            indicator_row_count, indicator_first_ts, indicator_last_ts, metadata)
        VALUES (
            legacy.dataset_id,
            stage1_free_slug(coalesce(tag, legacy.dataset_id::text), legacy.dataset_id),
            nullif(legacy.symbol, ''),
            nullif(legacy.granularity, ''),
            coalesce(legacy.source, 'legacy_import'),
            '',  -- not exported yet; the desktop's exporter fills it
            coalesce(tag, ''),
            legacy.row_count, legacy.first_bar_ts, legacy.last_bar_ts,
            jsonb_build_object('legacy_source', legacy.source));
    END LOOP;

    IF triggers.off IS NOT NULL THEN
        SET CONSTRAINTS ALL IMMEDIATE;  -- what is deferred would keep the table from being altered
        EXECUTE 'ALTER TABLE stage1_datasets ' || triggers.back;
    END IF;
END
$$;

-- A legacy client knows only indicator_datasets. Its row gets a master row, or refreshes the one that is there, so that the
-- client goes on working and its dataset shows up in the catalogue. From before 0004 on, whose key would refuse the client.

-- No row comes between the backfill and the triggers: writers wait here until both are done.
LOCK TABLE indicator_datasets IN SHARE ROW EXCLUSIVE MODE;

-- One variant of the clients writes questdb_tag, the other questdb_measurement; both read their own.
CREATE OR REPLACE FUNCTION stage1_one_name_of_legacy_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.questdb_measurement IS DISTINCT FROM OLD.questdb_measurement
       AND NEW.questdb_tag IS NOT DISTINCT FROM OLD.questdb_tag THEN
        NEW.questdb_tag := NEW.questdb_measurement;
    ELSE
        NEW.questdb_tag := coalesce(NEW.questdb_tag, NEW.questdb_measurement);
    END IF;
    NEW.questdb_measurement := NEW.questdb_tag;
    IF TG_OP = 'UPDATE' THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION stage1_master_of_legacy_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tag text := nullif(NEW.questdb_tag, '');
    attempts integer := 0;
BEGIN
    LOOP
        BEGIN
            INSERT INTO stage1_datasets AS d (
                dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
                indicator_row_count, indicator_first_ts, indicator_last_ts, metadata)
            VALUES (
                NEW.dataset_id,
                coalesce(
                    (SELECT known.dataset_slug FROM stage1_datasets known WHERE known.dataset_id = NEW.dataset_id),
                    stage1_free_slug(coalesce(tag, NEW.dataset_id::text), NEW.dataset_id)),
                nullif(NEW.symbol, ''), nullif(NEW.granularity, ''), coalesce(NEW.source, 'legacy_import'),
                '', coalesce(tag, ''),
                NEW.row_count, NEW.first_bar_ts, NEW.last_bar_ts,
                jsonb_build_object('legacy_source', NEW.source))
            ON CONFLICT (dataset_id) DO UPDATE SET
                -- What the legacy row does not know stays as it is: the slug, the source, the OHLCV half.
                symbol = coalesce(EXCLUDED.symbol, d.symbol),
                granularity = coalesce(EXCLUDED.granularity, d.granularity),
                indicator_measurement = coalesce(nullif(EXCLUDED.indicator_measurement, ''), d.indicator_measurement),
                indicator_row_count = coalesce(EXCLUDED.indicator_row_count, d.indicator_row_count),
                indicator_first_ts = coalesce(EXCLUDED.indicator_first_ts, d.indicator_first_ts),
                indicator_last_ts = coalesce(EXCLUDED.indicator_last_ts, d.indicator_last_ts);
            RETURN NULL;
        EXCEPTION WHEN unique_violation THEN
            -- Somebody took the slug at the same moment: now it is seen, and another is chosen.
            attempts := attempts + 1;
            IF attempts = 5 THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;

-- A legacy client may write indicator_datasets and nothing else, and name it with its schema: the trigger works with its
-- owner's rights, in the schema it was made in. Temporary tables come last, or a caller could put one in the way.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION stage1_master_of_legacy_row() SECURITY DEFINER SET search_path = %I, pg_temp', current_schema());
END
$$;

-- The rows that a client has inserted or exported again since 0002 and 0003. The rows of 0003 have its time, which the
-- ledger has too.
UPDATE stage1_datasets d
SET symbol = nullif(i.symbol, ''), granularity = nullif(i.granularity, ''),
    indicator_measurement = coalesce(i.questdb_tag, i.questdb_measurement, ''), indicator_row_count = i.row_count,
    indicator_first_ts = i.first_bar_ts, indicator_last_ts = i.last_bar_ts
FROM indicator_datasets i, stage1_schema_ledger l
WHERE i.dataset_id = d.dataset_id AND l.file = 'migrations/0003_stage1_datasets.sql' AND l.applied_at = d.created_at
  AND (nullif(i.symbol, ''), nullif(i.granularity, ''), i.row_count, i.first_bar_ts, i.last_bar_ts,
       coalesce(i.questdb_tag, i.questdb_measurement, ''))
      IS DISTINCT FROM (d.symbol, d.granularity, d.indicator_row_count, d.indicator_first_ts, d.indicator_last_ts,
                        d.indicator_measurement)
  AND NOT EXISTS (  -- else the trigger has done it, and others may have written since
    SELECT FROM pg_trigger WHERE tgrelid = 'indicator_datasets'::regclass AND tgname = 'INDICATOR_DATASETS_MASTER_ROW');

UPDATE indicator_datasets
SET questdb_tag = coalesce(questdb_tag, questdb_measurement),
    questdb_measurement = coalesce(questdb_measurement, questdb_tag)
WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL);

DO $$
DECLARE
    legacy indicator_datasets;
    tag text;
BEGIN
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
            '',
            coalesce(tag, ''),
            legacy.row_count, legacy.first_bar_ts, legacy.last_bar_ts,
            jsonb_build_object('legacy_source', legacy.source));
    END LOOP;
END
$$;

CREATE OR REPLACE TRIGGER indicator_datasets_one_name
    BEFORE INSERT OR UPDATE ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_one_name_of_legacy_row();

-- After the row is written, since before that ON CONFLICT may still turn it into another. Triggers run in the order of their
-- names, and the foreign key's own is named RI_...: the capital lets this one make the master row before the key looks for it.
CREATE OR REPLACE TRIGGER "INDICATOR_DATASETS_MASTER_ROW"
    AFTER INSERT OR UPDATE ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_master_of_legacy_row();

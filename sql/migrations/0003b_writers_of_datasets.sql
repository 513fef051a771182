-- needs: columns.sql
-- needs: functions/14_json.sql
-- needs: functions/16_writers_of_datasets.sql
-- A client of an earlier generation knows one table, indicator_datasets or datasets. Triggers
-- create and refresh a master row for each of its rows, so the client keeps working and its
-- datasets are in the catalogue. Before 0004, whose foreign keys would reject such rows.

-- Generation 3's datasets. Its writers go on writing here.
CREATE TABLE IF NOT EXISTS datasets (
    dataset_id         uuid PRIMARY KEY,
    dataset_slug       text NOT NULL,
    symbol             text,
    granularity        text,
    bar_interval_ms    bigint,
    lookback_rows      integer,
    first_ohlcv_ts     bigint,
    first_indicator_ts bigint,
    metadata           jsonb,
    created_at         timestamptz DEFAULT now()
);

-- Where it was there before.
DO $$
DECLARE
    changes text;
    key_name name;
BEGIN
    SELECT string_agg(CASE WHEN a.attnum IS NULL THEN format('ADD COLUMN %I %s', c.name, c.type)
                           ELSE format('ALTER COLUMN %I DROP NOT NULL', c.name) END, ', ')
    INTO changes
    FROM jsonb_to_recordset(current_setting('stage1.columns')::jsonb)
        AS c (relation text, name text, type text, must boolean)
    LEFT JOIN pg_attribute a
        ON a.attrelid = 'datasets'::regclass AND a.attname = c.name AND NOT a.attisdropped
    WHERE c.relation = 'datasets' AND NOT c.must AND a.attnotnull IS NOT FALSE;
    IF changes IS NOT NULL THEN
        EXECUTE 'ALTER TABLE datasets ' || changes;
    END IF;
    IF NOT (SELECT atthasdef FROM pg_attribute
            WHERE attrelid = 'datasets'::regclass AND attname = 'created_at')
    THEN
        ALTER TABLE datasets ALTER COLUMN created_at SET DEFAULT now();
    END IF;
    SELECT conname INTO key_name FROM pg_constraint
    WHERE conrelid = 'datasets'::regclass AND contype = 'p' AND conname <> 'datasets_pkey';
    IF FOUND THEN
        EXECUTE format('ALTER TABLE datasets RENAME CONSTRAINT %I TO datasets_pkey', key_name);
    END IF;
END
$$;

-- No row may be added between the backfill and the triggers: writers wait until both are done.
LOCK TABLE indicator_datasets, datasets IN SHARE ROW EXCLUSIVE MODE;

-- Rows that a client which knows one name has written since 0001e.
UPDATE indicator_datasets
SET questdb_tag = coalesce(questdb_tag, questdb_measurement),
    questdb_measurement = coalesce(questdb_measurement, questdb_tag)
WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL);

-- Row by row, so that each slug is chosen with the earlier ones known; the oldest row keeps its
-- name. Generation 3 comes first, since it knows most.
DO $$
DECLARE
    legacy jsonb;
    triggers_off text;
    triggers_back text;
BEGIN
    -- The operator's own triggers on a table that was made by hand do not run for the backfill. A
    -- disabled trigger stays disabled.
    IF EXISTS (
        SELECT dataset_id FROM indicator_datasets UNION SELECT dataset_id FROM datasets
        EXCEPT SELECT dataset_id FROM stage1_datasets)
    THEN
        SELECT string_agg(format('DISABLE TRIGGER %I', tgname), ', '),
               string_agg(format('ENABLE %s TRIGGER %I', CASE tgenabled
                   WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, tgname), ', ')
        INTO triggers_off, triggers_back
        FROM pg_trigger
        WHERE tgrelid = 'stage1_datasets'::regclass AND NOT tgisinternal AND tgenabled <> 'D';
        IF triggers_off IS NOT NULL THEN
            EXECUTE 'ALTER TABLE stage1_datasets ' || triggers_off;
        END IF;
    END IF;

    FOR legacy IN
        SELECT known.as_json FROM (
            SELECT to_jsonb(t) AS as_json, 1 AS place, t.created_at, t.dataset_id FROM datasets t
            UNION ALL
            SELECT to_jsonb(i), 2, i.created_at, i.dataset_id FROM indicator_datasets i
        ) AS known
        WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = known.dataset_id)
        ORDER BY known.place, known.created_at, known.dataset_id
    LOOP
        -- The query does not see master rows that the loop has made since, from the other table.
        CONTINUE WHEN EXISTS (
            SELECT FROM stage1_datasets d WHERE d.dataset_id = (legacy ->> 'dataset_id')::uuid);
        PERFORM stage1_write_master(
            stage1_dataset_of_legacy_row(legacy), NULL, legacy ? 'dataset_slug', true);
    END LOOP;

    IF triggers_back IS NOT NULL THEN
        SET CONSTRAINTS ALL IMMEDIATE;  -- what is deferred would keep the table from being altered
        EXECUTE 'ALTER TABLE stage1_datasets ' || triggers_back;
    END IF;
END
$$;

INSERT INTO stage1_legacy_exports (dataset_id, content)
SELECT (legacy.said).dataset_id, stage1_content_of_export(legacy.said)
FROM (
    SELECT stage1_dataset_of_legacy_row(to_jsonb(i)) AS said FROM indicator_datasets i
    UNION ALL
    SELECT stage1_dataset_of_legacy_row(to_jsonb(t)) FROM datasets t
) AS legacy
ON CONFLICT DO NOTHING;

CREATE OR REPLACE TRIGGER stage1_before_dataset
    BEFORE INSERT OR UPDATE ON stage1_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_before_dataset();
CREATE OR REPLACE TRIGGER indicator_datasets_one_name
    BEFORE INSERT OR UPDATE ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_one_name_of_legacy_row();
-- Runs after the trigger above, in the order of their names: it reads questdb_tag.
CREATE OR REPLACE TRIGGER indicator_datasets_stored_id
    BEFORE INSERT ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_before_legacy_dataset();
CREATE OR REPLACE TRIGGER datasets_stored_id
    BEFORE INSERT OR UPDATE ON datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_before_legacy_dataset();

-- AFTER, because before that ON CONFLICT may still choose another row. Triggers run in the order of
-- their names, and those of foreign keys are called RI_...: upper case puts these first, so the
-- master row exists when the key is checked.
CREATE OR REPLACE TRIGGER "INDICATOR_DATASETS_MASTER_ROW"
    AFTER INSERT OR UPDATE ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_master_of_legacy_row();
CREATE OR REPLACE TRIGGER "DATASETS_MASTER_ROW"
    AFTER INSERT OR UPDATE ON datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_master_of_legacy_row();

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'datasets'::regclass AND conname = 'datasets_stage1_fk')
    THEN
        ALTER TABLE datasets ADD CONSTRAINT datasets_stage1_fk
            FOREIGN KEY (dataset_id) REFERENCES stage1_datasets (dataset_id) ON DELETE CASCADE;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'stage1_dataset_aliases'::regclass
          AND conname = 'stage1_dataset_aliases_dataset_fk')
    THEN
        ALTER TABLE stage1_dataset_aliases ADD CONSTRAINT stage1_dataset_aliases_dataset_fk
            FOREIGN KEY (dataset_id) REFERENCES stage1_datasets (dataset_id) ON DELETE CASCADE;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'stage1_legacy_exports'::regclass
          AND conname = 'stage1_legacy_exports_dataset_fk')
    THEN
        ALTER TABLE stage1_legacy_exports ADD CONSTRAINT stage1_legacy_exports_dataset_fk
            FOREIGN KEY (dataset_id) REFERENCES stage1_datasets (dataset_id) ON DELETE CASCADE;
    END IF;
END
$$;

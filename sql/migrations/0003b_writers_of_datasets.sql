-- needs: functions/14_json.sql
-- needs: functions/16_writers_of_datasets.sql
-- A client of an earlier generation knows one table: indicator_datasets, or datasets. Its rows make master rows and refresh
-- them, so that the client goes on working and its datasets show up in the catalogue. Before 0004, whose keys would refuse it.

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
ALTER TABLE datasets
    ADD COLUMN IF NOT EXISTS symbol text,
    ADD COLUMN IF NOT EXISTS granularity text,
    ADD COLUMN IF NOT EXISTS bar_interval_ms bigint,
    ADD COLUMN IF NOT EXISTS lookback_rows integer,
    ADD COLUMN IF NOT EXISTS first_ohlcv_ts bigint,
    ADD COLUMN IF NOT EXISTS first_indicator_ts bigint,
    ADD COLUMN IF NOT EXISTS metadata jsonb,
    ADD COLUMN IF NOT EXISTS created_at timestamptz;
DO $$
DECLARE
    loosen record;
    key_name name;
BEGIN
    FOR loosen IN
        SELECT attname FROM pg_attribute
        WHERE attrelid = 'datasets'::regclass AND attnotnull AND attname IN (
            'symbol', 'granularity', 'bar_interval_ms', 'lookback_rows', 'first_ohlcv_ts', 'first_indicator_ts', 'metadata', 'created_at')
    LOOP
        EXECUTE format('ALTER TABLE datasets ALTER COLUMN %I DROP NOT NULL', loosen.attname);
    END LOOP;
    IF NOT (SELECT atthasdef FROM pg_attribute WHERE attrelid = 'datasets'::regclass AND attname = 'created_at') THEN
        ALTER TABLE datasets ALTER COLUMN created_at SET DEFAULT now();
    END IF;
    SELECT conname INTO key_name FROM pg_constraint
    WHERE conrelid = 'datasets'::regclass AND contype = 'p' AND conname <> 'datasets_pkey';
    IF FOUND THEN
        EXECUTE format('ALTER TABLE datasets RENAME CONSTRAINT %I TO datasets_pkey', key_name);
    END IF;
END
$$;

-- No row comes between the backfill and the triggers: writers wait here until both are done.
LOCK TABLE indicator_datasets, datasets IN SHARE ROW EXCLUSIVE MODE;

-- Rows that were written since 0001e, by a client that knows one name.
UPDATE indicator_datasets
SET questdb_tag = coalesce(questdb_tag, questdb_measurement),
    questdb_measurement = coalesce(questdb_measurement, questdb_tag)
WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL);

-- Row by row, so that each slug is chosen knowing the ones before it; the oldest row keeps its name. Generation 3 knows most,
-- so it comes first.
DO $$
DECLARE
    legacy jsonb;
    triggers_off text;
    triggers_back text;
BEGIN
    -- Triggers of somebody's own, on a table that was made by hand: nobody writes here. One that is disabled stays so.
    IF EXISTS (
        SELECT dataset_id FROM indicator_datasets UNION SELECT dataset_id FROM datasets EXCEPT SELECT dataset_id FROM stage1_datasets)
    THEN
        SELECT string_agg(format('DISABLE TRIGGER %I', tgname), ', '), string_agg(format('ENABLE %s TRIGGER %I',
            CASE tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, tgname), ', ')
        INTO triggers_off, triggers_back
        FROM pg_trigger WHERE tgrelid = 'stage1_datasets'::regclass AND NOT tgisinternal AND tgenabled <> 'D';
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
        -- The rows are those at the beginning of the query: one may have its master row from the other table now.
        CONTINUE WHEN EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = (legacy ->> 'dataset_id')::uuid);
        PERFORM stage1_write_master(stage1_dataset_of_legacy_row(legacy), NULL, legacy ? 'dataset_slug');
    END LOOP;

    IF triggers_back IS NOT NULL THEN
        SET CONSTRAINTS ALL IMMEDIATE;  -- what is deferred would keep the table from being altered
        EXECUTE 'ALTER TABLE stage1_datasets ' || triggers_back;
    END IF;
END
$$;

CREATE OR REPLACE TRIGGER stage1_before_dataset
    BEFORE INSERT OR UPDATE ON stage1_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_before_dataset();
CREATE OR REPLACE TRIGGER indicator_datasets_one_name
    BEFORE INSERT OR UPDATE ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_one_name_of_legacy_row();
-- After the trigger above, by its name: it looks at questdb_tag.
CREATE OR REPLACE TRIGGER indicator_datasets_stored_id
    BEFORE INSERT ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_before_legacy_dataset();
CREATE OR REPLACE TRIGGER datasets_stored_id
    BEFORE INSERT OR UPDATE ON datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_before_legacy_dataset();

-- After the row is written, since before that ON CONFLICT may still turn it into another. Triggers run in the order of their
-- names, and the foreign key's own is named RI_...: the capital lets these make the master row before the key looks for it.
CREATE OR REPLACE TRIGGER "INDICATOR_DATASETS_MASTER_ROW"
    AFTER INSERT OR UPDATE ON indicator_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_master_of_legacy_row();
CREATE OR REPLACE TRIGGER "DATASETS_MASTER_ROW"
    AFTER INSERT OR UPDATE ON datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_master_of_legacy_row();

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'datasets'::regclass AND conname = 'datasets_stage1_fk') THEN
        ALTER TABLE datasets ADD CONSTRAINT datasets_stage1_fk
            FOREIGN KEY (dataset_id) REFERENCES stage1_datasets (dataset_id) ON DELETE CASCADE;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'stage1_dataset_aliases'::regclass AND conname = 'stage1_dataset_aliases_dataset_fk')
    THEN
        ALTER TABLE stage1_dataset_aliases ADD CONSTRAINT stage1_dataset_aliases_dataset_fk
            FOREIGN KEY (dataset_id) REFERENCES stage1_datasets (dataset_id) ON DELETE CASCADE;
    END IF;
END
$$;

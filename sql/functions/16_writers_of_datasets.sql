-- Triggers that run for every writer of datasets. Clients still write two tables of earlier
-- generations, indicator_datasets and datasets: each of their rows creates or refreshes the master
-- row in stage1_datasets. migrations/0003b creates the triggers, this file their functions.

-- A placeholder takes every column of the row that describes it.
CREATE OR REPLACE FUNCTION stage1_before_dataset() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    filled bigint;
BEGIN
    IF NOT stage1_is_placeholder('dataset', NEW.dataset_id) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF stage1_fill_placeholder('dataset', NEW.dataset_id) THEN
            EXECUTE stage1_statement_that_fills(TG_RELID::regclass, 'dataset_id')
            USING NEW, NEW.dataset_id;
            GET DIAGNOSTICS filled = ROW_COUNT;
            IF filled > 0 THEN
                RETURN NULL;
            END IF;
        END IF;
    ELSIF pg_catalog.to_jsonb(NEW) - 'updated_at'::text
          <> pg_catalog.to_jsonb(OLD) - 'updated_at'::text
    THEN
        -- upsert_stage1_dataset looks for a row to update first.
        PERFORM stage1_fill_placeholder('dataset', NEW.dataset_id);
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_before_dataset() IS 'Trigger: fills a placeholder.';

-- One variant of generation 1 writes and reads questdb_tag, the other questdb_measurement. Where a
-- row has two different names, neither overwrites the other.
CREATE OR REPLACE FUNCTION stage1_one_name_of_legacy_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.questdb_tag IS NOT DISTINCT FROM OLD.questdb_measurement THEN
        IF NEW.questdb_tag IS NOT DISTINCT FROM OLD.questdb_tag THEN
            NEW.questdb_tag := NEW.questdb_measurement;
        ELSIF NEW.questdb_measurement IS NOT DISTINCT FROM OLD.questdb_measurement THEN
            NEW.questdb_measurement := NEW.questdb_tag;
        END IF;
    END IF;
    NEW.questdb_tag := coalesce(NEW.questdb_tag, NEW.questdb_measurement);
    NEW.questdb_measurement := coalesce(NEW.questdb_measurement, NEW.questdb_tag);
    IF TG_OP = 'UPDATE' AND pg_catalog.to_jsonb(NEW) <> pg_catalog.to_jsonb(OLD) THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_one_name_of_legacy_row() IS
    'Trigger: gives questdb_tag and questdb_measurement one value where only one of them is '
    'written.';

-- The dataset that a row describes. Each desktop hashes its own ids, so an unknown id with a known
-- slug is the stored dataset: the id becomes an alias of it, and rows that were written with the id
-- are moved to it.
CREATE OR REPLACE FUNCTION stage1_lead_dataset(p_dataset_id uuid, p_slug text) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    stored uuid := stage1_dataset_id(p_dataset_id);
BEGIN
    IF stored <> p_dataset_id OR coalesce(p_slug, '') = ''
       OR EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = p_dataset_id)
          AND NOT stage1_is_placeholder('dataset', p_dataset_id)
    THEN
        RETURN stored;
    END IF;
    SELECT d.dataset_id INTO stored FROM stage1_datasets d
    WHERE d.dataset_slug = p_slug AND d.dataset_id <> p_dataset_id
      AND NOT stage1_is_placeholder('dataset', d.dataset_id);
    IF NOT FOUND THEN
        RETURN p_dataset_id;
    END IF;
    INSERT INTO stage1_dataset_aliases (alias_id, dataset_id) VALUES (p_dataset_id, stored)
    ON CONFLICT DO NOTHING;
    IF stage1_is_placeholder('dataset', p_dataset_id) THEN
        -- A name that only walk_config gives is given anew, since the stored dataset may have a run
        -- with that name.
        UPDATE walkforward_runs r
        SET dataset_id = stored,
            prediction_measurement = nullif(
                r.prediction_measurement, r.walk_config ->> 'prediction_measurement'::text)
        WHERE r.dataset_id = p_dataset_id;
        UPDATE simulation_runs s SET dataset_id = stored WHERE s.dataset_id = p_dataset_id;
        BEGIN
            DELETE FROM stage1_datasets d WHERE d.dataset_id = p_dataset_id;
            UPDATE stage1_placeholders p SET filled_at = now()
            WHERE p.object = 'dataset' AND p.id = p_dataset_id;
        EXCEPTION WHEN insufficient_privilege THEN
            -- stage1_app may not delete: the placeholder stays, without runs, and validation finds
            -- it.
            NULL;
        END;
    END IF;
    RETURN stored;
END
$$;

COMMENT ON FUNCTION stage1_lead_dataset(uuid, text) IS
    'The dataset that rows with this id and slug are about. Makes an unknown id with a known slug '
    'an alias of the stored dataset.';

CREATE OR REPLACE FUNCTION stage1_before_legacy_dataset() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    slug text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- What generation 3 alone knows is stored in its own table, and read from there.
        NEW.metadata := coalesce(NEW.metadata, OLD.metadata);
        NEW.bar_interval_ms := coalesce(nullif(NEW.bar_interval_ms, 0), OLD.bar_interval_ms);
        NEW.lookback_rows := coalesce(NEW.lookback_rows, OLD.lookback_rows);
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'datasets' THEN
        slug := NEW.dataset_slug;
    ELSE
        -- Generation 1 knows only the name of the indicator table. Generation 2 gave the dataset a
        -- slug of its own.
        slug := coalesce(
            (SELECT d.dataset_slug
             FROM indicator_datasets i JOIN stage1_datasets d USING (dataset_id)
             WHERE i.questdb_tag = NEW.questdb_tag),
            (SELECT min(d.dataset_slug) FROM stage1_datasets d
             WHERE d.indicator_measurement = NEW.questdb_tag AND NEW.questdb_tag <> ''
             HAVING count(*) = 1),
            NEW.questdb_tag);
    END IF;
    NEW.dataset_id := stage1_lead_dataset(NEW.dataset_id, slug);
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_before_legacy_dataset() IS
    'Trigger: gives a row the id of the stored dataset that its slug names, and keeps what is '
    'known of its export.';

-- A timestamp from milliseconds since 1970; NULL if there are none, or if the timestamp is out of
-- range.
CREATE OR REPLACE FUNCTION stage1_timestamp_of_ms(p_ms numeric) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_ms BETWEEN -62135596800000::numeric AND 9000000000000000::numeric
                 AND p_ms <> 0::numeric
                THEN to_timestamp((p_ms / 1000::numeric)::float8) END
$$;

COMMENT ON FUNCTION stage1_timestamp_of_ms(numeric) IS
    'The timestamp of so many milliseconds since 1970-01-01 UTC; NULL for 0, which writers use for '
    '"not known".';

-- The dataset as a row of an earlier generation describes it. NULL: the row does not say.
CREATE OR REPLACE FUNCTION stage1_dataset_of_legacy_row(p_row jsonb) RETURNS stage1_datasets
LANGUAGE plpgsql STABLE AS $$
DECLARE
    said stage1_datasets;
    manifest jsonb;
BEGIN
    said.dataset_id := p_row ->> 'dataset_id';
    said.symbol := p_row ->> 'symbol';
    said.granularity := p_row ->> 'granularity';
    IF p_row ? 'questdb_tag' THEN
        said.dataset_slug := coalesce(nullif(p_row ->> 'questdb_tag', ''), said.dataset_id::text);
        said.source := coalesce(p_row ->> 'source', 'legacy_import');
        said.indicator_measurement := nullif(p_row ->> 'questdb_tag', '');
        said.indicator_row_count := p_row ->> 'row_count';
        said.indicator_first_ts := p_row ->> 'first_bar_ts';
        said.indicator_last_ts := p_row ->> 'last_bar_ts';
        said.metadata := pg_catalog.jsonb_build_object('legacy_source', p_row -> 'source');
        RETURN said;
    END IF;
    manifest := stage1_json_object(p_row -> 'metadata');
    said.dataset_slug := coalesce(nullif(p_row ->> 'dataset_slug', ''), said.dataset_id::text);
    said.source := coalesce(nullif(manifest ->> 'source', ''), 'legacy_import');
    said.ohlcv_measurement := nullif(manifest ->> 'ohlcv_measurement', '');
    said.indicator_measurement := nullif(manifest ->> 'indicator_measurement', '');
    -- A number that no count can hold says nothing.
    said.ohlcv_row_count := (
        SELECT n FROM stage1_json_number(manifest -> 'ohlcv_rows') AS n
        WHERE n BETWEEN -9223372036854775808::numeric AND 9223372036854775807::numeric);
    said.indicator_row_count := (
        SELECT n FROM stage1_json_number(manifest -> 'indicator_rows') AS n
        WHERE n BETWEEN -9223372036854775808::numeric AND 9223372036854775807::numeric);
    said.ohlcv_first_ts := stage1_timestamp_of_ms(coalesce(
        stage1_json_number(manifest -> 'first_ohlcv_timestamp_ms'),
        stage1_json_number(p_row -> 'first_ohlcv_ts')));
    said.ohlcv_last_ts := stage1_timestamp_of_ms(
        stage1_json_number(manifest -> 'last_ohlcv_timestamp_ms'));
    said.indicator_first_ts := stage1_timestamp_of_ms(coalesce(
        stage1_json_number(manifest -> 'first_indicator_timestamp_ms'),
        stage1_json_number(p_row -> 'first_indicator_ts')));
    said.indicator_last_ts := stage1_timestamp_of_ms(
        stage1_json_number(manifest -> 'last_indicator_timestamp_ms'));
    said.metadata := '{}';
    RETURN said;
END
$$;

COMMENT ON FUNCTION stage1_dataset_of_legacy_row(jsonb) IS
    'The dataset as a row of indicator_datasets or of datasets describes it; NULL where the row '
    'says nothing.';

-- Creates the master row of a row of an earlier generation, or refreshes it. An unknown value never
-- replaces a known one: NULL, "", "unknown", the dataset's own name as its symbol, 0 rows.
-- p_is_new: no row has said this before. What was said before changes only what it said last: another
-- writer has set the rest since.
CREATE OR REPLACE FUNCTION stage1_write_master(
    p_said stage1_datasets, p_former stage1_datasets, p_knows_slug boolean, p_is_new boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stored stage1_datasets;
    wanted stage1_datasets;
    news jsonb;
    attempts integer := 0;
BEGIN
    LOOP
        BEGIN
            -- FOR UPDATE would wait for each session that has written a run of the dataset, and
            -- deadlock with one that does the same.
            SELECT * INTO stored FROM stage1_datasets d WHERE d.dataset_id = p_said.dataset_id
            FOR NO KEY UPDATE;
            IF p_knows_slug AND p_former IS NULL THEN
                -- The desktop's own names, where nobody has said others.
                p_said.ohlcv_measurement := coalesce(
                    p_said.ohlcv_measurement, nullif(stored.ohlcv_measurement, ''),
                    p_said.dataset_slug || '_ohlcv');
                p_said.indicator_measurement := coalesce(
                    p_said.indicator_measurement, nullif(stored.indicator_measurement, ''),
                    p_said.dataset_slug || '_ind');
            END IF;
            IF stored.dataset_id IS NULL OR stage1_is_placeholder('dataset', p_said.dataset_id) THEN
                INSERT INTO stage1_datasets (
                    dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement,
                    indicator_measurement, ohlcv_row_count, indicator_row_count, ohlcv_first_ts,
                    ohlcv_last_ts, indicator_first_ts, indicator_last_ts, metadata)
                VALUES (
                    p_said.dataset_id, stage1_free_slug(p_said.dataset_slug, p_said.dataset_id),
                    nullif(p_said.symbol, ''), nullif(p_said.granularity, ''), p_said.source,
                    coalesce(p_said.ohlcv_measurement, ''),
                    coalesce(p_said.indicator_measurement, ''), coalesce(p_said.ohlcv_row_count, 0),
                    p_said.indicator_row_count, p_said.ohlcv_first_ts, p_said.ohlcv_last_ts,
                    p_said.indicator_first_ts, p_said.indicator_last_ts, p_said.metadata);
                RETURN;
            END IF;
            SELECT pg_catalog.jsonb_object_agg(key, value) INTO news
            FROM jsonb_each(pg_catalog.to_jsonb(p_said))
            WHERE value <> 'null' AND value IS DISTINCT FROM pg_catalog.to_jsonb(p_former) -> key
              AND (p_is_new OR pg_catalog.to_jsonb(stored) -> key = pg_catalog.to_jsonb(p_former) -> key)
              AND CASE
                WHEN key IN ('symbol', 'granularity') THEN value <> '""' AND NOT (
                    coalesce(pg_catalog.to_jsonb(stored) ->> key, '') <> '' AND (
                        lower(value #>> '{}'::text[]) = 'unknown'
                        OR value #>> '{}'::text[] IN (
                            stored.dataset_slug, p_said.dataset_slug,
                            p_said.indicator_measurement)))
                WHEN key IN ('ohlcv_row_count', 'indicator_row_count') THEN value <> '0'
                -- Generation 1 knows only the indicator table, and no slug.
                WHEN key = 'dataset_slug' THEN p_knows_slug AND NOT EXISTS (
                    SELECT FROM stage1_datasets d WHERE d.dataset_slug = p_said.dataset_slug)
                ELSE key NOT IN ('source', 'metadata') END;
            wanted := pg_catalog.jsonb_populate_record(stored, coalesce(news, '{}'));
            -- A column of a unique index in SET takes the lock of FOR UPDATE, whatever its value.
            IF wanted.dataset_slug <> stored.dataset_slug THEN
                UPDATE stage1_datasets d SET dataset_slug = wanted.dataset_slug
                WHERE d.dataset_id = p_said.dataset_id;
                stored.dataset_slug := wanted.dataset_slug;
            END IF;
            IF pg_catalog.to_jsonb(wanted) <> pg_catalog.to_jsonb(stored) THEN
                UPDATE stage1_datasets d SET (
                    symbol, granularity, ohlcv_measurement, indicator_measurement,
                    ohlcv_row_count, indicator_row_count, ohlcv_first_ts, ohlcv_last_ts,
                    indicator_first_ts, indicator_last_ts)
                    = (wanted.symbol, wanted.granularity, wanted.ohlcv_measurement,
                       wanted.indicator_measurement, wanted.ohlcv_row_count,
                       wanted.indicator_row_count, wanted.ohlcv_first_ts, wanted.ohlcv_last_ts,
                       wanted.indicator_first_ts, wanted.indicator_last_ts)
                WHERE d.dataset_id = p_said.dataset_id;
            END IF;
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            -- Another session took the slug, or wrote the row, at the same moment.
            attempts := attempts + 1;
            IF attempts = 5 THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;

COMMENT ON FUNCTION stage1_write_master(stage1_datasets, stage1_datasets, boolean, boolean) IS
    'Makes a dataset''s master row, or refreshes it with what a row of an earlier generation says '
    'and did not say before.';

CREATE OR REPLACE FUNCTION stage1_content_of_export(p_said stage1_datasets) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN pg_catalog.md5(pg_catalog.to_jsonb(p_said)::text)::uuid;
END
$$;

COMMENT ON FUNCTION stage1_content_of_export(stage1_datasets) IS
    'A hash of what a row of an earlier generation says of its dataset.';

-- Only what an update changes counts, and a statement that ran before takes nothing back of what
-- another writer has written into the master row since: old spools run each night.
CREATE OR REPLACE FUNCTION stage1_master_of_legacy_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said CONSTANT stage1_datasets := stage1_dataset_of_legacy_row(pg_catalog.to_jsonb(NEW));
    said_content CONSTANT uuid := stage1_content_of_export(said);
    is_new CONSTANT boolean := NOT EXISTS (
        SELECT FROM stage1_legacy_exports e
        WHERE e.dataset_id = said.dataset_id AND e.content = said_content);
BEGIN
    PERFORM stage1_write_master(
        said,
        CASE WHEN TG_OP = 'UPDATE' THEN stage1_dataset_of_legacy_row(pg_catalog.to_jsonb(OLD)) END,
        TG_TABLE_NAME = 'datasets', is_new);
    IF is_new THEN
        INSERT INTO stage1_legacy_exports (dataset_id, content)
        VALUES (said.dataset_id, said_content) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION stage1_master_of_legacy_row() IS
    'Trigger: makes or refreshes the master row of a row of indicator_datasets or datasets.';

-- A client may qualify the tables with their schema and have another search_path.
DO $$
DECLARE
    own regprocedure;
BEGIN
    FOREACH own IN ARRAY ARRAY[
        'stage1_before_dataset()', 'stage1_before_legacy_dataset()',
        'stage1_master_of_legacy_row()']::regprocedure[]
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', own, current_schema());
    END LOOP;
END
$$;
-- The text of a timestamp depends on it.
ALTER FUNCTION stage1_content_of_export(stage1_datasets) SET timezone = 'UTC';

-- A database as the first version of this schema left it (its sql/, applied by its migrate), with the first spool of
-- test/spool/generations replayed as far as that version took it. Made by pg_dump.
SET check_function_bodies = off; -- they name each other
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE FUNCTION fn_list_datasets(p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) RETURNS TABLE(dataset_id uuid, dataset_slug text, symbol text, granularity text, ohlcv_measurement text, indicator_measurement text, ohlcv_row_count bigint, indicator_row_count bigint, ohlcv_first_ts timestamp with time zone, ohlcv_last_ts timestamp with time zone, indicator_first_ts timestamp with time zone, indicator_last_ts timestamp with time zone, run_count bigint, simulation_count bigint, created_at timestamp with time zone, updated_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    SELECT * FROM dataset_catalog
    ORDER BY updated_at DESC, dataset_id DESC
    LIMIT p_limit OFFSET p_offset;
$$;
COMMENT ON FUNCTION fn_list_datasets(p_limit integer, p_offset integer) IS 'A page of dataset_catalog, last updated first.';
CREATE FUNCTION fn_list_runs(p_dataset_id uuid DEFAULT NULL::uuid, p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) RETURNS TABLE(run_id uuid, dataset_id uuid, dataset_slug text, ohlcv_measurement text, indicator_measurement text, prediction_measurement text, target_column text, feature_columns jsonb, hyperparameters jsonb, walk_config jsonb, status text, requested_by text, started_at timestamp with time zone, completed_at timestamp with time zone, duration_ms bigint, summary_metrics jsonb, serialized_config text, created_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    SELECT r.run_id, r.dataset_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement,
           r.prediction_measurement, r.target_column, r.feature_columns, r.hyperparameters, r.walk_config,
           r.status, r.requested_by, r.started_at, r.completed_at, r.duration_ms,
           r.summary_metrics, r.serialized_config, r.created_at
    FROM walkforward_runs r
    LEFT JOIN stage1_datasets d ON d.dataset_id = r.dataset_id
    WHERE p_dataset_id IS NULL OR r.dataset_id = p_dataset_id
    ORDER BY r.created_at DESC, r.run_id DESC
    LIMIT p_limit OFFSET p_offset;
$$;
COMMENT ON FUNCTION fn_list_runs(p_dataset_id uuid, p_limit integer, p_offset integer) IS 'A page of a dataset''s runs, or of all where the id is null, newest first, with the dataset''s slug and measurements.';
CREATE FUNCTION fn_list_simulations(p_run_id uuid DEFAULT NULL::uuid, p_limit integer DEFAULT 50, p_offset integer DEFAULT 0) RETURNS TABLE(simulation_id uuid, run_id uuid, dataset_id uuid, dataset_slug text, ohlcv_measurement text, indicator_measurement text, input_run_measurement text, questdb_namespace text, mode text, config jsonb, status text, started_at timestamp with time zone, completed_at timestamp with time zone, summary_metrics jsonb, serialized_config text, created_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    SELECT s.simulation_id, s.run_id, s.dataset_id, d.dataset_slug, d.ohlcv_measurement,
           d.indicator_measurement, s.input_run_measurement, s.questdb_namespace, s.mode, s.config,
           s.status, s.started_at, s.completed_at, s.summary_metrics, s.serialized_config,
           s.created_at
    FROM simulation_runs s
    LEFT JOIN stage1_datasets d ON d.dataset_id = s.dataset_id
    WHERE p_run_id IS NULL OR s.run_id = p_run_id
    ORDER BY s.created_at DESC, s.simulation_id DESC
    LIMIT p_limit OFFSET p_offset;
$$;
COMMENT ON FUNCTION fn_list_simulations(p_run_id uuid, p_limit integer, p_offset integer) IS 'A page of a run''s simulations, or of all where the id is null, newest first, with the dataset''s slug and measurements.';
CREATE FUNCTION patch_stage1_dataset(p_patch jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    id uuid := p_patch ->> 'dataset_id';
    stored stage1_datasets;
    wanted stage1_datasets;
BEGIN
    -- A row to patch, with the table's own defaults; the lock lets two patches of one dataset both arrive. Without a
    -- target, since two that insert the same dataset at once can meet on the slug before they meet on the id.
    INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement)
    SELECT id, p_patch ->> 'dataset_slug', '', ''
    WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = id)
    ON CONFLICT DO NOTHING;
    SELECT * INTO stored FROM stage1_datasets WHERE dataset_id = id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE unique_violation USING
            COLUMN = 'dataset_slug', MESSAGE = format('the slug "%s" is taken by another dataset', p_patch ->> 'dataset_slug');
    END IF;
    wanted := jsonb_populate_record(stored, p_patch - 'metadata');
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
COMMENT ON FUNCTION patch_stage1_dataset(p_patch jsonb) IS 'Writes the given columns of a dataset through upsert_stage1_dataset; columns that are left out keep their value.';
CREATE FUNCTION stage1_audited_patch(p_patch jsonb, p_token text, p_request_id text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM patch_stage1_dataset(p_patch);
    INSERT INTO stage1_audit (token, operation, ids, request_id)
    VALUES (p_token, 'upsertDataset', ARRAY[(p_patch ->> 'dataset_id')::uuid], p_request_id);
END
$$;
COMMENT ON FUNCTION stage1_audited_patch(p_patch jsonb, p_token text, p_request_id text) IS 'patch_stage1_dataset, and a row of stage1_audit that says who wrote: both or neither.';
CREATE FUNCTION stage1_dataset_search_text(p_dataset_slug text, p_symbol text, p_ohlcv_measurement text, p_indicator_measurement text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT p_dataset_slug || E'\n' || coalesce(p_symbol, '') || E'\n' || p_ohlcv_measurement || E'\n' || p_indicator_measurement
$$;
CREATE FUNCTION stage1_free_slug(p_wanted text, p_dataset_id uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
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
COMMENT ON FUNCTION stage1_free_slug(p_wanted text, p_dataset_id uuid) IS 'The wanted slug, or the wanted slug followed by a part of the id where another dataset holds it. Warns when it differs.';
CREATE FUNCTION stage1_json_object(p_json jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    AS $$
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
CREATE FUNCTION stage1_master_of_legacy_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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
CREATE FUNCTION stage1_notify_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('stage1_changes', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
    RETURN NULL;
END
$$;
CREATE FUNCTION stage1_one_name_of_legacy_row() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION stage1_run_status(p_status text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN p_status IN ('COMPLETED', 'RUNNING', 'FAILED', 'QUEUED', 'PENDING', 'CANCELLED') THEN p_status  -- nearly all: sooner
        WHEN upper(btrim(p_status)) IN ('PENDING', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')
        THEN upper(btrim(p_status)) ELSE 'UNKNOWN' END
$$;
CREATE FUNCTION stage1_simulation_mode(p_mode text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN p_mode = 'long' THEN 'LONG'
        WHEN p_mode = 'short' THEN 'SHORT'
        WHEN p_mode = 'dual' THEN 'DUAL'
        WHEN upper(btrim(p_mode)) IN ('LONG', 'SHORT', 'DUAL')
        THEN upper(btrim(p_mode)) ELSE 'UNKNOWN' END
$$;
CREATE FUNCTION stage1_timestamp_json(p_at timestamp with time zone) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
DECLARE
    iso CONSTANT text := to_json(p_at AT TIME ZONE 'UTC') #>> '{}';
    stored_year CONSTANT integer := CASE WHEN isfinite(p_at) THEN split_part(iso, '-', 1) END;
    shown_year CONSTANT integer := CASE WHEN iso LIKE '% BC' THEN 1 - stored_year ELSE stored_year END;  -- 1 BC is the year 0
BEGIN
    IF shown_year IS NULL THEN
        RETURN to_json(iso);
    END IF;
    RETURN to_json(
        CASE WHEN shown_year > 9999 THEN '+' WHEN shown_year < 0 THEN '-' ELSE '' END
        || lpad(abs(shown_year)::text, CASE WHEN shown_year BETWEEN 0 AND 9999 THEN 4 ELSE 6 END, '0')
        || regexp_replace(iso, '^\d+(.*?)( BC)?$', '\1') || 'Z');
END
$_$;
CREATE FUNCTION stage1_touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE FUNCTION stage1_unnoticed_changes() RETURNS TABLE(on_table text, name text, events text, each text, enabled text)
    LANGUAGE sql STABLE
    AS $$
    SELECT written.on_table, wanted.name, wanted.events, wanted.each, wanted.enabled
    FROM unnest(ARRAY['stage1_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs', 'simulation_trades',
                      'simulation_trade_buckets']) AS written (on_table),
         (VALUES
            ('stage1_notify_change', 'INSERT OR UPDATE OR DELETE OR TRUNCATE', 'STATEMENT', 60, 'ALWAYS'),
            ('stage1_notify_replicated', 'INSERT OR UPDATE OR DELETE', 'ROW', 29, 'REPLICA')
         ) AS wanted (name, events, each, type, enabled)
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger t
        WHERE t.tgrelid = to_regclass(written.on_table) AND t.tgname = wanted.name AND t.tgtype = wanted.type
          AND t.tgfoid = to_regproc('stage1_notify_change') AND t.tgattr = '' AND t.tgqual IS NULL
          AND t.tgenabled::text = left(wanted.enabled, 1))
$$;
CREATE FUNCTION upsert_stage1_dataset(p_dataset_id uuid, p_dataset_slug text, p_symbol text, p_granularity text, p_source text, p_ohlcv_measurement text, p_indicator_measurement text, p_ohlcv_rows bigint, p_indicator_rows bigint, p_ohlcv_first timestamp with time zone, p_ohlcv_last timestamp with time zone, p_indicator_first timestamp with time zone, p_indicator_last timestamp with time zone, p_metadata jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
$$;
COMMENT ON FUNCTION upsert_stage1_dataset(p_dataset_id uuid, p_dataset_slug text, p_symbol text, p_granularity text, p_source text, p_ohlcv_measurement text, p_indicator_measurement text, p_ohlcv_rows bigint, p_indicator_rows bigint, p_ohlcv_first timestamp with time zone, p_ohlcv_last timestamp with time zone, p_indicator_first timestamp with time zone, p_indicator_last timestamp with time zone, p_metadata jsonb) IS 'Writes a whole dataset: each column takes the given value, metadata is merged into what is stored.';
CREATE TABLE simulation_runs (
    simulation_id uuid DEFAULT gen_random_uuid() NOT NULL,
    run_id uuid,
    dataset_id uuid,
    input_run_measurement text NOT NULL,
    questdb_namespace text,
    mode text NOT NULL,
    config jsonb NOT NULL,
    status text NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    summary_metrics jsonb,
    serialized_config text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE stage1_datasets (
    dataset_id uuid NOT NULL,
    dataset_slug text NOT NULL,
    symbol text,
    granularity text,
    source text DEFAULT 'laptop_imgui'::text,
    ohlcv_measurement text NOT NULL,
    indicator_measurement text NOT NULL,
    ohlcv_row_count bigint DEFAULT 0,
    indicator_row_count bigint DEFAULT 0,
    ohlcv_first_ts timestamp with time zone,
    ohlcv_last_ts timestamp with time zone,
    indicator_first_ts timestamp with time zone,
    indicator_last_ts timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE stage1_datasets IS 'A dataset: its OHLCV table and its indicator table in QuestDB, and this row about both.';
COMMENT ON COLUMN stage1_datasets.dataset_slug IS 'The name people use. Unique.';
COMMENT ON COLUMN stage1_datasets.ohlcv_measurement IS 'QuestDB table of the OHLCV bars; empty: not exported yet.';
COMMENT ON COLUMN stage1_datasets.indicator_measurement IS 'QuestDB table of the indicators; empty: not exported yet.';
COMMENT ON COLUMN stage1_datasets.updated_at IS 'Kept by a trigger: when the row was last written.';
CREATE TABLE walkforward_runs (
    run_id uuid DEFAULT gen_random_uuid() NOT NULL,
    dataset_id uuid,
    prediction_measurement text NOT NULL,
    target_column text NOT NULL,
    feature_columns jsonb NOT NULL,
    hyperparameters jsonb NOT NULL,
    walk_config jsonb NOT NULL,
    status text NOT NULL,
    requested_by text,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    duration_ms bigint,
    summary_metrics jsonb,
    serialized_config text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE VIEW dataset_catalog AS
 SELECT d.dataset_id,
    d.dataset_slug,
    d.symbol,
    d.granularity,
    d.ohlcv_measurement,
    d.indicator_measurement,
    d.ohlcv_row_count,
    d.indicator_row_count,
    d.ohlcv_first_ts,
    d.ohlcv_last_ts,
    d.indicator_first_ts,
    d.indicator_last_ts,
    ( SELECT count(*) AS count
           FROM walkforward_runs r
          WHERE (r.dataset_id = d.dataset_id)) AS run_count,
    ( SELECT count(*) AS count
           FROM simulation_runs s
          WHERE (s.dataset_id = d.dataset_id)) AS simulation_count,
    d.created_at,
    d.updated_at
   FROM stage1_datasets d;
COMMENT ON VIEW dataset_catalog IS 'Every dataset with both measurements and the number of its runs and simulations.';
CREATE VIEW dataset_hierarchy AS
 SELECT d.dataset_id,
    d.dataset_slug,
    d.ohlcv_measurement,
    d.indicator_measurement,
    leaf.run_id,
    leaf.prediction_measurement,
    leaf.serialized_config,
    leaf.simulation_id,
    leaf.questdb_namespace,
    COALESCE(leaf.simulation_status, leaf.run_status) AS status,
    leaf.run_status,
    leaf.simulation_status,
    leaf.simulation_serialized_config
   FROM (stage1_datasets d
     LEFT JOIN LATERAL ( SELECT r.run_id,
            r.prediction_measurement,
            r.serialized_config,
            r.status AS run_status,
            s.simulation_id,
            s.questdb_namespace,
            s.status AS simulation_status,
            s.serialized_config AS simulation_serialized_config
           FROM (walkforward_runs r
             LEFT JOIN simulation_runs s ON ((s.run_id = r.run_id)))
          WHERE (r.dataset_id = d.dataset_id)
        UNION ALL
         SELECT r.run_id,
            r.prediction_measurement,
            r.serialized_config,
            r.status,
            s.simulation_id,
            s.questdb_namespace,
            s.status,
            s.serialized_config
           FROM (simulation_runs s
             LEFT JOIN LATERAL ( SELECT own.run_id,
                    own.dataset_id,
                    own.prediction_measurement,
                    own.serialized_config,
                    own.status
                   FROM walkforward_runs own
                  WHERE (own.run_id = s.run_id)
                 LIMIT 1) r ON (true))
          WHERE ((s.dataset_id = d.dataset_id) AND (r.dataset_id IS NULL))) leaf ON (true));
COMMENT ON VIEW dataset_hierarchy IS 'Dataset, run and simulation in one row. status is the simulation''s, or the run''s where there is none.';
CREATE TABLE indicator_datasets (
    dataset_id uuid DEFAULT gen_random_uuid() NOT NULL,
    symbol text NOT NULL,
    granularity text NOT NULL,
    source text NOT NULL,
    questdb_tag text,
    questdb_measurement text,
    column_schema jsonb,
    row_count bigint,
    first_bar_ts timestamp with time zone,
    last_bar_ts timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now(),
    CONSTRAINT indicator_datasets_row_count_check CHECK ((row_count >= 0))
);
CREATE TABLE simulation_trade_buckets (
    simulation_id uuid NOT NULL,
    side text NOT NULL,
    trade_count bigint NOT NULL,
    win_count bigint NOT NULL,
    profit_factor double precision,
    avg_return_pct double precision,
    max_drawdown_pct double precision,
    notes text,
    CONSTRAINT simulation_trade_buckets_side_check CHECK ((side = ANY (ARRAY['long'::text, 'short'::text, 'all'::text])))
);
CREATE TABLE simulation_trades (
    trade_id uuid DEFAULT gen_random_uuid() NOT NULL,
    simulation_id uuid NOT NULL,
    bar_timestamp timestamp with time zone NOT NULL,
    side text NOT NULL,
    size double precision NOT NULL,
    entry_price double precision NOT NULL,
    exit_price double precision,
    pnl double precision,
    return_pct double precision,
    metadata jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now(),
    CONSTRAINT simulation_trades_side_check CHECK ((side = ANY (ARRAY['long'::text, 'short'::text])))
);
CREATE TABLE stage1_audit (
    audit_id bigint NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    token text,
    operation text NOT NULL,
    ids uuid[] NOT NULL,
    request_id text NOT NULL
);
COMMENT ON TABLE stage1_audit IS 'Who wrote what through the API: a row for each write. What psql, libpq and replay write is not here.';
COMMENT ON COLUMN stage1_audit.audit_id IS 'In the order of writing, but for writes at the same moment. A missing number need not have been a row.';
COMMENT ON COLUMN stage1_audit.written_at IS 'When the statement wrote, not when its transaction began.';
COMMENT ON COLUMN stage1_audit.token IS 'Name of the token that the request came with; NULL: the server asked for none.';
COMMENT ON COLUMN stage1_audit.operation IS 'The API''s field: upsertDataset.';
COMMENT ON COLUMN stage1_audit.ids IS 'Keys of the rows that were written, of what the operation is about: dataset_id for upsertDataset.';
COMMENT ON COLUMN stage1_audit.request_id IS 'Stands in the server''s log and in the answer''s header x-request-id.';
ALTER TABLE stage1_audit ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME stage1_audit_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE stage1_replay_rejections (
    replay_id bigint NOT NULL,
    first_byte bigint NOT NULL,
    end_byte bigint NOT NULL,
    line bigint NOT NULL,
    statements bigint NOT NULL,
    object text,
    reason text NOT NULL,
    superseded_by_line bigint
);
COMMENT ON TABLE stage1_replay_rejections IS 'Stretches of a spool that were not written, and why.';
COMMENT ON COLUMN stage1_replay_rejections.object IS 'The dataset, run or simulation that the stretch belongs to, with its id.';
COMMENT ON COLUMN stage1_replay_rejections.superseded_by_line IS 'Where a later export of the object begins that was written. It may hold less than the rejected one.';
CREATE TABLE stage1_replays (
    replay_id bigint NOT NULL,
    token uuid DEFAULT gen_random_uuid() NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    lines bigint NOT NULL,
    statements bigint DEFAULT 0 NOT NULL,
    reported_bytes bigint DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE stage1_replays IS 'How far each spool of pending inserts was replayed: a row for each replay.';
COMMENT ON COLUMN stage1_replays.token IS 'What the file of rejected statements knows the replay by.';
COMMENT ON COLUMN stage1_replays.bytes IS 'So many bytes from its beginning are done: each statement is written, or rejected.';
COMMENT ON COLUMN stage1_replays.sha256 IS 'Of these bytes, hexadecimal.';
COMMENT ON COLUMN stage1_replays.lines IS 'Line on which the rest begins, from 1.';
COMMENT ON COLUMN stage1_replays.statements IS 'Statements that were written.';
COMMENT ON COLUMN stage1_replays.reported_bytes IS 'Rejections before this byte stand in the file of rejected statements.';
ALTER TABLE stage1_replays ALTER COLUMN replay_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME stage1_replays_replay_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE stage1_schema_ledger (
    file text NOT NULL,
    sha256 text NOT NULL,
    version text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE stage1_schema_ledger IS 'Schema files applied by stage1-lineage, with the hash of each and the version that applied it.';
CREATE TABLE walkforward_folds (
    run_id uuid NOT NULL,
    fold_number integer NOT NULL,
    train_start_idx bigint NOT NULL,
    train_end_idx bigint NOT NULL,
    test_start_idx bigint NOT NULL,
    test_end_idx bigint NOT NULL,
    samples_train bigint NOT NULL,
    samples_test bigint NOT NULL,
    best_iteration integer,
    best_score double precision,
    thresholds jsonb NOT NULL,
    metrics jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now()
);
INSERT INTO indicator_datasets VALUES ('a1000000-0000-4000-8000-000000000001', 'UNKNOWN', '1h', 'laptop_imgui', 'alpha_1_ind', 'alpha_1_ind', NULL, 631, '2023-07-03 00:00:00+00', '2024-12-26 04:00:00+00', '2025-11-06 13:05:17+00', '2026-11-27 20:58:41.989577+00');
INSERT INTO stage1_datasets VALUES ('a1000000-0000-4000-8000-000000000001', 'alpha_1_ind', 'UNKNOWN', '1h', 'laptop_imgui', '', 'alpha_1_ind', 0, 631, NULL, NULL, '2023-07-03 00:00:00+00', '2024-12-26 04:00:00+00', '{"legacy_source": "laptop_imgui"}', '2026-11-27 20:58:41.989577+00', '2026-11-27 20:58:41.989577+00');
INSERT INTO stage1_replay_rejections VALUES (1, 4171, 5044, 57, 1, 'simulation c1000000-0000-4000-8000-000000000001', 'rejected with line 68', NULL);
INSERT INTO stage1_replay_rejections VALUES (1, 5044, 5579, 68, 1, 'simulation c1000000-0000-4000-8000-000000000001', 'a value is not allowed in simulation_trade_buckets: side', NULL);
INSERT INTO stage1_replay_rejections VALUES (1, 5579, 7319, 78, 3, 'simulation c1000000-0000-4000-8000-000000000001', 'rejected with line 68', NULL);
INSERT INTO stage1_replays VALUES (1, '6ca2482c-796b-4eb3-87b9-e4b44ca319b7', 7319, '8df318f989b3475fe759c6c1262e96cd57d0f9dd3e3059048ae7f0cbef04a1ff', 108, 4, 7319, '2026-11-27 20:58:41.968974+00', '2026-11-27 20:58:42.017817+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0001_stage1_3_tables.sql', 'c95f8eb4deb1a72074581d096d4fd430e25e25101fd14b342c5e6aa672862279', '0.1.0', '2026-11-27 20:58:41.398612+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0001a_former_routines.sql', '70e21378a5c1b2106173f17978276bbc7254cbf76aa3ecd10f929948cd8f8104', '0.1.0', '2026-11-27 20:58:41.422018+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0001b_columns.sql', '930481b8482de0966c6138ec449b83c8e2f71929d71f674fdc2a03ba397d0428', '0.1.0', '2026-11-27 20:58:41.432077+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0001c_constraint_names.sql', 'c5cc6c1db17b06d988965bff0ba6158e52bcaf103fc345ba4c3b148420fbd744', '0.1.0', '2026-11-27 20:58:41.442347+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0001d_indexes.sql', '3dec48a3ee095939ba608bac286bbfe447b3a932d1421d95db7a83fd7fb20458', '0.1.0', '2026-11-27 20:58:41.48377+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0001e_names.sql', '7e7a81e4d86635a931296ad2ff2ee0e8ab65e67c27a5473f594dccf80252cca1', '0.1.0', '2026-11-27 20:58:41.484187+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0002_one_shape_for_both_variants.sql', '2353cd15d564cfa5143a6384cbb965e5ca7a3e18cdbfde14654e459bf1459155', '0.1.0', '2026-11-27 20:58:41.485621+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0003_stage1_datasets.sql', '6ed1f4d0c6ae5a6c369b783a4355538e2579bec292df421088b24ee09cf64e31', '0.1.0', '2026-11-27 20:58:41.503329+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0003a_legacy_writers.sql', '16f666791a18724937a95cdb93203425209a262aef72148a8c4e97339605032e', '0.1.0', '2026-11-27 20:58:41.521642+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0004_foreign_keys_to_stage1_datasets.sql', '3f0ddbe9054a4c968e8ca59004acf8931d356074cde7ed3ab26a1bb303357d8a', '0.1.0', '2026-11-27 20:58:41.527814+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0005_validate_foreign_keys.sql', '1052dbd6e24aba29342d4c1384d8a5952df88ef65ba22d1e874fc1e3e436f144', '0.1.0', '2026-11-27 20:58:41.533545+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0006_unique_measurements.sql', 'd95683cf3838f10da649a578668ddb34a24dd9ef250b9580f63514c75c7dd833', '0.1.0', '2026-11-27 20:58:41.536036+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0007_indexes_for_paging.sql', 'a3da8216eb3b259efac2cc6f9d56766cb10d6e3283a40286a96b6fb7ebea2282', '0.1.0', '2026-11-27 20:58:41.541808+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0008_one_schema.sql', '9f7a2b6ac466ae22f575db60fa5f8aec8163beec79fb433c374d120b546582d5', '0.1.0', '2026-11-27 20:58:41.559995+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0008a_validate.sql', 'abc462f4bf8afa833c9788ad94c0a76d979609c40cf0642882c27dcfc3f54fbf', '0.1.0', '2026-11-27 20:58:41.566626+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0008b_not_null.sql', '0a7ddcd3912c700fe8136354b0a8c88b567f7fae89f33b16bbf4d0ef411a8698', '0.1.0', '2026-11-27 20:58:41.569127+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0009_replays.sql', '65c7a66c9d9a40d350bae9dae84b3d7d65ec3c6945a1c752e9c978b03a9cb00e', '0.1.0', '2026-11-27 20:58:41.570816+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0010_search_after_writes.sql', 'cad2fa485ee107062d4358d4130af1db842aafa4e92739a1f527046e694c69d6', '0.1.0', '2026-11-27 20:58:41.581905+00');
INSERT INTO stage1_schema_ledger VALUES ('migrations/0011_audit.sql', 'ad3f114ec7c37084bc3dd24dbde77106ce138a671c0bde8bc4633cac14ab0a7b', '0.1.0', '2026-11-27 20:58:41.584221+00');
INSERT INTO stage1_schema_ledger VALUES ('views/05_former_names.sql', 'a7d20c89d8865c8796a151a8aaf3bb7fd01a32be41d82a1081ea3738256dd9d4', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('views/10_dataset_catalog.sql', '1b273af02ff684f45b9b5c32a98fe8e417d9ff46d2bc549ce177a929b1cf7bde', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('views/20_dataset_hierarchy.sql', 'bf0be527d63d7cd71d6fb94fff65082729e3ecd94ee25491b86fbba98d4482c6', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/10_updated_at.sql', 'fc0405054951f4e0abb1d46ca2c93e7caac000de7fc8b7b0a208a4142a2a62f6', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/20_upsert_stage1_dataset.sql', '456c9946a63acdce9d5bd937d65d0a723690fc79f9d327b5c17983dbe0241555', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/30_patch_stage1_dataset.sql', 'd861a4b184663bc63e1dfaa9ac1094b56451cad7ca68b2d0c859d8ab47a299bd', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/40_audited_patch.sql', 'b563648e126cc98c60cb3ab43a9e2e9b2be8f4b59a997ac84b7344261a8ab1bd', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/50_vocabulary.sql', '1fc068bfa6bdc7267b737c8549df79c8554e1a52e7356abd8baf2fb5deaaf23e', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/55_timestamps.sql', '469fde8a8033791dc2049b9c5b248a8b1d2e2aef4aad2d59b1bb58963e0f0af3', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/60_list_pages.sql', 'd1cc0bb79f3a816ff8383eb1ad6f88f5264e156eb2972a72b63a871db27b924f', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('functions/70_changes.sql', '4bf7599bc5d90704be3e9a2480d0cc546f29ea26892c08080dbcefaee20c00a8', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO stage1_schema_ledger VALUES ('grants.sql', 'a6e7f80dd0cfec45a7e70ef86c319c5322ab95c092a09b690cf603e3856ee134', '0.1.0', '2026-11-27 20:58:41.592092+00');
INSERT INTO walkforward_folds VALUES ('b1000000-0000-4000-8000-000000000001', 0, 0, 650, 654, 678, 650, 24, 117, 0.001105, '{"long_optimal": 0.798373, "short_scaled": -0.6, "short_optimal": -0.612000, "short_original": -0.5, "long_percentile": 1.2, "dynamic_positive": 0.1, "short_percentile": -1.1, "prediction_scaled": 0.798373, "prediction_original": 0.7}', '{"hit_rate": 0.500000, "n_signals": 6, "running_sum": -477.460000, "short_hit_rate": 0.400000, "used_cached_model": true, "profit_factor_test": 1.132000, "model_learned_nothing": false}', '2026-11-27 20:58:41.989577+00');
INSERT INTO walkforward_folds VALUES ('b1000000-0000-4000-8000-000000000001', 1, 0, 650, 654, 678, 650, 24, NULL, NULL, '{"long_optimal": 0.798373, "short_scaled": -0.6, "short_optimal": -0.612000, "short_original": -0.5, "long_percentile": 1.2, "dynamic_positive": 0.1, "short_percentile": -1.1, "prediction_scaled": 0.798373, "prediction_original": 0.7}', '{"hit_rate": 0.500000, "n_signals": 6, "running_sum": -477.460000, "short_hit_rate": 0.400000, "used_cached_model": true, "profit_factor_test": 1.132000, "model_learned_nothing": false}', '2026-11-27 20:58:41.989577+00');
INSERT INTO walkforward_runs VALUES ('b1000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'alpha_1_wf1', 'TGT_115', '["F_A", "F_B"]', '{"max_depth": 4, "learning_rate": 0.010000, "threshold_method": "OptimalROC"}', '{"end_fold": -1, "fold_step": 24, "test_size": 24, "start_fold": 0, "train_size": 650, "initial_offset": 0, "train_test_gap": 4}', 'COMPLETED', 'someone', '2025-11-03 08:52:48+00', '2025-11-03 08:59:19+00', 391444, '{"folds": 2, "pf_dual": 1.11875}', NULL, '2025-11-03 08:52:48+00');
SELECT pg_catalog.setval('stage1_audit_audit_id_seq', 1, false);
SELECT pg_catalog.setval('stage1_replays_replay_id_seq', 1, true);
ALTER TABLE ONLY indicator_datasets
    ADD CONSTRAINT indicator_datasets_pkey PRIMARY KEY (dataset_id);
ALTER TABLE ONLY indicator_datasets
    ADD CONSTRAINT indicator_datasets_questdb_measurement_key UNIQUE (questdb_measurement);
ALTER TABLE ONLY indicator_datasets
    ADD CONSTRAINT indicator_datasets_questdb_tag_key UNIQUE (questdb_tag);
ALTER TABLE ONLY simulation_runs
    ADD CONSTRAINT simulation_runs_pkey PRIMARY KEY (simulation_id);
ALTER TABLE ONLY simulation_runs
    ADD CONSTRAINT simulation_runs_run_namespace_uq UNIQUE (run_id, questdb_namespace);
ALTER TABLE ONLY simulation_trade_buckets
    ADD CONSTRAINT simulation_trade_buckets_pkey PRIMARY KEY (simulation_id, side);
ALTER TABLE ONLY simulation_trades
    ADD CONSTRAINT simulation_trades_pkey PRIMARY KEY (trade_id);
ALTER TABLE ONLY stage1_audit
    ADD CONSTRAINT stage1_audit_pkey PRIMARY KEY (audit_id);
ALTER TABLE ONLY stage1_datasets
    ADD CONSTRAINT stage1_datasets_dataset_slug_key UNIQUE (dataset_slug);
ALTER TABLE ONLY stage1_datasets
    ADD CONSTRAINT stage1_datasets_pkey PRIMARY KEY (dataset_id);
ALTER TABLE ONLY stage1_replay_rejections
    ADD CONSTRAINT stage1_replay_rejections_pkey PRIMARY KEY (replay_id, first_byte);
ALTER TABLE ONLY stage1_replays
    ADD CONSTRAINT stage1_replays_pkey PRIMARY KEY (replay_id);
ALTER TABLE ONLY stage1_schema_ledger
    ADD CONSTRAINT stage1_schema_ledger_pkey PRIMARY KEY (file);
ALTER TABLE ONLY walkforward_folds
    ADD CONSTRAINT walkforward_folds_pkey PRIMARY KEY (run_id, fold_number);
ALTER TABLE ONLY walkforward_runs
    ADD CONSTRAINT walkforward_runs_dataset_measurement_uq UNIQUE (dataset_id, prediction_measurement);
ALTER TABLE ONLY walkforward_runs
    ADD CONSTRAINT walkforward_runs_pkey PRIMARY KEY (run_id);
CREATE INDEX idx_indicator_datasets_symbol_granularity ON indicator_datasets USING btree (symbol, granularity);
CREATE INDEX idx_indicator_measurement ON stage1_datasets USING btree (indicator_measurement);
CREATE INDEX idx_simulation_runs_created ON simulation_runs USING btree (created_at, simulation_id);
CREATE INDEX idx_simulation_runs_dataset_created ON simulation_runs USING btree (dataset_id, created_at, simulation_id);
CREATE INDEX idx_simulation_runs_namespace ON simulation_runs USING btree (questdb_namespace);
CREATE INDEX idx_simulation_runs_run_created ON simulation_runs USING btree (run_id, created_at, simulation_id);
CREATE INDEX idx_simulation_trades_simulation_bar ON simulation_trades USING btree (simulation_id, bar_timestamp, trade_id);
CREATE INDEX idx_stage1_audit_ids ON stage1_audit USING gin (ids) WITH (fastupdate=off);
CREATE INDEX idx_stage1_audit_written ON stage1_audit USING btree (written_at);
CREATE INDEX idx_stage1_datasets_created ON stage1_datasets USING btree (created_at, dataset_id);
CREATE INDEX idx_stage1_datasets_measurements ON stage1_datasets USING btree (ohlcv_measurement, indicator_measurement);
CREATE INDEX idx_stage1_datasets_search ON stage1_datasets USING gin (stage1_dataset_search_text(dataset_slug, symbol, ohlcv_measurement, indicator_measurement) gin_trgm_ops) WITH (gin_pending_list_limit='64');
CREATE INDEX idx_stage1_datasets_updated ON stage1_datasets USING btree (updated_at, dataset_id);
CREATE INDEX idx_stage1_replay_rejections_object ON stage1_replay_rejections USING btree (replay_id, object);
CREATE INDEX idx_walkforward_runs_created ON walkforward_runs USING btree (created_at, run_id);
CREATE INDEX idx_walkforward_runs_dataset_created ON walkforward_runs USING btree (dataset_id, created_at, run_id);
CREATE INDEX idx_walkforward_runs_measurement ON walkforward_runs USING btree (prediction_measurement);
CREATE TRIGGER "INDICATOR_DATASETS_MASTER_ROW" AFTER INSERT OR UPDATE ON indicator_datasets FOR EACH ROW EXECUTE FUNCTION stage1_master_of_legacy_row();
CREATE TRIGGER indicator_datasets_one_name BEFORE INSERT OR UPDATE ON indicator_datasets FOR EACH ROW EXECUTE FUNCTION stage1_one_name_of_legacy_row();
CREATE TRIGGER stage1_datasets_touch_updated_at BEFORE UPDATE ON stage1_datasets FOR EACH ROW EXECUTE FUNCTION stage1_touch_updated_at();
CREATE TRIGGER stage1_notify_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON simulation_runs FOR EACH STATEMENT EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE simulation_runs ENABLE ALWAYS TRIGGER stage1_notify_change;
CREATE TRIGGER stage1_notify_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON simulation_trade_buckets FOR EACH STATEMENT EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE simulation_trade_buckets ENABLE ALWAYS TRIGGER stage1_notify_change;
CREATE TRIGGER stage1_notify_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON simulation_trades FOR EACH STATEMENT EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE simulation_trades ENABLE ALWAYS TRIGGER stage1_notify_change;
CREATE TRIGGER stage1_notify_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON stage1_datasets FOR EACH STATEMENT EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE stage1_datasets ENABLE ALWAYS TRIGGER stage1_notify_change;
CREATE TRIGGER stage1_notify_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON walkforward_folds FOR EACH STATEMENT EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE walkforward_folds ENABLE ALWAYS TRIGGER stage1_notify_change;
CREATE TRIGGER stage1_notify_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON walkforward_runs FOR EACH STATEMENT EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE walkforward_runs ENABLE ALWAYS TRIGGER stage1_notify_change;
CREATE TRIGGER stage1_notify_replicated AFTER INSERT OR DELETE OR UPDATE ON simulation_runs FOR EACH ROW EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE simulation_runs ENABLE REPLICA TRIGGER stage1_notify_replicated;
CREATE TRIGGER stage1_notify_replicated AFTER INSERT OR DELETE OR UPDATE ON simulation_trade_buckets FOR EACH ROW EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE simulation_trade_buckets ENABLE REPLICA TRIGGER stage1_notify_replicated;
CREATE TRIGGER stage1_notify_replicated AFTER INSERT OR DELETE OR UPDATE ON simulation_trades FOR EACH ROW EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE simulation_trades ENABLE REPLICA TRIGGER stage1_notify_replicated;
CREATE TRIGGER stage1_notify_replicated AFTER INSERT OR DELETE OR UPDATE ON stage1_datasets FOR EACH ROW EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE stage1_datasets ENABLE REPLICA TRIGGER stage1_notify_replicated;
CREATE TRIGGER stage1_notify_replicated AFTER INSERT OR DELETE OR UPDATE ON walkforward_folds FOR EACH ROW EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE walkforward_folds ENABLE REPLICA TRIGGER stage1_notify_replicated;
CREATE TRIGGER stage1_notify_replicated AFTER INSERT OR DELETE OR UPDATE ON walkforward_runs FOR EACH ROW EXECUTE FUNCTION stage1_notify_change();
ALTER TABLE walkforward_runs ENABLE REPLICA TRIGGER stage1_notify_replicated;
ALTER TABLE ONLY indicator_datasets
    ADD CONSTRAINT indicator_datasets_stage1_fk FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id) ON DELETE CASCADE;
ALTER TABLE ONLY simulation_runs
    ADD CONSTRAINT simulation_runs_dataset_fk FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id);
ALTER TABLE ONLY simulation_runs
    ADD CONSTRAINT simulation_runs_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs(run_id) ON DELETE SET NULL;
ALTER TABLE ONLY simulation_trade_buckets
    ADD CONSTRAINT simulation_trade_buckets_simulation_id_fkey FOREIGN KEY (simulation_id) REFERENCES simulation_runs(simulation_id) ON DELETE CASCADE;
ALTER TABLE ONLY simulation_trades
    ADD CONSTRAINT simulation_trades_simulation_id_fkey FOREIGN KEY (simulation_id) REFERENCES simulation_runs(simulation_id) ON DELETE CASCADE;
ALTER TABLE ONLY stage1_replay_rejections
    ADD CONSTRAINT stage1_replay_rejections_replay_fk FOREIGN KEY (replay_id) REFERENCES stage1_replays(replay_id);
ALTER TABLE ONLY walkforward_folds
    ADD CONSTRAINT walkforward_folds_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs(run_id) ON DELETE CASCADE;
ALTER TABLE ONLY walkforward_runs
    ADD CONSTRAINT walkforward_runs_dataset_fk FOREIGN KEY (dataset_id) REFERENCES stage1_datasets(dataset_id);
GRANT USAGE ON SCHEMA public TO stage1_app;
GRANT ALL ON FUNCTION fn_list_datasets(p_limit integer, p_offset integer) TO stage1_app;
GRANT ALL ON FUNCTION fn_list_runs(p_dataset_id uuid, p_limit integer, p_offset integer) TO stage1_app;
GRANT ALL ON FUNCTION fn_list_simulations(p_run_id uuid, p_limit integer, p_offset integer) TO stage1_app;
GRANT ALL ON FUNCTION patch_stage1_dataset(p_patch jsonb) TO stage1_app;
GRANT ALL ON FUNCTION stage1_audited_patch(p_patch jsonb, p_token text, p_request_id text) TO stage1_app;
GRANT ALL ON FUNCTION stage1_dataset_search_text(p_dataset_slug text, p_symbol text, p_ohlcv_measurement text, p_indicator_measurement text) TO stage1_app;
GRANT ALL ON FUNCTION stage1_free_slug(p_wanted text, p_dataset_id uuid) TO stage1_app;
GRANT ALL ON FUNCTION stage1_json_object(p_json jsonb) TO stage1_app;
GRANT ALL ON FUNCTION stage1_master_of_legacy_row() TO stage1_app;
GRANT ALL ON FUNCTION stage1_notify_change() TO stage1_app;
GRANT ALL ON FUNCTION stage1_one_name_of_legacy_row() TO stage1_app;
GRANT ALL ON FUNCTION stage1_run_status(p_status text) TO stage1_app;
GRANT ALL ON FUNCTION stage1_simulation_mode(p_mode text) TO stage1_app;
GRANT ALL ON FUNCTION stage1_timestamp_json(p_at timestamp with time zone) TO stage1_app;
GRANT ALL ON FUNCTION stage1_touch_updated_at() TO stage1_app;
GRANT ALL ON FUNCTION stage1_unnoticed_changes() TO stage1_app;
GRANT ALL ON FUNCTION upsert_stage1_dataset(p_dataset_id uuid, p_dataset_slug text, p_symbol text, p_granularity text, p_source text, p_ohlcv_measurement text, p_indicator_measurement text, p_ohlcv_rows bigint, p_indicator_rows bigint, p_ohlcv_first timestamp with time zone, p_ohlcv_last timestamp with time zone, p_indicator_first timestamp with time zone, p_indicator_last timestamp with time zone, p_metadata jsonb) TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE simulation_runs TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE stage1_datasets TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE walkforward_runs TO stage1_app;
GRANT SELECT ON TABLE dataset_catalog TO stage1_app;
GRANT SELECT ON TABLE dataset_hierarchy TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE indicator_datasets TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE simulation_trade_buckets TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE simulation_trades TO stage1_app;
GRANT SELECT,INSERT ON TABLE stage1_audit TO stage1_app;
GRANT SELECT ON SEQUENCE stage1_audit_audit_id_seq TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE stage1_replay_rejections TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE stage1_replays TO stage1_app;
GRANT SELECT ON SEQUENCE stage1_replays_replay_id_seq TO stage1_app;
GRANT SELECT ON TABLE stage1_schema_ledger TO stage1_app;
GRANT SELECT,INSERT,UPDATE ON TABLE walkforward_folds TO stage1_app;
RESET check_function_bodies;

-- Triggers that run for every writer of runs, folds and simulations: all generations, replay, libpq
-- and psql. migrations/0001aa creates the triggers, this file their functions.

-- The dataset that an id stands for: the id itself, or the stored dataset of which it is an alias.
CREATE OR REPLACE FUNCTION stage1_dataset_id(p_dataset_id uuid) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
DECLARE
    stored uuid;
BEGIN
    SELECT a.dataset_id INTO stored FROM stage1_dataset_aliases a WHERE a.alias_id = p_dataset_id;
    IF NOT FOUND THEN
        RETURN p_dataset_id;
    END IF;
    -- A dataset may have been stored under the alias since.
    IF EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = p_dataset_id)
       AND NOT stage1_is_placeholder('dataset', p_dataset_id) THEN
        RETURN p_dataset_id;
    END IF;
    RETURN stored;
END
$$;

COMMENT ON FUNCTION stage1_dataset_id(uuid) IS
    'The dataset that rows with this dataset_id belong to: the id itself, or the one that it is an '
    'alias of.';

CREATE OR REPLACE FUNCTION stage1_is_placeholder(p_object text, p_id uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM stage1_placeholders p
        WHERE p.object = p_object AND p.id = p_id AND p.filled_at IS NULL)
$$;

COMMENT ON FUNCTION stage1_is_placeholder(text, uuid) IS
    'Whether only the id is known of a "dataset", "run" or "simulation": no row that describes it '
    'has been written yet.';

-- Of two writers that describe a placeholder at once, one is told that it fills it; the other
-- waits, and then writes as into any stored row.
CREATE OR REPLACE FUNCTION stage1_fill_placeholder(p_object text, p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stage1_placeholders p SET filled_at = now()
    WHERE p.object = p_object AND p.id = p_id AND p.filled_at IS NULL;
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION stage1_fill_placeholder(text, uuid) IS
    'Records that an object is no longer a placeholder. False where it was none, or another writer '
    'has filled it.';

-- Overwrites a placeholder with the row that describes it, every column, also those that an
-- ON CONFLICT clause would not set. The trigger then cancels the INSERT.
CREATE OR REPLACE FUNCTION stage1_statement_that_fills(p_table regclass, p_key text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT 'UPDATE ' || p_table::text || ' AS stored SET (' || c.names || ') = (SELECT ' || c.names
        || ' FROM (SELECT ($1).*) AS given) WHERE stored.' || quote_ident(p_key) || ' = $2'
    FROM (
        SELECT string_agg(quote_ident(attname::text), ', ') AS names FROM pg_attribute
        WHERE attrelid = p_table::oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
          AND attidentity <> 'a'
    ) AS c
$$;

COMMENT ON FUNCTION stage1_statement_that_fills(regclass, text) IS
    'The statement that writes a row, $1, over the row of this table whose key is $2.';

-- Whether a row whose parent is not stored gets a placeholder as its parent. If not, the foreign
-- key rejects the row. `replay` sets this for its session; by hand: PGOPTIONS="-c
-- stage1.placeholders=on" psql -f spool.sql
CREATE OR REPLACE FUNCTION stage1_adds_placeholders() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('stage1.placeholders', true), '') = 'on'
$$;

COMMENT ON FUNCTION stage1_adds_placeholders() IS
    'Whether this session makes placeholders of missing parents: the setting stage1.placeholders '
    'is "on".';

CREATE OR REPLACE FUNCTION stage1_mark_placeholder(p_object text, p_id uuid) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO stage1_placeholders AS p (object, id) VALUES (p_object, p_id)
    ON CONFLICT (object, id) DO UPDATE SET created_at = EXCLUDED.created_at, filled_at = NULL
$$;

COMMENT ON FUNCTION stage1_mark_placeholder(text, uuid) IS
    'Records that an object which was just inserted is a placeholder.';

CREATE OR REPLACE FUNCTION stage1_add_placeholder_dataset(p_dataset_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_dataset_id IS NULL
       OR EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = p_dataset_id)
    THEN
        RETURN;
    END IF;
    INSERT INTO stage1_datasets (
        dataset_id, dataset_slug, source, ohlcv_measurement, indicator_measurement)
    VALUES (p_dataset_id, stage1_free_slug(p_dataset_id::text, p_dataset_id), NULL, '', '')
    -- On any index: a session that makes the same one may conflict on the slug first.
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM stage1_mark_placeholder('dataset', p_dataset_id);
    END IF;
END
$$;

COMMENT ON FUNCTION stage1_add_placeholder_dataset(uuid) IS
    'Makes a placeholder of a dataset that is not stored. Its slug is its id.';

CREATE OR REPLACE FUNCTION stage1_add_placeholder_run(
    p_run_id uuid, p_dataset_id uuid, p_measurement text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_run_id IS NULL OR EXISTS (SELECT FROM walkforward_runs r WHERE r.run_id = p_run_id) THEN
        RETURN;
    END IF;
    INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement)
    VALUES (p_run_id, p_dataset_id, CASE WHEN p_measurement <> '' AND NOT EXISTS (
                SELECT FROM walkforward_runs r
                WHERE r.dataset_id = p_dataset_id AND r.prediction_measurement = p_measurement)
            THEN p_measurement END)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM stage1_mark_placeholder('run', p_run_id);
    END IF;
END
$$;

COMMENT ON FUNCTION stage1_add_placeholder_run(uuid, uuid, text) IS
    'Makes a placeholder of a run that is not stored, with the dataset and the prediction table '
    'that a simulation names.';

CREATE OR REPLACE FUNCTION stage1_add_placeholder_simulation(p_simulation_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO simulation_runs (simulation_id, input_run_measurement, mode, config, status)
    VALUES (p_simulation_id, '', '', '{}', '')
    ON CONFLICT (simulation_id) DO NOTHING;
    IF FOUND THEN
        PERFORM stage1_mark_placeholder('simulation', p_simulation_id);
    END IF;
END
$$;

COMMENT ON FUNCTION stage1_add_placeholder_simulation(uuid) IS
    'Makes a placeholder of a simulation that is not stored, for trades and buckets that are '
    'written before it.';

-- Before a fold, a trade or a bucket is inserted whose parent may not be stored yet.
CREATE OR REPLACE FUNCTION stage1_before_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'walkforward_folds' THEN
        PERFORM stage1_add_placeholder_run(NEW.run_id, NULL::uuid, NULL::text);
    -- Asked here, since a call for each of many trades costs more than the question.
    ELSIF NOT EXISTS (
        SELECT FROM simulation_runs s WHERE s.simulation_id = NEW.simulation_id)
    THEN
        PERFORM stage1_add_placeholder_simulation(NEW.simulation_id);
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_before_part() IS
    'Trigger, where stage1.placeholders is on: makes a placeholder of the run or simulation that a '
    'row is a part of.';

-- Before each run is inserted or updated.
CREATE OR REPLACE FUNCTION stage1_before_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own_name CONSTANT text := 'run_' || NEW.run_id::text;
    configured CONSTANT text := nullif(NEW.walk_config ->> 'prediction_measurement'::text, '');
    other uuid;
    filled bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.dataset_id := stage1_dataset_id(NEW.dataset_id);
        NEW.created_at := coalesce(NEW.created_at, now());
        IF stage1_adds_placeholders() THEN
            PERFORM stage1_add_placeholder_dataset(NEW.dataset_id);
        END IF;
    END IF;
    -- Generation 3 names the prediction table only in walk_config, and the name need not be unique.
    IF coalesce(NEW.prediction_measurement, own_name) = own_name THEN
        NEW.prediction_measurement := own_name;
        IF configured IS NOT NULL AND NOT EXISTS (
            SELECT FROM walkforward_runs r
            WHERE r.dataset_id = NEW.dataset_id AND r.prediction_measurement = configured
              AND r.run_id <> NEW.run_id AND NOT stage1_is_placeholder('run', r.run_id))
        THEN
            NEW.prediction_measurement := configured;
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.dataset_id IS NOT DISTINCT FROM OLD.dataset_id THEN
        RETURN NEW;
    END IF;
    -- A placeholder may have this name, from a simulation. The run that states the name keeps it.
    SELECT r.run_id INTO other FROM walkforward_runs r
    WHERE r.dataset_id = NEW.dataset_id AND r.prediction_measurement = NEW.prediction_measurement
      AND r.run_id <> NEW.run_id;
    IF stage1_is_placeholder('run', other) THEN
        UPDATE walkforward_runs r SET prediction_measurement = 'run_' || r.run_id::text
        WHERE r.run_id = other;
    END IF;
    IF TG_OP = 'INSERT' AND stage1_is_placeholder('run', NEW.run_id)
       AND stage1_fill_placeholder('run', NEW.run_id)
    THEN
        EXECUTE stage1_statement_that_fills(TG_RELID::regclass, 'run_id') USING NEW, NEW.run_id;
        GET DIAGNOSTICS filled = ROW_COUNT;
        IF filled > 0 THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_before_run() IS
    'Trigger: names the prediction table where the writer does not, replaces an alias of the '
    'dataset by its id, fills a placeholder.';

-- Generation 3 has both numbers inside metrics.
CREATE OR REPLACE FUNCTION stage1_before_fold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    iteration CONSTANT numeric := stage1_json_number(NEW.metrics -> 'best_iteration');
    score CONSTANT numeric := stage1_json_number(NEW.metrics -> 'best_score');
BEGIN
    IF NEW.best_iteration IS NULL
       AND iteration BETWEEN -2147483648::numeric AND 2147483647::numeric
    THEN
        NEW.best_iteration := iteration;
    END IF;
    IF NEW.best_score IS NULL AND abs(score) < 1e308 THEN
        NEW.best_score := score;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_before_fold() IS
    'Trigger: best_iteration and best_score from metrics, where the columns are NULL.';

-- Where a run is exported again with fewer folds, removes the folds of the earlier export, but only
-- if the new export has as many folds as the run says. An incomplete export removes nothing.
CREATE OR REPLACE FUNCTION stage1_remove_former_folds(p_run_ids uuid[], p_fold_numbers integer[])
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    removed bigint := 0;
BEGIN
    -- stage1_app may not delete: the folds stay, and validation finds them.
    IF has_table_privilege('walkforward_folds', 'DELETE') THEN
        WITH exported AS (
            SELECT e.run_id, array_agg(DISTINCT e.fold_number) AS numbers
            FROM unnest(p_run_ids, p_fold_numbers) AS e (run_id, fold_number) GROUP BY e.run_id
        )
        DELETE FROM walkforward_folds f USING exported e, walkforward_runs r
        WHERE f.run_id = e.run_id AND r.run_id = e.run_id AND f.fold_number <> ALL (e.numbers)
          AND stage1_claimed_folds(r.summary_metrics) = cardinality(e.numbers);
        GET DIAGNOSTICS removed = ROW_COUNT;
    END IF;
    RETURN removed;
END
$$;

COMMENT ON FUNCTION stage1_remove_former_folds(uuid[], integer[]) IS
    'Removes the folds of these runs that are not among the given ones, where a run says that it '
    'has as many as are given.';

-- Before each simulation is inserted. Its id comes from a label and a counter that restarts with
-- each session of the desktop, so the id can return for another simulation, whose trades would be
-- mixed with the stored ones.
CREATE OR REPLACE FUNCTION stage1_before_simulation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stored record;
    filled bigint;
BEGIN
    NEW.dataset_id := stage1_dataset_id(NEW.dataset_id);
    IF stage1_adds_placeholders() THEN
        PERFORM stage1_add_placeholder_dataset(NEW.dataset_id);
        PERFORM stage1_add_placeholder_run(NEW.run_id, NEW.dataset_id, NEW.input_run_measurement);
    END IF;
    IF stage1_is_placeholder('simulation', NEW.simulation_id)
       AND stage1_fill_placeholder('simulation', NEW.simulation_id)
    THEN
        EXECUTE stage1_statement_that_fills(TG_RELID::regclass, 'simulation_id')
        USING NEW, NEW.simulation_id;
        GET DIAGNOSTICS filled = ROW_COUNT;
        IF filled > 0 THEN
            RETURN NULL;
        END IF;
    END IF;
    SELECT s.run_id, s.dataset_id INTO stored FROM simulation_runs s
    WHERE s.simulation_id = NEW.simulation_id;
    IF stored.run_id <> NEW.run_id OR stored.dataset_id <> NEW.dataset_id THEN
        RAISE integrity_constraint_violation USING
            COLUMN = CASE WHEN stored.run_id <> NEW.run_id THEN 'run_id' ELSE 'dataset_id' END,
            MESSAGE = pg_catalog.format(
                'simulation_id %s is stored with run %s and dataset %s, but comes with run %s and '
                'dataset %s: it is another simulation, to be written under an id of its own',
                NEW.simulation_id, coalesce(stored.run_id::text, 'none'),
                coalesce(stored.dataset_id::text, 'none'),
                coalesce(NEW.run_id::text, 'none'), coalesce(NEW.dataset_id::text, 'none'));
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION stage1_before_simulation() IS
    'Trigger: replaces an alias of the dataset by its id, fills a placeholder, refuses an id that '
    'is stored with another run.';

-- A client may qualify the tables with their schema and have another search_path.
DO $$
DECLARE
    own regprocedure;
BEGIN
    FOREACH own IN ARRAY ARRAY[
        'stage1_dataset_id(uuid)', 'stage1_before_run()', 'stage1_before_fold()',
        'stage1_before_simulation()', 'stage1_before_part()']::regprocedure[]
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', own, current_schema());
    END LOOP;
END
$$;

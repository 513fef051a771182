-- Rows of generation 3 that were there before the triggers of 0001aa: each is written as it is, for
-- a trigger to complete it. In a transaction of its own, in which nobody waits for the locks of
-- 0001aa.
DO $$
DECLARE
    triggers_off text[] := '{}';
    triggers_back text[] := '{}';
    statement text;
BEGIN
    -- Triggers of somebody's own are off meanwhile: nobody changes anything here. One that is
    -- disabled stays so.
    IF EXISTS (SELECT FROM walkforward_runs
               WHERE prediction_measurement IS NULL OR created_at IS NULL)
       OR EXISTS (SELECT FROM walkforward_folds
                  WHERE (best_iteration IS NULL OR best_score IS NULL)
                    AND metrics ?| ARRAY['best_iteration', 'best_score'])
    THEN
        SELECT coalesce(array_agg(format(
                   'ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)
                   ORDER BY t.tgrelid::regclass::text), '{}'),  -- folds first, as a writer does
               coalesce(array_agg(format(
                   'ALTER TABLE %s ENABLE %s TRIGGER %I', t.tgrelid::regclass, CASE t.tgenabled
                       WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, t.tgname)), '{}')
        INTO triggers_off, triggers_back
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid IN ('walkforward_runs'::regclass, 'walkforward_folds'::regclass)
          AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND p.proname NOT LIKE 'stage1\_%';
    END IF;
    FOREACH statement IN ARRAY triggers_off LOOP
        EXECUTE statement;
    END LOOP;

    -- The oldest run of a dataset with a name in walk_config gets the name, as the trigger would
    -- give it. In one statement, since no index finds the other runs with a name yet: the trigger
    -- would read the whole table for each row.
    UPDATE walkforward_runs r SET prediction_measurement = named.configured
    FROM (
        SELECT run_id, dataset_id, configured, prediction_measurement, row_number() OVER (
            PARTITION BY dataset_id, coalesce(prediction_measurement, configured)
            ORDER BY prediction_measurement IS NULL, created_at, run_id) AS place
        FROM walkforward_runs,
             nullif(walk_config ->> 'prediction_measurement', '') AS configured
    ) AS named
    WHERE r.run_id = named.run_id AND named.prediction_measurement IS NULL
      AND named.configured IS NOT NULL AND (named.place = 1 OR named.dataset_id IS NULL);

    -- For the other rows, the triggers set what is missing.
    UPDATE walkforward_runs SET prediction_measurement = NULL WHERE prediction_measurement IS NULL;
    UPDATE walkforward_folds SET metrics = metrics
    WHERE (best_iteration IS NULL OR best_score IS NULL)
      AND metrics ?| ARRAY['best_iteration', 'best_score'];
    UPDATE walkforward_runs SET created_at = coalesce(completed_at, started_at, now())
    WHERE created_at IS NULL;

    IF triggers_back <> '{}' THEN
        SET CONSTRAINTS ALL IMMEDIATE;  -- what is deferred would keep the tables from being altered
    END IF;
    FOREACH statement IN ARRAY triggers_back LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

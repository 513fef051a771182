-- One run for each prediction table of a dataset, one simulation for each namespace of a run.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('walkforward_runs', 'walkforward_runs_dataset_measurement_uq', 'dataset_id, prediction_measurement'),
            ('simulation_runs', 'simulation_runs_run_namespace_uq', 'run_id, questdb_namespace')
        ) AS c (relation, name, columns)
    LOOP
        IF NOT EXISTS (
            SELECT FROM pg_constraint
            WHERE conrelid = to_regclass(wanted.relation) AND conname = wanted.name)
        THEN
            EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I UNIQUE (%s)', wanted.relation, wanted.name, wanted.columns);
        END IF;
    END LOOP;
END
$$;

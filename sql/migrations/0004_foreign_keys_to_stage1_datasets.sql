-- Runs and simulations lead to the master row; the keys to indicator_datasets go, because they refuse a run of a new
-- dataset and let the deletion of a legacy row take runs along. Added NOT VALID, which locks briefly; 0005 checks the rows.
DO $$
DECLARE
    key record;
BEGIN
    FOR key IN
        SELECT conrelid::regclass AS relation, conname
        FROM pg_constraint
        WHERE contype = 'f' AND confrelid = 'indicator_datasets'::regclass
          AND conrelid IN ('walkforward_runs'::regclass, 'simulation_runs'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', key.relation, key.conname);
    END LOOP;

    FOR key IN
        SELECT wanted.*, present.conname AS present_name
        FROM (VALUES
            ('indicator_datasets', 'indicator_datasets_stage1_fk', ' ON DELETE CASCADE'),
            ('walkforward_runs', 'walkforward_runs_dataset_fk', ''),
            ('simulation_runs', 'simulation_runs_dataset_fk', '')
        ) AS wanted (relation, name, on_delete)
        LEFT JOIN pg_constraint present
            ON present.contype = 'f' AND present.conrelid = to_regclass(wanted.relation)
           AND present.confrelid = 'stage1_datasets'::regclass
    LOOP
        IF key.present_name IS NULL THEN
            EXECUTE format(
                'ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (dataset_id) REFERENCES stage1_datasets (dataset_id)%s NOT VALID',
                key.relation, key.name, key.on_delete);
        ELSIF key.present_name <> key.name THEN
            EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', key.relation, key.present_name, key.name);
        END IF;
    END LOOP;
END
$$;

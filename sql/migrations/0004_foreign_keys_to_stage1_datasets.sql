-- formerly: 3f0ddbe9054a4c968e8ca59004acf8931d356074cde7ed3ab26a1bb303357d8a
-- Runs and simulations lead to the master row; the keys to the tables of earlier generations go, because they refuse a run of a new
-- dataset and let the deletion of a legacy row take runs along. The deletion of a run leaves its simulations, as in the
-- dashboard's variant. Added NOT VALID, which locks briefly; 0005 checks the rows.
DO $$
DECLARE
    wanted record;
    former name;
BEGIN
    FOR wanted IN
        SELECT k.*, a.attrelid, a.attnum, k.target::regclass AS target_id
        FROM (VALUES
            ('indicator_datasets', 'dataset_id', 'indicator_datasets_stage1_fk', 'stage1_datasets', 'CASCADE', 'c'),
            ('walkforward_runs', 'dataset_id', 'walkforward_runs_dataset_fk', 'stage1_datasets', 'NO ACTION', 'a'),
            ('simulation_runs', 'dataset_id', 'simulation_runs_dataset_fk', 'stage1_datasets', 'NO ACTION', 'a'),
            ('simulation_runs', 'run_id', 'simulation_runs_run_id_fkey', 'walkforward_runs', 'SET NULL', 'n')
        ) AS k (relation, column_name, name, target, on_delete, on_delete_code)
        JOIN pg_attribute a ON a.attrelid = k.relation::regclass AND a.attname = k.column_name
    LOOP
        FOR former IN
            SELECT conname FROM pg_constraint
            WHERE contype = 'f' AND conrelid = wanted.attrelid AND conkey = ARRAY[wanted.attnum]
              AND confrelid IN ('indicator_datasets'::regclass, 'datasets'::regclass, wanted.target_id)
              AND (conname <> wanted.name OR confrelid <> wanted.target_id OR confdeltype::text <> wanted.on_delete_code)
        LOOP
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', wanted.relation, former);
        END LOOP;

        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = wanted.attrelid AND conname = wanted.name) THEN
            EXECUTE format(
                'ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %I ON DELETE %s NOT VALID',
                wanted.relation, wanted.name, wanted.column_name, wanted.target, wanted.on_delete);
        END IF;
    END LOOP;
END
$$;

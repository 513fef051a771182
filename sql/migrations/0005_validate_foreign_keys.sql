-- In a transaction of its own: validation reads every row, but holds no lock that a reader or a writer waits for.
DO $$
DECLARE
    key record;
BEGIN
    FOR key IN
        SELECT conrelid::regclass AS relation, conname
        FROM pg_constraint
        WHERE contype = 'f' AND NOT convalidated
          AND conrelid IN ('indicator_datasets'::regclass, 'walkforward_runs'::regclass, 'simulation_runs'::regclass)
        ORDER BY conname
    LOOP
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', key.relation, key.conname);
    END LOOP;
END
$$;

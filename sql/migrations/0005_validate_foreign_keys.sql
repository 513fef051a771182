-- formerly: 1052dbd6e24aba29342d4c1384d8a5952df88ef65ba22d1e874fc1e3e436f144
-- In a transaction of its own: validation reads every row, but holds no lock that a reader or a writer waits for.
DO $$
DECLARE
    key record;
BEGIN
    FOR key IN
        SELECT conrelid::regclass AS relation, conname
        FROM pg_constraint AS c
        WHERE contype = 'f' AND NOT convalidated
          -- From PostgreSQL 18 on a key may say that nobody looks after it. One of ours is replaced
          -- in 0008.
          AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
          AND conrelid IN ('indicator_datasets'::regclass, 'walkforward_runs'::regclass, 'simulation_runs'::regclass)
        ORDER BY conname
    LOOP
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', key.relation, key.conname);
    END LOOP;
END
$$;

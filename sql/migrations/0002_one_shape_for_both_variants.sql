-- formerly: 2353cd15d564cfa5143a6384cbb965e5ca7a3e18cdbfde14654e459bf1459155
-- Lets go of what the dashboard's variant has, and the one shape of 0001 has not. On a database
-- that 0001 made, nothing changes. 0000a and 0001b have seen to the columns, 0001c to the lists of
-- sides, 0001e to the measurements' names.
DO $$
DECLARE
    listed record;
    accepts boolean;
    name text;
BEGIN
    -- Lists of statuses and modes that leave out words of ours. Other checks are somebody's own,
    -- and stay.
    FOR listed IN
        SELECT c.conrelid::regclass AS relation, c.conname, a.attname, pg_get_expr(c.conbin,
            c.conrelid) AS condition,
               CASE a.attname WHEN 'mode' THEN ARRAY['LONG', 'SHORT', 'DUAL'] ELSE ARRAY[
                   'PENDING', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED',
                       'INCOMPLETE'] END AS words
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.contype = 'c' AND a.attname IN ('status', 'mode')
          AND c.conrelid IN ('walkforward_runs'::regclass, 'simulation_runs'::regclass)
          AND pg_get_expr(c.conbin, c.conrelid) ~ '^\(+(status|mode)[):a-z ]* = '
    LOOP
        EXECUTE format('SELECT bool_and(%s) FROM (SELECT unnest($1 || lower($1::text)::text[]) AS '
            '%I) AS w', listed.condition, listed.attname)
        INTO accepts USING listed.words;
        IF NOT accepts THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', listed.relation, listed.conname);
        END IF;
    END LOOP;

    FOREACH name IN ARRAY ARRAY['questdb_tag', 'questdb_measurement'] LOOP
        IF NOT EXISTS (
            SELECT FROM pg_constraint c
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
            WHERE c.conrelid = 'indicator_datasets'::regclass AND c.contype = 'u' AND a.attname = name)
        THEN
            EXECUTE format('ALTER TABLE indicator_datasets ADD UNIQUE (%I)', name);
        END IF;
    END LOOP;
END
$$;

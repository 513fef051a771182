-- Every simulation of the desktop has a bucket "dual", which the former list of sides (long, short,
-- all) refuses. Checks are found by what they do, whatever they are called: one that lets through
-- what is written stays.
DO $$
DECLARE
    own record;
    refuses boolean;
BEGIN
    FOR own IN
        SELECT c.conname, pg_get_expr(c.conbin, c.conrelid) AS condition
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.contype = 'c' AND c.conrelid = to_regclass('simulation_trade_buckets')
          AND a.attname = 'side'
    LOOP
        BEGIN
            EXECUTE format(
                'SELECT bool_or((%s) IS FALSE) '
                'FROM (VALUES (''dual''), (''long''), (''short'')) AS written (side)',
                own.condition)
            INTO refuses;
        EXCEPTION WHEN OTHERS THEN
            refuses := true;  -- a function of the operator's own that raises, as at an INSERT
        END;
        CONTINUE WHEN NOT refuses;
        EXECUTE format('ALTER TABLE simulation_trade_buckets DROP CONSTRAINT %I', own.conname);
        -- A list is the former one under some name. Anything else is the operator's own.
        IF own.condition !~ ' = ANY ' THEN
            RAISE WARNING 'simulation_trade_buckets goes without the check %: it refuses sides '
                'that the desktop writes. It was: %', own.conname, own.condition;
        END IF;
    END LOOP;
END
$$;

-- formerly: 930481b8482de0966c6138ec449b83c8e2f71929d71f674fdc2a03ba397d0428
-- The columns of a database that was there before: what is missing is added, what the union of the
-- variants leaves open is loosened, a default comes where there is none. No value changes, save NULL
-- where stage1_datasets, made by hand, must have a value. On tables that 0001 made, nothing changes.
-- 0000a has seen to the types and the keys.
-- needs: columns.sql
DO $$
DECLARE
    columns jsonb;
    wanted record;
    actual pg_attribute;
    not_null text[] := '{}';
    holds_null boolean;
    own_default text;
    without_casts CONSTANT text := '::[a-z ]+|[() ]';
    triggers record;
BEGIN
    SELECT jsonb_agg(c ORDER BY place) INTO columns
    FROM jsonb_array_elements(current_setting('stage1.columns')::jsonb)
        WITH ORDINALITY AS a (c, place)
    WHERE to_regclass(c ->> 'relation') IS NOT NULL AND c ->> 'relation' <> 'datasets';

    -- What must be read comes first: after that the tables are locked.
    FOR wanted IN
        SELECT c.relation, c.name
        FROM jsonb_to_recordset(columns) AS c (relation text, name text, not_null boolean)
        JOIN pg_attribute a ON a.attrelid = to_regclass(c.relation) AND a.attname = c.name
        WHERE c.not_null AND NOT a.attnotnull AND c.relation <> 'stage1_datasets'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I IS NULL)', wanted.relation, wanted.name) INTO holds_null;
        IF holds_null THEN
            RAISE WARNING '%.% stays without NOT NULL: it has rows without a value', wanted.relation, wanted.name;
        ELSE
            not_null := not_null || format('%s.%s', wanted.relation, wanted.name);
        END IF;
    END LOOP;

    FOR wanted IN
        SELECT * FROM jsonb_to_recordset(columns)
            AS c (relation text, name text, type text, not_null boolean, default_text text)
    LOOP
        SELECT * INTO actual FROM pg_attribute
        WHERE attrelid = to_regclass(wanted.relation) AND attname = wanted.name AND NOT attisdropped;
        IF NOT FOUND THEN
            -- Without its default, so that rows that were there say "unknown".
            EXECUTE format('ALTER TABLE %I ADD COLUMN %I %s', wanted.relation, wanted.name, wanted.type);
        END IF;

        -- One of somebody's own stays; one that says the same gets our words.
        SELECT pg_get_expr(d.adbin, d.adrelid) INTO own_default
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE d.adrelid = to_regclass(wanted.relation) AND a.attname = wanted.name;
        IF own_default IS NULL AND wanted.default_text IS NOT NULL
            OR own_default <> wanted.default_text
            AND regexp_replace(own_default, without_casts, '',
                'g') = regexp_replace(wanted.default_text, without_casts, '', 'g')
        THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %s', wanted.relation, wanted.name, wanted.default_text);
        END IF;

        IF actual.attnotnull AND NOT wanted.not_null THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP NOT NULL', wanted.relation, wanted.name);
        ELSIF format('%s.%s', wanted.relation, wanted.name) = ANY (not_null) THEN
            -- 0008b makes it NOT NULL: proven by a check, that takes no scan under a lock.
            EXECUTE format(
                'ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I, ADD CONSTRAINT %2$I CHECK (%I IS NOT NULL) NOT VALID',
                wanted.relation, 'stage1_not_null_' || wanted.name, wanted.name);
        ELSIF wanted.relation = 'stage1_datasets' AND wanted.not_null AND actual.attnotnull IS NOT TRUE THEN
            -- They would set updated_at. One that is disabled stays so.
            SELECT string_agg(format('DISABLE TRIGGER %I', tgname), ', ') AS off,
                string_agg(format('ENABLE %s TRIGGER %I',
                CASE tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA'
                    ELSE '' END, tgname), ', ') AS back
            INTO triggers
            FROM pg_trigger WHERE tgrelid = 'stage1_datasets'::regclass AND NOT tgisinternal
                AND tgenabled <> 'D';
            IF triggers.off IS NOT NULL THEN
                EXECUTE 'ALTER TABLE stage1_datasets ' || triggers.off;
            END IF;
            EXECUTE format(
                'UPDATE stage1_datasets SET %1$I = %2$s WHERE %1$I IS NULL', wanted.name,
                CASE wanted.name
                    WHEN 'dataset_slug' THEN 'dataset_id::text'
                    WHEN 'created_at' THEN 'now()'
                    WHEN 'updated_at' THEN 'created_at'
                    ELSE $empty$''$empty$ END);  -- a measurement: not exported yet
            IF triggers.off IS NOT NULL THEN
                -- what is deferred would keep the table from being altered
                SET CONSTRAINTS ALL IMMEDIATE;
                EXECUTE 'ALTER TABLE stage1_datasets ' || triggers.back;
            END IF;
            EXECUTE format('ALTER TABLE stage1_datasets ALTER COLUMN %I SET NOT NULL', wanted.name);
        END IF;
    END LOOP;
END
$$;

-- needs: kept.sql
-- Earlier lists had these functions with other parameters and results, and some overloads would
-- make calls ambiguous; the views had other columns, and some of the functions had the views' rows
-- as their result. So all go before any is made. ../grants.sql gives back the rights that somebody
-- has given on them.
DO $$
DECLARE
    kept CONSTANT jsonb := current_setting('stage1.kept')::jsonb;
    former record;
BEGIN
    FOR former IN SELECT k ->> 'object' AS object FROM jsonb_array_elements(kept) AS k
        WHERE k ->> 'kind' = 'ROUTINE' LOOP
        EXECUTE format('DROP ROUTINE %s', former.object);
    END LOOP;
    -- Of this schema: another along the search_path may have its own.
    SELECT string_agg(k ->> 'object', ', ') AS objects INTO former
        FROM jsonb_array_elements(kept) AS k WHERE k ->> 'kind' = 'TABLE';
    IF former.objects IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || former.objects;
    END IF;
END
$$;

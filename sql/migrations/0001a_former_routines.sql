-- formerly: 70e21378a5c1b2106173f17978276bbc7254cbf76aa3ecd10f929948cd8f8104
-- Routines of a database that was there before, where they stand in the way of what follows.
DO $$
DECLARE
    former regprocedure;
BEGIN
    FOR former IN
        -- CREATE OR REPLACE cannot change names of parameters or a result, and leaves overloads.
        SELECT p.oid FROM pg_proc p
        JOIN (VALUES
            ('stage1_free_slug', 'p_wanted text, p_dataset_id uuid', 'text'),
            ('stage1_dataset_search_text', 'p_dataset_slug text, p_symbol text, p_ohlcv_measurement text, p_indicator_measurement text', 'text'),
            ('stage1_one_name_of_legacy_row', '', 'trigger'),
            ('stage1_master_of_legacy_row', '', 'trigger'),
            ('stage1_touch_updated_at', '', 'trigger')
        ) AS own (name, arguments, result) ON own.name = p.proname
        WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema()))
          AND (pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) IS DISTINCT FROM (own.arguments, own.result)
    LOOP
        EXECUTE format('DROP ROUTINE %s', former);
    END LOOP;
END
$$;

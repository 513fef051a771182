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
        UNION
        -- Pages of an earlier list that hold on to a view that goes, or a column that changes its type, in 0001b or 0002. ../functions makes them anew.
        SELECT p.oid FROM pg_proc p
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'n'
        JOIN pg_class r ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid)
            OR (d.refclassid = 'pg_type'::regclass AND d.refobjid = r.reltype)
        LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid AND d.refclassid = 'pg_class'::regclass
        WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema())) AND r.relnamespace = p.pronamespace
          AND p.proname IN ('fn_list_datasets', 'fn_list_runs', 'fn_list_simulations')
          AND (r.relname IN ('dataset_hierarchy', 'dataset_catalog') OR a.atttypid = 'varchar'::regtype)
          AND EXISTS (
            SELECT FROM pg_attribute v JOIN pg_class t ON t.oid = v.attrelid
            WHERE t.relnamespace = p.pronamespace AND v.atttypid = 'varchar'::regtype AND NOT v.attisdropped
              AND t.relname IN ('indicator_datasets', 'walkforward_runs', 'walkforward_folds', 'simulation_runs',
                                'simulation_trades', 'simulation_trade_buckets', 'stage1_datasets'))
    LOOP
        EXECUTE format('DROP ROUTINE %s', former);
    END LOOP;
END
$$;

-- Earlier lists had these functions with other parameters and results, and an overload would make every call ambiguous;
-- the views had other columns, and some of the functions had the views' rows as their result. So all go before any is made.
DO $$
DECLARE
    former regprocedure;
BEGIN
    FOR former IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = current_schema()
          AND (p.proname IN ('fn_list_datasets', 'fn_list_runs', 'fn_list_simulations', 'upsert_stage1_dataset', 'patch_stage1_dataset')
               -- An index may rely on these: only another form of them goes.
               OR p.proname = 'stage1_json_object' AND pg_get_function_arguments(p.oid) <> 'p_json jsonb'
               OR p.proname = 'stage1_run_status' AND pg_get_function_arguments(p.oid) <> 'p_status text'
               OR p.proname = 'stage1_simulation_mode' AND pg_get_function_arguments(p.oid) <> 'p_mode text'
               OR p.proname = 'stage1_trade_side' AND pg_get_function_arguments(p.oid) <> 'p_side text')
    LOOP
        EXECUTE format('DROP ROUTINE %s', former);
    END LOOP;
END
$$;

DO $$
BEGIN
    -- Of this schema: another along the search_path may have its own.
    EXECUTE format('DROP VIEW IF EXISTS %1$I.dataset_hierarchy, %1$I.dataset_catalog', current_schema());
END
$$;

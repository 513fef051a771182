-- What the application's role may do, where the role exists: read, add and change, but not delete.
DO $$
BEGIN
    IF to_regrole('stage1_app') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE ON
            stage1_datasets, indicator_datasets, walkforward_runs, walkforward_folds,
            simulation_runs, simulation_trades, simulation_trade_buckets TO stage1_app;
        GRANT SELECT ON stage1_schema_ledger, dataset_catalog, dataset_hierarchy TO stage1_app;
        GRANT EXECUTE ON FUNCTION
            upsert_stage1_dataset, patch_stage1_dataset, stage1_free_slug, stage1_json_object,
            stage1_run_status, stage1_simulation_mode, stage1_dataset_search_text,
            fn_list_datasets, fn_list_runs, fn_list_simulations TO stage1_app;
    END IF;
END
$$;

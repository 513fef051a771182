-- How many rows each table of ours holds, where it is there and may be read.
DO $$
DECLARE
    relation text;
    row_count bigint;
    found jsonb := '[]';
BEGIN
    FOREACH relation IN ARRAY ARRAY['stage1_datasets', 'indicator_datasets', 'datasets', 'walkforward_runs',
                                    'walkforward_folds', 'simulation_runs', 'simulation_trades',
                                    'simulation_trade_buckets'] LOOP
        IF has_table_privilege(to_regclass(format('%I.%I', current_schema(), relation)), 'SELECT') THEN
            EXECUTE format('SELECT count(*) FROM %I', relation) INTO row_count;
            IF row_count > 0 THEN
                found := found || jsonb_build_object('relation', relation, 'row_count', row_count);
            END IF;
        END IF;
    END LOOP;
    PERFORM set_config('stage1.answer', found::text, false);
END
$$;

SELECT relation, row_count
FROM jsonb_to_recordset(current_setting('stage1.answer')::jsonb) AS a (relation text, row_count float8);

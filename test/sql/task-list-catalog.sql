-- The task list's own dataset_catalog (§4.1), in its own words.
CREATE OR REPLACE VIEW dataset_catalog AS
SELECT d.dataset_id,
       d.dataset_slug,
       d.symbol,
       d.granularity,
       d.ohlcv_measurement,
       d.indicator_measurement,
       d.ohlcv_row_count,
       d.indicator_row_count,
       d.ohlcv_first_ts,
       d.ohlcv_last_ts,
       d.indicator_first_ts,
       d.indicator_last_ts,
       COALESCE(r.run_count, 0) AS run_count,
       COALESCE(s.sim_count, 0) AS simulation_count,
       d.created_at,
       d.updated_at
FROM stage1_datasets d
LEFT JOIN (
    SELECT dataset_id, COUNT(*) AS run_count
    FROM walkforward_runs
    GROUP BY dataset_id
) r ON r.dataset_id = d.dataset_id
LEFT JOIN (
    SELECT dataset_id, COUNT(*) AS sim_count
    FROM simulation_runs
    GROUP BY dataset_id
) s ON s.dataset_id = d.dataset_id;

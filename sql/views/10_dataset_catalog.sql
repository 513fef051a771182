-- A dataset with its roll-ups. The counts are subqueries of the row, not joins of grouped tables: a page of 50 datasets
-- counts the runs and simulations of those 50, not of the whole database.
CREATE VIEW dataset_catalog AS
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
       (SELECT count(*) FROM walkforward_runs r WHERE r.dataset_id = d.dataset_id) AS run_count,
       (SELECT count(*) FROM simulation_runs s WHERE s.dataset_id = d.dataset_id) AS simulation_count,
       d.created_at,
       d.updated_at
FROM stage1_datasets d;

COMMENT ON VIEW dataset_catalog IS 'Every dataset with both measurements and the number of its runs and simulations.';

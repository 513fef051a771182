-- severity: warning
-- title: Runs of datasets without both measurements
-- Their inputs cannot be loaded again from the lineage alone. They are sound once their dataset is.
SELECT r.run_id, r.prediction_measurement, d.dataset_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement
FROM walkforward_runs r
JOIN stage1_datasets d USING (dataset_id)
WHERE (coalesce(d.ohlcv_measurement, '') = '' OR coalesce(d.indicator_measurement, '') = '')
  AND NOT stage1_is_placeholder('dataset', d.dataset_id);

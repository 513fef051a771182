-- severity: warning
-- title: Datasets without both measurements
-- Not exported yet, or adopted from a legacy row, which knows its indicator table alone. Export the missing half from the
-- desktop, or name its table with upsert_stage1_dataset.
SELECT dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement
FROM stage1_datasets
WHERE (coalesce(ohlcv_measurement, '') = '' OR coalesce(indicator_measurement, '') = '')
  AND NOT stage1_is_placeholder('dataset', dataset_id);

-- severity: warning
-- title: Runs whose feature_columns is not an array of strings
-- The API reads what it can from them, also an array inside a text. Other readers may not: write the array itself.
SELECT run_id, prediction_measurement, jsonb_typeof(feature_columns) AS found, left(feature_columns::text, 200) AS value
FROM walkforward_runs
WHERE feature_columns IS NOT NULL
  AND CASE WHEN jsonb_typeof(feature_columns) = 'array'
           THEN jsonb_path_exists(feature_columns, 'strict $[*] ? (@.type() != "string")')
           ELSE true END;

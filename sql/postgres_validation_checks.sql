-- Looks for rows that cannot be right, and changes nothing. To one table: each check with its severity, how many rows it
-- found, and the first 5. This file alone is enough, on a database that is migrated:
--   psql "$DATABASE_URL" -f postgres_validation_checks.sql
-- psql ends with 3 if a check of severity error found rows, after the whole table is printed, and with 0 otherwise.
-- `stage1-lineage validate`, the same checks, ends with 1 and with 0.
-- Made from sql/checks by `npm run checks`: change those.
\set ON_ERROR_STOP on
\set QUIET on
SET statement_timeout = 0;
SET datestyle = 'ISO';
SET TIME ZONE 'UTC';
SELECT statement_timestamp() AS checked_at, current_database() AS database;

WITH
datasets_without_measurements AS MATERIALIZED (
-- severity: warning
-- title: Datasets without both measurements
-- Not exported yet, or adopted from a legacy row, which knows its indicator table alone. Export the missing half from the
-- desktop, or name its table with upsert_stage1_dataset.
SELECT dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement
FROM stage1_datasets
WHERE (coalesce(ohlcv_measurement, '') = '' OR coalesce(indicator_measurement, '') = '')
  AND NOT stage1_is_placeholder('dataset', dataset_id)
),

runs_of_datasets_without_measurements AS MATERIALIZED (
-- severity: warning
-- title: Runs of datasets without both measurements
-- Their inputs cannot be loaded again from the lineage alone. They are sound once their dataset is.
SELECT r.run_id, r.prediction_measurement, d.dataset_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement
FROM walkforward_runs r
JOIN stage1_datasets d USING (dataset_id)
WHERE (coalesce(d.ohlcv_measurement, '') = '' OR coalesce(d.indicator_measurement, '') = '')
  AND NOT stage1_is_placeholder('dataset', d.dataset_id)
),

runs_without_a_dataset AS MATERIALIZED (
-- severity: error
-- title: Runs without a dataset
-- No dataset leads to them. Find theirs, by the name of the table or by who asked for it, and set dataset_id.
SELECT r.run_id, r.dataset_id, r.prediction_measurement, r.requested_by, r.created_at
FROM walkforward_runs r
WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = r.dataset_id)
  AND NOT stage1_is_placeholder('run', r.run_id)
),

simulations_without_a_dataset AS MATERIALIZED (
-- severity: warning
-- title: Simulations without a dataset
-- Their dataset does not count or list them. Set dataset_id to the run's own, where the run has one.
SELECT s.simulation_id, s.run_id, r.dataset_id AS dataset_id_of_run, s.input_run_measurement, s.created_at
FROM simulation_runs s
LEFT JOIN walkforward_runs r USING (run_id)
WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = s.dataset_id)
  AND NOT stage1_is_placeholder('simulation', s.simulation_id)
),

simulations_at_odds_with_their_run AS MATERIALIZED (
-- severity: error
-- title: Simulations of another dataset than their run's
-- One of the two is wrong: input_run_measurement names the table that was traded on. Correct run_id or dataset_id.
SELECT s.simulation_id, s.run_id, s.dataset_id, r.dataset_id AS dataset_id_of_run, s.input_run_measurement,
       r.prediction_measurement
FROM simulation_runs s
JOIN walkforward_runs r USING (run_id)
WHERE s.dataset_id <> r.dataset_id
),

first_timestamps_after_last_ones AS MATERIALIZED (
-- severity: error
-- title: First timestamps after last ones
-- Swapped, or one of the two in another unit of time. Export again, or correct the row.
SELECT dataset_id AS id, 'stage1_datasets' AS "table", 'ohlcv_first_ts' AS "column",
       ohlcv_first_ts AS first, ohlcv_last_ts AS last
FROM stage1_datasets WHERE ohlcv_first_ts > ohlcv_last_ts
UNION ALL
SELECT dataset_id, 'stage1_datasets', 'indicator_first_ts', indicator_first_ts, indicator_last_ts
FROM stage1_datasets WHERE indicator_first_ts > indicator_last_ts
UNION ALL
SELECT dataset_id, 'indicator_datasets', 'first_bar_ts', first_bar_ts, last_bar_ts
FROM indicator_datasets WHERE first_bar_ts > last_bar_ts
UNION ALL
SELECT run_id, 'walkforward_runs', 'started_at', started_at, completed_at
FROM walkforward_runs WHERE started_at > completed_at
UNION ALL
SELECT simulation_id, 'simulation_runs', 'started_at', started_at, completed_at
FROM simulation_runs WHERE started_at > completed_at
),

timestamps_in_a_wrong_unit AS MATERIALIZED (
-- severity: error
-- title: Timestamps before 1990 or after 2100
-- Exporters wrote seconds, milliseconds and microseconds: taken for another unit, each is such a year. Export again, or
-- correct the row; infinity is no instant either.
SELECT id, "table", "column", value
FROM (
    SELECT dataset_id AS id, 'stage1_datasets' AS "table", 'ohlcv_first_ts' AS "column", ohlcv_first_ts AS value FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'ohlcv_last_ts', ohlcv_last_ts FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'indicator_first_ts', indicator_first_ts FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'indicator_last_ts', indicator_last_ts FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'created_at', created_at FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'stage1_datasets', 'updated_at', updated_at FROM stage1_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'first_bar_ts', first_bar_ts FROM indicator_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'last_bar_ts', last_bar_ts FROM indicator_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'created_at', created_at FROM indicator_datasets
    UNION ALL SELECT dataset_id, 'indicator_datasets', 'updated_at', updated_at FROM indicator_datasets
    UNION ALL SELECT run_id, 'walkforward_runs', 'started_at', started_at FROM walkforward_runs
    UNION ALL SELECT run_id, 'walkforward_runs', 'completed_at', completed_at FROM walkforward_runs
    UNION ALL SELECT run_id, 'walkforward_runs', 'created_at', created_at FROM walkforward_runs
    UNION ALL SELECT simulation_id, 'simulation_runs', 'started_at', started_at FROM simulation_runs
    UNION ALL SELECT simulation_id, 'simulation_runs', 'completed_at', completed_at FROM simulation_runs
    UNION ALL SELECT simulation_id, 'simulation_runs', 'created_at', created_at FROM simulation_runs
    UNION ALL SELECT run_id, 'walkforward_folds', 'created_at', created_at FROM walkforward_folds
    UNION ALL SELECT trade_id, 'simulation_trades', 'bar_timestamp', bar_timestamp FROM simulation_trades
    UNION ALL SELECT trade_id, 'simulation_trades', 'created_at', created_at FROM simulation_trades
) AS stored
WHERE value < '1990-01-01 00:00:00+00' OR value >= '2101-01-01 00:00:00+00'
),

impossible_counts AS MATERIALIZED (
-- severity: error
-- title: Negative or impossible counts
-- Nothing is counted below zero, nothing wins more often than it trades, and a window holds no more samples than bars
-- (one more is let pass, since its last index is counted in by some). Export again, or correct the row.
SELECT id, "table", part, problem
FROM (
    SELECT dataset_id AS id, 'stage1_datasets' AS "table", NULL AS part, concat_ws('; ',
               CASE WHEN ohlcv_row_count < 0 THEN format('ohlcv_row_count is %s', ohlcv_row_count) END,
               CASE WHEN indicator_row_count < 0 THEN format('indicator_row_count is %s', indicator_row_count) END) AS problem
    FROM stage1_datasets
    UNION ALL
    SELECT dataset_id, 'indicator_datasets', NULL, format('row_count is %s', row_count)
    FROM indicator_datasets WHERE row_count < 0
    UNION ALL
    SELECT run_id, 'walkforward_runs', NULL, format('duration_ms is %s', duration_ms)
    FROM walkforward_runs WHERE duration_ms < 0
    UNION ALL
    SELECT run_id, 'walkforward_folds', format('fold %s', fold_number), concat_ws('; ',
               CASE WHEN fold_number < 0 THEN format('fold_number is %s', fold_number) END,
               CASE WHEN train_start_idx < 0 THEN format('train_start_idx is %s', train_start_idx) END,
               CASE WHEN test_start_idx < 0 THEN format('test_start_idx is %s', test_start_idx) END,
               CASE WHEN train_end_idx < train_start_idx
                    THEN format('train_end_idx %s is before train_start_idx %s', train_end_idx, train_start_idx) END,
               CASE WHEN test_end_idx < test_start_idx
                    THEN format('test_end_idx %s is before test_start_idx %s', test_end_idx, test_start_idx) END,
               CASE WHEN samples_train < 0 THEN format('samples_train is %s', samples_train) END,
               CASE WHEN samples_test < 0 THEN format('samples_test is %s', samples_test) END,
               -- numeric, since the difference of two bigints need not be one
               CASE WHEN train_end_idx >= train_start_idx AND samples_train > train_end_idx - train_start_idx::numeric + 1
                    THEN format('samples_train %s is more than %s to %s hold', samples_train, train_start_idx, train_end_idx) END,
               CASE WHEN test_end_idx >= test_start_idx AND samples_test > test_end_idx - test_start_idx::numeric + 1
                    THEN format('samples_test %s is more than %s to %s hold', samples_test, test_start_idx, test_end_idx) END)
    FROM walkforward_folds
    UNION ALL
    SELECT simulation_id, 'simulation_trade_buckets', side, concat_ws('; ',
               CASE WHEN trade_count < 0 THEN format('trade_count is %s', trade_count) END,
               CASE WHEN win_count < 0 THEN format('win_count is %s', win_count) END,
               CASE WHEN win_count > trade_count
                    THEN format('win_count %s is above trade_count %s', win_count, trade_count) END)
    FROM simulation_trade_buckets
) AS counted
WHERE problem <> ''
),

buckets_at_odds_with_trades AS MATERIALIZED (
-- severity: error
-- title: Bucket counts that disagree with the trades
-- Trades are missing, or the bucket is of another state of the simulation: export it again. Only simulations whose trades
-- are stored. A bucket "dual", "both" or "all" counts all trades; one with another word is not compared. A trade that ends
-- even, or whose pnl is not known, may be a win or not.
SELECT b.simulation_id, b.side, b.trade_count, c.trades, b.win_count, c.least_wins, c.most_wins
FROM simulation_trade_buckets b
JOIN (
    SELECT simulation_id,
           count(*) AS all_trades,
           count(*) FILTER (WHERE is_win) AS least_wins,
           count(*) FILTER (WHERE may_be_win) AS most_wins,
           count(*) FILTER (WHERE side = 'long') AS long_trades,
           count(*) FILTER (WHERE side = 'long' AND is_win) AS least_long_wins,
           count(*) FILTER (WHERE side = 'long' AND may_be_win) AS most_long_wins,
           count(*) FILTER (WHERE side = 'short') AS short_trades,
           count(*) FILTER (WHERE side = 'short' AND is_win) AS least_short_wins,
           count(*) FILTER (WHERE side = 'short' AND may_be_win) AS most_short_wins
    FROM (
        SELECT simulation_id, lower(side) AS side,
               pnl > 0 AND pnl <> 'NaN' AS is_win, coalesce(pnl, 0) >= 0 AS may_be_win  -- NaN is above all numbers
        FROM simulation_trades
    ) AS trade
    GROUP BY simulation_id
) AS t USING (simulation_id)
CROSS JOIN LATERAL (
    SELECT all_trades, t.least_wins, t.most_wins WHERE lower(b.side) IN ('dual', 'both', 'all')
    UNION ALL
    SELECT long_trades, least_long_wins, most_long_wins WHERE lower(b.side) = 'long'
    UNION ALL
    SELECT short_trades, least_short_wins, most_short_wins WHERE lower(b.side) = 'short'
) AS c (trades, least_wins, most_wins)
WHERE b.trade_count <> c.trades OR b.win_count NOT BETWEEN c.least_wins AND c.most_wins
),

buckets_without_trades AS MATERIALIZED (
-- severity: warning
-- title: Buckets of simulations whose trades are not stored
-- The exporter sends no trades, or they were lost on the way: the counts cannot be compared. Export the simulation again.
SELECT b.simulation_id, b.side, b.trade_count, b.win_count
FROM simulation_trade_buckets b
WHERE b.trade_count <> 0 AND NOT EXISTS (SELECT FROM simulation_trades t WHERE t.simulation_id = b.simulation_id)
),

folds_with_gaps AS MATERIALIZED (
-- severity: error
-- title: Runs that lost folds, or have too many
-- Folds were lost on the way, as when 312 arrived as 130: export the run again. Or an earlier export had more of them, and
-- stage1_app, which wrote the later one, may not delete: run `replay --again` with the later export as the tables' owner.
-- Folds are numbered without a gap, from 0, from 1, or from walk_config.start_fold. Where summary_metrics.folds says how
-- many there are, there are no more, and no fewer unless the run is on its way.
SELECT run_id, prediction_measurement, status, folds, expected_folds, first_fold, last_fold
FROM (
    SELECT r.run_id, r.prediction_measurement, r.status, f.folds, f.first_fold, f.last_fold,
           stage1_claimed_folds(r.summary_metrics) AS expected_folds,
           stage1_json_count(r.walk_config, 'start_fold') AS start_fold
    FROM (
        SELECT run_id, count(*) AS folds, min(fold_number) AS first_fold, max(fold_number) AS last_fold
        FROM walkforward_folds
        GROUP BY run_id
    ) AS f
    JOIN walkforward_runs r USING (run_id)
) AS compared
WHERE last_fold::bigint - first_fold + 1 <> folds
   OR first_fold NOT IN (0, 1) AND first_fold IS DISTINCT FROM start_fold
   OR folds > expected_folds
   OR folds < expected_folds AND stage1_run_status(status) NOT IN ('PENDING', 'QUEUED', 'RUNNING')
),

completed_runs_without_folds AS MATERIALIZED (
-- severity: error
-- title: Runs without any of their folds
-- summary_metrics.folds says that there are folds, and none is stored: all were lost on the way. Export the run again. Only
-- runs that are no longer on their way, completed or not.
SELECT run_id, prediction_measurement, status, expected_folds
FROM (
    SELECT r.run_id, r.prediction_measurement, r.status, stage1_claimed_folds(r.summary_metrics) AS expected_folds
    FROM walkforward_runs r
    WHERE NOT EXISTS (SELECT FROM walkforward_folds f WHERE f.run_id = r.run_id)
) AS foldless
WHERE expected_folds > 0 AND stage1_run_status(status) NOT IN ('PENDING', 'QUEUED', 'RUNNING')
),

words_outside_the_vocabulary AS MATERIALIZED (
-- severity: warning
-- title: Statuses and modes outside the vocabulary
-- The API shows them as UNKNOWN, and filters find them as such. functions/50_vocabulary.sql has the words, in any case. Of a
-- placeholder nobody has said any yet.
SELECT run_id AS id, 'walkforward_runs' AS "table", 'status' AS "column", left(status, 200) AS value
FROM walkforward_runs WHERE stage1_run_status(status) = 'UNKNOWN' AND NOT stage1_is_placeholder('run', run_id)
UNION ALL
SELECT simulation_id, 'simulation_runs', 'status', left(status, 200)
FROM simulation_runs WHERE stage1_run_status(status) = 'UNKNOWN' AND NOT stage1_is_placeholder('simulation', simulation_id)
UNION ALL
SELECT simulation_id, 'simulation_runs', 'mode', left(mode, 200)
FROM simulation_runs WHERE stage1_simulation_mode(mode) = 'UNKNOWN' AND NOT stage1_is_placeholder('simulation', simulation_id)
),

measurements_with_one_name AS MATERIALIZED (
-- severity: error
-- title: Measurements that share one name
-- Two objects claim one QuestDB table, so what is read from it is of both or of the other. Export one under another name.
-- QuestDB takes upper and lower case for the same. The table that all old simulations share has a check of its own.
SELECT min(measurement COLLATE "C") AS measurement, count(*) AS uses, min(use) AS one_use, max(use) AS another_use
FROM (
    SELECT ohlcv_measurement AS measurement, 'bars of dataset ' || dataset_id AS use FROM stage1_datasets
    UNION ALL
    SELECT indicator_measurement, 'indicators of dataset ' || dataset_id FROM stage1_datasets
    UNION ALL
    SELECT prediction_measurement, 'predictions of run ' || run_id FROM walkforward_runs
    UNION ALL
    SELECT questdb_namespace, 'traces of simulation ' || simulation_id
    FROM simulation_runs WHERE questdb_namespace <> 'trading_sim_traces'
) AS named
WHERE measurement <> ''
GROUP BY lower(measurement)
HAVING count(*) > 1
),

simulations_in_the_shared_namespace AS MATERIALIZED (
-- severity: warning
-- title: Simulations in the shared table trading_sim_traces
-- The habit of old exporters: the table's name does not tell whose traces it holds. Nothing to do, unless one is wanted apart.
SELECT simulation_id, run_id, dataset_id, questdb_namespace, created_at
FROM simulation_runs
WHERE questdb_namespace = 'trading_sim_traces'
),

feature_columns_of_another_shape AS MATERIALIZED (
-- severity: warning
-- title: Runs whose feature_columns is not an array of strings
-- The API reads what it can from them, also an array inside a text. Other readers may not: write the array itself.
SELECT run_id, prediction_measurement, jsonb_typeof(feature_columns) AS found, left(feature_columns::text, 200) AS value
FROM walkforward_runs
WHERE feature_columns IS NOT NULL
  AND CASE WHEN jsonb_typeof(feature_columns) = 'array'
           THEN jsonb_path_exists(feature_columns, 'strict $[*] ? (@.type() != "string")')
           ELSE true END
),

legacy_rows_without_a_master_row AS MATERIALIZED (
-- severity: error
-- title: Legacy rows without a master row
-- Written while triggers were off: the catalogue does not show them. Updating the row, even to what it is, makes the master.
SELECT i.dataset_id, i.questdb_tag, i.symbol, i.granularity, i.created_at
FROM indicator_datasets i
WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = i.dataset_id)
),

placeholders AS MATERIALIZED (
-- severity: warning
-- title: Placeholders for rows that never came
-- Something was written that belongs to them, and they were not. Replay the spool that has the row itself, or write the
-- dataset with upsert_stage1_dataset: the placeholder is filled then, and what hangs on it stays.
SELECT p.id, p.object, coalesce(d.dataset_slug, r.prediction_measurement, s.questdb_namespace) AS name,
       (SELECT count(*) FROM walkforward_runs own WHERE p.object = 'dataset' AND own.dataset_id = p.id) AS runs,
       (SELECT count(*) FROM simulation_runs own
        WHERE p.object = 'dataset' AND own.dataset_id = p.id OR p.object = 'run' AND own.run_id = p.id) AS simulations,
       p.created_at
FROM stage1_placeholders p
LEFT JOIN stage1_datasets d ON p.object = 'dataset' AND d.dataset_id = p.id
LEFT JOIN walkforward_runs r ON p.object = 'run' AND r.run_id = p.id
LEFT JOIN simulation_runs s ON p.object = 'simulation' AND s.simulation_id = p.id
WHERE p.filled_at IS NULL AND coalesce(d.dataset_id, r.run_id, s.simulation_id) IS NOT NULL
),

trades_beside_another_run AS MATERIALIZED (
-- severity: error
-- title: Simulations that hold another one's trades
-- An id is made of a label and of a number that begins anew each session: the next day the same id was another simulation,
-- of another run, and its trades were added to the older one's. Found by trades of folds that the run has not, by more trades
-- than summary_metrics.total_trades, and by an input other than the run's predictions. Delete the simulation's trades and
-- export it again, each under an id of its own. A run that lost folds itself is another check's, and its trades are let pass.
SELECT s.simulation_id, s.run_id, s.input_run_measurement, r.prediction_measurement,
       coalesce(t.trades, 0) AS trades, stage1_json_count(s.summary_metrics, 'total_trades') AS expected_trades,
       coalesce(t.of_other_folds, 0) AS trades_of_other_folds, t.other_fold
FROM simulation_runs s
LEFT JOIN walkforward_runs r ON r.run_id = s.run_id
LEFT JOIN (
    SELECT made.simulation_id, count(*) AS trades,
           count(*) FILTER (WHERE is_elsewhere) AS of_other_folds,
           min(made.fold) FILTER (WHERE is_elsewhere) AS other_fold
    FROM (
        SELECT trade.simulation_id,
               -- Nearly all are plain numbers, which are read sooner.
               CASE WHEN trade.metadata ->> 'fold' ~ '^[0-9]{1,9}$' THEN (trade.metadata ->> 'fold')::bigint
                    WHEN trade.metadata ? 'fold' OR jsonb_typeof(trade.metadata) = 'string'
                    THEN stage1_json_count(trade.metadata, 'fold') END AS fold
        FROM simulation_trades trade
        OFFSET 0  -- read once for each trade, and not at each place where it stands below
    ) AS made
    JOIN simulation_runs its ON its.simulation_id = made.simulation_id
    LEFT JOIN (
        SELECT run_id
        FROM (SELECT run_id, count(*) AS folds FROM walkforward_folds GROUP BY run_id) AS stored
        JOIN walkforward_runs claiming USING (run_id)
        WHERE folds >= coalesce(stage1_claimed_folds(claiming.summary_metrics), 0)
    ) AS whole ON whole.run_id = its.run_id
    LEFT JOIN walkforward_folds f ON f.run_id = its.run_id AND f.fold_number = made.fold
    CROSS JOIN LATERAL (
        SELECT whole.run_id IS NOT NULL AND made.fold IS NOT NULL AND f.run_id IS NULL AS is_elsewhere
    ) AS compared
    GROUP BY made.simulation_id
) AS t ON t.simulation_id = s.simulation_id
WHERE t.of_other_folds > 0
   OR t.trades > stage1_json_count(s.summary_metrics, 'total_trades')
   OR lower(s.input_run_measurement) <> lower(r.prediction_measurement)
      AND s.input_run_measurement <> '' AND r.prediction_measurement NOT IN ('', 'run_' || r.run_id)
      AND NOT stage1_is_placeholder('run', r.run_id) AND NOT stage1_is_placeholder('simulation', s.simulation_id)
),

slugs_that_differ_by_case AS MATERIALIZED (
-- severity: warning
-- title: Slugs that differ by case alone
-- The desktop names a dataset's tables after its slug, and to QuestDB upper and lower case are the same: the next export of
-- one writes into the other's tables. Where they share a table already, measurements_with_one_name says so. Rename one.
SELECT one.dataset_id, other.dataset_id AS other_dataset_id, one.dataset_slug, other.dataset_slug AS other_slug
FROM stage1_datasets one
JOIN stage1_datasets other ON lower(other.dataset_slug) = lower(one.dataset_slug) AND other.dataset_id > one.dataset_id
),

report (place, name, severity, title, count, sample) AS (
    SELECT 1, 'datasets_without_measurements', 'warning', 'Datasets without both measurements', (SELECT count(*) FROM datasets_without_measurements),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM datasets_without_measurements c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 2, 'runs_of_datasets_without_measurements', 'warning', 'Runs of datasets without both measurements', (SELECT count(*) FROM runs_of_datasets_without_measurements),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM runs_of_datasets_without_measurements c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 3, 'runs_without_a_dataset', 'error', 'Runs without a dataset', (SELECT count(*) FROM runs_without_a_dataset),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM runs_without_a_dataset c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 4, 'simulations_without_a_dataset', 'warning', 'Simulations without a dataset', (SELECT count(*) FROM simulations_without_a_dataset),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM simulations_without_a_dataset c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 5, 'simulations_at_odds_with_their_run', 'error', 'Simulations of another dataset than their run''s', (SELECT count(*) FROM simulations_at_odds_with_their_run),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM simulations_at_odds_with_their_run c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 6, 'first_timestamps_after_last_ones', 'error', 'First timestamps after last ones', (SELECT count(*) FROM first_timestamps_after_last_ones),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM first_timestamps_after_last_ones c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 7, 'timestamps_in_a_wrong_unit', 'error', 'Timestamps before 1990 or after 2100', (SELECT count(*) FROM timestamps_in_a_wrong_unit),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM timestamps_in_a_wrong_unit c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 8, 'impossible_counts', 'error', 'Negative or impossible counts', (SELECT count(*) FROM impossible_counts),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM impossible_counts c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 9, 'buckets_at_odds_with_trades', 'error', 'Bucket counts that disagree with the trades', (SELECT count(*) FROM buckets_at_odds_with_trades),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM buckets_at_odds_with_trades c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 10, 'buckets_without_trades', 'warning', 'Buckets of simulations whose trades are not stored', (SELECT count(*) FROM buckets_without_trades),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM buckets_without_trades c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 11, 'folds_with_gaps', 'error', 'Runs that lost folds, or have too many', (SELECT count(*) FROM folds_with_gaps),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM folds_with_gaps c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 12, 'completed_runs_without_folds', 'error', 'Runs without any of their folds', (SELECT count(*) FROM completed_runs_without_folds),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM completed_runs_without_folds c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 13, 'words_outside_the_vocabulary', 'warning', 'Statuses and modes outside the vocabulary', (SELECT count(*) FROM words_outside_the_vocabulary),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM words_outside_the_vocabulary c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 14, 'measurements_with_one_name', 'error', 'Measurements that share one name', (SELECT count(*) FROM measurements_with_one_name),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM measurements_with_one_name c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 15, 'simulations_in_the_shared_namespace', 'warning', 'Simulations in the shared table trading_sim_traces', (SELECT count(*) FROM simulations_in_the_shared_namespace),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM simulations_in_the_shared_namespace c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 16, 'feature_columns_of_another_shape', 'warning', 'Runs whose feature_columns is not an array of strings', (SELECT count(*) FROM feature_columns_of_another_shape),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM feature_columns_of_another_shape c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 17, 'legacy_rows_without_a_master_row', 'error', 'Legacy rows without a master row', (SELECT count(*) FROM legacy_rows_without_a_master_row),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM legacy_rows_without_a_master_row c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 18, 'placeholders', 'warning', 'Placeholders for rows that never came', (SELECT count(*) FROM placeholders),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM placeholders c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 19, 'trades_beside_another_run', 'error', 'Simulations that hold another one''s trades', (SELECT count(*) FROM trades_beside_another_run),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM trades_beside_another_run c ORDER BY c LIMIT 5) AS first)
    UNION ALL
    SELECT 20, 'slugs_that_differ_by_case', 'warning', 'Slugs that differ by case alone', (SELECT count(*) FROM slugs_that_differ_by_case),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM slugs_that_differ_by_case c ORDER BY c LIMIT 5) AS first)
)
SELECT severity, name AS "check", count, sample AS "first rows"
FROM report, (SELECT set_config('stage1.checks_with_errors', (count(*) FILTER (WHERE severity = 'error' AND count > 0))::text, false) FROM report) AS noted
ORDER BY place;

DO $$
DECLARE
    errors CONSTANT bigint := current_setting('stage1.checks_with_errors');
BEGIN
    IF errors > 0 THEN
        RAISE EXCEPTION '% of the checks of severity error found rows', errors
            USING HINT = 'This script says above each check what a finding means and what to do.';
    END IF;
END
$$;

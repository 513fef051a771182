-- What tables, views and columns mean, for \d+ and whoever reads the catalogue. Functions have
-- their comments beside their definition. Only what has no comment gets one: what an operator wrote
-- stays, and COMMENT waits for a VACUUM of the table. Where a text below is changed, the md5 of its
-- former text goes into `former`, so that databases that have it get the new one.
DO $$
DECLARE
    former CONSTANT text[] := ARRAY[
        '037650187ab79a8b2a618d45bda56434', 'a78ae16be79c21959ae3d1ae6ec8ffb6'];  -- of 0009
    here CONSTANT text := quote_ident(current_schema());
    own record;
BEGIN
    FOR own IN
        SELECT c.relname, a.attname, w.meaning
        FROM (VALUES
            -- A dataset, and the views that show it.
            ('stage1_datasets', NULL,
                'A dataset: its OHLCV table and its indicator table in QuestDB, and this row '
                'about both.'),
            ('stage1_datasets dataset_catalog dataset_hierarchy', 'dataset_id',
                'Key of the dataset.'),
            ('stage1_datasets dataset_catalog dataset_hierarchy', 'dataset_slug',
                'The name people use. Unique.'),
            ('stage1_datasets dataset_catalog', 'symbol',
                'What is traded, such as BTCUSDT. NULL, '''' or UNKNOWN: not known.'),
            ('stage1_datasets dataset_catalog', 'granularity',
                'The length of a bar, such as 4h. NULL, '''' or unknown: not known.'),
            ('stage1_datasets', 'source', 'The program that made the dataset. NULL: not known.'),
            ('stage1_datasets dataset_catalog dataset_hierarchy', 'ohlcv_measurement',
                'QuestDB table of the OHLCV bars; empty: not exported yet.'),
            ('stage1_datasets dataset_catalog dataset_hierarchy', 'indicator_measurement',
                'QuestDB table of the indicators; empty: not exported yet.'),
            ('stage1_datasets dataset_catalog', 'ohlcv_row_count',
                'Rows of the OHLCV table. NULL or 0: not known.'),
            ('stage1_datasets dataset_catalog', 'indicator_row_count',
                'Rows of the indicator table. NULL or 0: not known.'),
            ('stage1_datasets dataset_catalog', 'ohlcv_first_ts',
                'Time of the first OHLCV bar. NULL: not known.'),
            ('stage1_datasets dataset_catalog', 'ohlcv_last_ts',
                'Time of the last OHLCV bar. NULL: not known.'),
            ('stage1_datasets dataset_catalog', 'indicator_first_ts',
                'Time of the first row of indicators. NULL: not known.'),
            ('stage1_datasets dataset_catalog', 'indicator_last_ts',
                'Time of the last row of indicators. NULL: not known.'),
            ('stage1_datasets', 'metadata',
                'Whatever its writers noted, an object. NULL means the same as {}.'),
            ('stage1_datasets dataset_catalog', 'created_at', 'When the row was first written.'),
            ('stage1_datasets dataset_catalog', 'updated_at',
                'Kept by a trigger: when the row was last written.'),
            ('dataset_catalog', 'run_count', 'Walk-forward runs of the dataset.'),
            ('dataset_catalog', 'simulation_count', 'Simulations of the dataset.'),

            ('indicator_datasets', NULL,
                'The datasets of Stage 1.3, whose clients go on writing here: triggers lead each '
                'row to stage1_datasets.'),
            ('indicator_datasets', 'dataset_id',
                'Key of the dataset, the same as in stage1_datasets.'),
            ('indicator_datasets', 'symbol',
                'What is traded, such as BTCUSDT. '''' or UNKNOWN: not known.'),
            ('indicator_datasets', 'granularity',
                'The length of a bar, such as 4h. '''' or unknown: not known.'),
            ('indicator_datasets', 'source', 'The program that made the dataset.'),
            ('indicator_datasets', 'questdb_tag',
                'QuestDB table of the indicators, as the desktop names it. NULL: none is named.'),
            ('indicator_datasets', 'questdb_measurement',
                'The same table, as the dashboard names it: a trigger keeps both equal. NULL: '
                'none is named.'),
            ('indicator_datasets', 'column_schema',
                'Columns of that table with their types. NULL: the desktop does not say.'),
            ('indicator_datasets', 'row_count', 'Rows of that table. NULL or 0: not known.'),
            ('indicator_datasets', 'first_bar_ts', 'Time of its first row. NULL: not known.'),
            ('indicator_datasets', 'last_bar_ts', 'Time of its last row. NULL: not known.'),
            ('indicator_datasets', 'created_at', 'When the row was first written.'),
            ('indicator_datasets', 'updated_at',
                'Kept by a trigger: when the row was last written. NULL: not since the column '
                'was added.'),

            ('datasets', NULL,
                'The datasets of generation 3, whose clients go on writing here: triggers lead '
                'each row to stage1_datasets.'),
            ('datasets', 'dataset_id', 'Key of the dataset, the same as in stage1_datasets.'),
            ('datasets', 'dataset_slug', 'The name people use.'),
            ('datasets', 'symbol',
                'What is traded. NULL, UNKNOWN or the slug: not known.'),
            ('datasets', 'granularity', 'The length of a bar, such as 4h. NULL: not known.'),
            ('datasets', 'bar_interval_ms', 'The length of a bar in milliseconds.'),
            ('datasets', 'lookback_rows', 'Bars before the first row of indicators.'),
            ('datasets', 'first_ohlcv_ts',
                'Time of the first OHLCV bar, in milliseconds since 1970. NULL or 0: not known.'),
            ('datasets', 'first_indicator_ts',
                'Time of the first row of indicators, in milliseconds since 1970. NULL or 0: not '
                'known.'),
            ('datasets', 'metadata',
                'The manifest: the desktop''s own description of its export, an object.'),
            ('datasets', 'created_at', 'When the row was first written.'),

            ('stage1_dataset_aliases', NULL,
                'Ids by which writers know a dataset that is stored under another one: each '
                'desktop hashes ids in its own way.'),
            ('stage1_dataset_aliases', 'alias_id',
                'The id that a writer uses. Triggers lead rows with it to the dataset.'),
            ('stage1_dataset_aliases', 'dataset_id', 'The dataset that is stored.'),
            ('stage1_dataset_aliases', 'created_at', 'When the id was seen first.'),
            ('stage1_legacy_exports', NULL,
                'What rows of indicator_datasets and datasets have said of a dataset: a statement '
                'that runs again takes nothing back.'),
            ('stage1_legacy_exports', 'dataset_id', 'The dataset.'),
            ('stage1_legacy_exports', 'content',
                'Hash of what a row said: stage1_content_of_export().'),
            ('stage1_legacy_exports', 'created_at', 'When it was said first.'),
            ('stage1_placeholders', NULL,
                'Rows that stand for a dataset, a run or a simulation of which only the id is '
                'known, because other rows name it.'),
            ('stage1_placeholders', 'object', '"dataset", "run" or "simulation".'),
            ('stage1_placeholders', 'id', 'Key of the row.'),
            ('stage1_placeholders', 'created_at', 'When the placeholder was made.'),
            ('stage1_placeholders', 'filled_at',
                'When the row that describes the object came. NULL: it is still a placeholder.'),

            -- A run and its folds.
            ('walkforward_runs', NULL,
                'A walk-forward run: a model that was trained and tested fold by fold over a '
                'dataset. Its predictions are a QuestDB table.'),
            ('walkforward_runs dataset_hierarchy', 'run_id',
                'Key of the run. NULL in a view: there is none.'),
            ('walkforward_runs', 'dataset_id',
                'The dataset that it learned from. NULL: none is named.'),
            ('walkforward_runs dataset_hierarchy', 'prediction_measurement',
                'QuestDB table of the predictions, unique within the dataset. NULL in a view: '
                'there is no run.'),
            ('walkforward_runs', 'target_column', 'The column that is predicted.'),
            ('walkforward_runs', 'feature_columns',
                'The columns that are learned from, an array of strings in the model''s order. '
                'One exporter wrote a string that contains it.'),
            ('walkforward_runs', 'hyperparameters', 'The model''s settings, an object.'),
            ('walkforward_runs', 'walk_config',
                'How the windows walk, an object: train_size, test_size, train_test_gap, '
                'fold_step and initial_offset in bars; start_fold and end_fold are numbers of '
                'folds, -1 the last that there is.'),
            ('walkforward_runs', 'status',
                'How far the run has come, free text: stage1_run_status() says what it means.'),
            ('walkforward_runs', 'requested_by', 'Who asked for the run. NULL: not known.'),
            ('walkforward_runs', 'started_at', 'When work began. NULL: not yet, or not known.'),
            ('walkforward_runs', 'completed_at',
                'When work ended, well or not. NULL: not yet, or not known.'),
            ('walkforward_runs', 'duration_ms',
                'How long the work took, in milliseconds. NULL: not known.'),
            ('walkforward_runs', 'summary_metrics',
                'Results over all folds, an object: folds is how many the run had when it was '
                'written. NULL or {}: none yet.'),
            ('walkforward_runs dataset_hierarchy', 'serialized_config',
                'Clipboard text of the form that the run was started from, byte for byte. NULL: '
                'none was written.'),
            ('walkforward_runs', 'created_at', 'When the row was first written.'),

            ('walkforward_folds', NULL,
                'A step of a run: trained on a window of bars, tested on a later one. Indices '
                'count the dataset''s rows from 0; a window ends before the bar of its end '
                'index.'),
            ('walkforward_folds', 'run_id', 'The run that the fold is of.'),
            ('walkforward_folds', 'fold_number',
                'Its place in the run. The desktop counts from 0.'),
            ('walkforward_folds', 'train_start_idx', 'First bar that was trained on.'),
            ('walkforward_folds', 'train_end_idx', 'The bar after the last that was trained on.'),
            ('walkforward_folds', 'test_start_idx', 'First bar that was tested on.'),
            ('walkforward_folds', 'test_end_idx', 'The bar after the last that was tested on.'),
            ('walkforward_folds', 'samples_train',
                'Bars that were learned from: fewer than the window has, where a part of it is '
                'kept for early stopping.'),
            ('walkforward_folds', 'samples_test', 'Bars that were tested on.'),
            ('walkforward_folds', 'train_start_ts_ms',
                'Time of the first bar that was trained on, in milliseconds since 1970. NULL: '
                'not known.'),
            ('walkforward_folds', 'train_end_ts_ms',
                'Time of the bar after the last that was trained on, in milliseconds since 1970. '
                'NULL: not known.'),
            ('walkforward_folds', 'test_start_ts_ms',
                'Time of the first bar that was tested on, in milliseconds since 1970. NULL: not '
                'known.'),
            ('walkforward_folds', 'test_end_ts_ms',
                'Time of the bar after the last that was tested on, in milliseconds since 1970. '
                'NULL: not known.'),
            ('walkforward_folds', 'best_iteration',
                'The boosting round that scored best. NULL: not known.'),
            ('walkforward_folds', 'best_score', 'The score of that round. NULL or NaN: not known.'),
            ('walkforward_folds', 'thresholds',
                'From which prediction on it signals, an object: long_optimal, short_optimal, '
                'prediction_scaled and others.'),
            ('walkforward_folds', 'metrics',
                'Results of the fold, an object: what has short in its name is of short signals, '
                'dual of both, the rest of long ones. hit_rate is a fraction, n_signals a count, '
                'running_sum adds up signal_sum over the folds so far, and a profit factor without '
                'losses is 999.0.'),
            ('walkforward_folds', 'created_at',
                'When the row was first written. NULL: before the column was added.'),

            -- A simulation, its trades and its buckets.
            ('simulation_runs', NULL,
                'A simulation: trading on the predictions of a run, replayed over history. Its '
                'traces are a QuestDB table.'),
            ('simulation_runs dataset_hierarchy', 'simulation_id',
                'Key of the simulation. NULL in a view: there is none.'),
            ('simulation_runs', 'run_id',
                'The run whose predictions it traded on. NULL: none is named, or it was deleted.'),
            ('simulation_runs', 'dataset_id',
                'The dataset that it traded over. NULL: none is named.'),
            ('simulation_runs', 'input_run_measurement',
                'QuestDB table of the predictions that it read.'),
            ('simulation_runs dataset_hierarchy', 'questdb_namespace',
                'QuestDB table of its traces. Old simulations share trading_sim_traces. NULL or '
                ''''': none.'),
            ('simulation_runs', 'mode',
                'Which sides it traded, free text: stage1_simulation_mode() says what it means.'),
            ('simulation_runs', 'config',
                'The settings it was run with, an object: position_size is what a trade puts in, '
                'in the quote currency.'),
            ('simulation_runs', 'status',
                'How far the simulation has come, free text: stage1_run_status() says what it '
                'means.'),
            ('simulation_runs', 'started_at', 'When work began. NULL: not yet, or not known.'),
            ('simulation_runs', 'completed_at',
                'When work ended, well or not. NULL: not yet, or not known.'),
            ('simulation_runs', 'summary_metrics',
                'Results over all trades, an object: what ends in _pct is in percent of '
                'position_size. NULL or {}: none yet.'),
            ('simulation_runs', 'serialized_config',
                'Clipboard text of the form that the simulation was started from, byte for byte. '
                'NULL: none was written.'),
            ('simulation_runs', 'created_at', 'When the row was first written.'),
            ('dataset_hierarchy', 'status',
                'Status of the simulation, or of the run where there is none. NULL: there is '
                'neither.'),
            ('dataset_hierarchy', 'run_status',
                'Status of the run, as it is stored. NULL: there is none.'),
            ('dataset_hierarchy', 'simulation_status',
                'Status of the simulation, as it is stored. NULL: there is none.'),
            ('dataset_hierarchy', 'simulation_serialized_config',
                'Clipboard text of the simulation''s form. NULL: there is no simulation, or none '
                'was written.'),

            ('simulation_trades', NULL, 'A trade of a simulation.'),
            ('simulation_trades', 'trade_id', 'Key of the trade.'),
            ('simulation_trades', 'simulation_id', 'The simulation that made it.'),
            ('simulation_trades', 'bar_timestamp',
                'When it was entered, cut to the second. When it was left is not stored.'),
            ('simulation_trades', 'side', 'long or short.'),
            ('simulation_trades', 'size', 'How much was traded, in units of the symbol.'),
            ('simulation_trades', 'entry_price', 'Price at entry, in the quote currency.'),
            ('simulation_trades', 'exit_price',
                'Price at exit, in the quote currency. NULL: still open, or not known.'),
            ('simulation_trades', 'pnl',
                'Profit, or loss where it is below zero, in the quote currency. NULL: not known.'),
            ('simulation_trades', 'return_pct',
                'The profit or loss in percent of what the trade put in. NULL: not known.'),
            ('simulation_trades', 'metadata',
                'Whatever the simulation noted, an object: fold is the number of the fold whose '
                'prediction it traded on, entry_signal and exit_signal are the predictions.'),
            ('simulation_trades', 'created_at',
                'When the row was first written. NULL: before the column was added.'),

            ('simulation_trade_buckets', NULL,
                'The trades of one side of a simulation, summed up by its writer. The desktop '
                'writes three: dual, long, short.'),
            ('simulation_trade_buckets', 'simulation_id', 'The simulation that the trades are of.'),
            ('simulation_trade_buckets', 'side',
                'long, short, or dual for both together, free text: stage1_trade_side() says '
                'what it means.'),
            ('simulation_trade_buckets', 'trade_count', 'How many trades.'),
            ('simulation_trade_buckets', 'win_count', 'How many of them won.'),
            ('simulation_trade_buckets', 'profit_factor',
                'Gross profit by gross loss of the equity marked at each bar, so it cannot '
                'be computed from the trades. Without losses the desktop writes 999.0 or 999.99. NULL '
                'or NaN: not known.'),
            ('simulation_trade_buckets', 'avg_return_pct',
                'Total return of the side, in percent: not a mean, in spite of the name. NULL or '
                'NaN: not known.'),
            ('simulation_trade_buckets', 'max_drawdown_pct',
                'Deepest fall from a peak of the equity marked at each bar, in percent, so it '
                'cannot be computed from the trades. NULL or NaN: not known.'),
            ('simulation_trade_buckets', 'notes', 'Remarks of the writer. NULL: none.'),

            -- The product's own.
            ('stage1_replays', 'replay_id', 'Number of the replay, in the order of beginning.'),
            ('stage1_replays', 'started_at', 'When the replay began.'),
            ('stage1_replays', 'updated_at', 'When the mark was last moved.'),
            ('stage1_replay_rejections', 'replay_id', 'The replay that rejected it.'),
            ('stage1_replay_rejections', 'first_byte',
                'Where the stretch begins in the spool, in bytes from 0.'),
            ('stage1_replay_rejections', 'end_byte', 'The byte after its last.'),
            ('stage1_replay_rejections', 'line', 'Line on which it begins, from 1.'),
            ('stage1_replay_rejections', 'statements', 'How many statements it holds.'),
            ('stage1_replay_rejections', 'object',
                'The dataset, run or simulation that the stretch belongs to, with its id. NULL: '
                'that cannot be told.'),
            ('stage1_replay_rejections', 'reason', 'Why it was not written.'),
            ('stage1_replay_rejections', 'superseded_by_line',
                'Where a later export of the object begins that was written. It may hold less '
                'than the rejected one. NULL: there is none.'),
            ('stage1_schema_ledger', 'file', 'Path below sql/.'),
            ('stage1_schema_ledger', 'sha256', 'Of the file''s text, hexadecimal.'),
            ('stage1_schema_ledger', 'version', 'Of stage1-lineage, when it applied the file.'),
            ('stage1_schema_ledger', 'applied_at', 'When it did so last.')
        ) AS w (relations, name, meaning)
        CROSS JOIN LATERAL string_to_table(w.relations, ' ') AS relation
        JOIN pg_class c ON c.relnamespace = to_regnamespace(here)
            AND c.relname = relation AND c.relkind IN ('r', 'v')
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped
        LEFT JOIN pg_description d
            ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
            AND d.objsubid = coalesce(a.attnum, 0)
        WHERE (w.name IS NULL OR a.attnum IS NOT NULL)
          AND (d.description IS NULL OR md5(d.description) = ANY (former))
    LOOP
        EXECUTE format(
            'COMMENT ON %s %s IS %L', CASE WHEN own.attname IS NULL THEN 'TABLE' ELSE 'COLUMN' END,
            concat_ws('.', here, quote_ident(own.relname), quote_ident(own.attname)), own.meaning);
    END LOOP;

    -- Functions that stand in migrations, which are not edited.
    FOR own IN
        SELECT w.signature, w.meaning
        FROM (VALUES
            ('stage1_dataset_search_text(text, text, text, text)',
                'What a search of datasets looks through: slug, symbol and both measurements. '
                'An index relies on it.')
        ) AS w (signature, meaning)
        WHERE to_regprocedure(format('%s.%s', here, w.signature)) IS NOT NULL
    LOOP
        EXECUTE format('COMMENT ON FUNCTION %s.%s IS %L', here, own.signature, own.meaning);
    END LOOP;
END
$$;

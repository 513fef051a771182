-- formerly: 930481b8482de0966c6138ec449b83c8e2f71929d71f674fdc2a03ba397d0428
-- The columns of a database that was there before: what is missing is added, what the union of the variants leaves open
-- is loosened, defaults are ours. No value changes, save NULL where stage1_datasets, made by hand, must have a value. On
-- tables that 0001 made, nothing changes. preflight/10_relations.sql has looked at the types and the keys.
DO $$
DECLARE
    columns jsonb;
    wanted record;
    actual pg_attribute;
    not_null text[] := '{}';
    holds_null boolean;
BEGIN
    SELECT jsonb_agg(jsonb_build_object(
        'relation', t.relation, 'name', c[1], 'type', c[2], 'not_null', c[3] = '!', 'default_text', c[4]))
    INTO columns
    FROM (VALUES
        -- Children first: a client that writes locks a row's own table before it locks the one that a key leads to.
        ('simulation_trades', 'trade_id uuid! = gen_random_uuid(); simulation_id uuid!; bar_timestamp timestamptz!; '
            'side text!; size float8!; entry_price float8!; exit_price float8; pnl float8; return_pct float8; '
            'metadata jsonb!; created_at timestamptz = now()'),
        ('simulation_trade_buckets', 'simulation_id uuid!; side text!; trade_count bigint!; win_count bigint!; '
            'profit_factor float8; avg_return_pct float8; max_drawdown_pct float8; notes text'),
        ('simulation_runs', 'simulation_id uuid! = gen_random_uuid(); run_id uuid; dataset_id uuid; '
            'input_run_measurement text!; questdb_namespace text; mode text!; config jsonb!; status text!; '
            'started_at timestamptz; completed_at timestamptz; summary_metrics jsonb; serialized_config text; '
            'created_at timestamptz! = now()'),
        ('walkforward_folds', 'run_id uuid!; fold_number integer!; train_start_idx bigint; train_end_idx bigint; '
            'test_start_idx bigint; test_end_idx bigint; samples_train bigint; samples_test bigint; '
            'best_iteration integer; best_score float8; thresholds jsonb; metrics jsonb; created_at timestamptz = now()'),
        ('walkforward_runs', 'run_id uuid! = gen_random_uuid(); dataset_id uuid; prediction_measurement text!; '
            'target_column text; feature_columns jsonb; hyperparameters jsonb; walk_config jsonb; status text; '
            'requested_by text; started_at timestamptz; completed_at timestamptz; duration_ms bigint; '
            'summary_metrics jsonb; serialized_config text; created_at timestamptz! = now()'),
        ('indicator_datasets', 'dataset_id uuid! = gen_random_uuid(); symbol text!; granularity text!; source text!; '
            'questdb_tag text; questdb_measurement text; column_schema jsonb; row_count bigint; '
            'first_bar_ts timestamptz; last_bar_ts timestamptz; created_at timestamptz! = now(); updated_at timestamptz = now()'),
        ('stage1_datasets', 'dataset_id uuid!; dataset_slug text!; symbol text; granularity text; '
            'source text = ''laptop_imgui''::text; ohlcv_measurement text!; indicator_measurement text!; '
            'ohlcv_row_count bigint = 0; indicator_row_count bigint = 0; ohlcv_first_ts timestamptz; '
            'ohlcv_last_ts timestamptz; indicator_first_ts timestamptz; indicator_last_ts timestamptz; '
            'metadata jsonb = ''{}''::jsonb; created_at timestamptz! = now(); updated_at timestamptz! = now()')
    ) AS t (relation, columns),
    string_to_table(t.columns, '; ') AS spec,
    regexp_match(spec, '^(\w+) (\w+)(!?)(?: = (.*))?$') AS c
    WHERE to_regclass(t.relation) IS NOT NULL;

    -- What must be read comes first: after that the tables are locked.
    FOR wanted IN
        SELECT c.relation, c.name
        FROM jsonb_to_recordset(columns) AS c (relation text, name text, not_null boolean)
        JOIN pg_attribute a ON a.attrelid = to_regclass(c.relation) AND a.attname = c.name
        WHERE c.not_null AND NOT a.attnotnull AND c.relation <> 'stage1_datasets'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I IS NULL)', wanted.relation, wanted.name) INTO holds_null;
        IF holds_null THEN
            RAISE WARNING '%.% stays without NOT NULL: it has rows without a value', wanted.relation, wanted.name;
        ELSE
            not_null := not_null || format('%s.%s', wanted.relation, wanted.name);
        END IF;
    END LOOP;

    FOR wanted IN
        SELECT * FROM jsonb_to_recordset(columns)
            AS c (relation text, name text, type text, not_null boolean, default_text text)
    LOOP
        SELECT * INTO actual FROM pg_attribute
        WHERE attrelid = to_regclass(wanted.relation) AND attname = wanted.name AND NOT attisdropped;
        IF NOT FOUND THEN
            -- Without its default, so that rows that were there say "unknown".
            EXECUTE format('ALTER TABLE %I ADD COLUMN %I %s', wanted.relation, wanted.name, wanted.type);
        ELSIF actual.atttypid = 'varchar'::regtype AND wanted.relation = 'stage1_datasets' THEN
            -- ../views builds them anew
            EXECUTE format('DROP VIEW IF EXISTS %1$I.dataset_hierarchy, %1$I.dataset_catalog', current_schema());
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE text', wanted.relation, wanted.name);
        END IF;

        IF wanted.default_text IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            WHERE d.adrelid = to_regclass(wanted.relation) AND a.attname = wanted.name
              AND pg_get_expr(d.adbin, d.adrelid) = wanted.default_text)
        THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT %s', wanted.relation, wanted.name, wanted.default_text);
        END IF;

        IF actual.attnotnull AND NOT wanted.not_null THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I DROP NOT NULL', wanted.relation, wanted.name);
        ELSIF format('%s.%s', wanted.relation, wanted.name) = ANY (not_null) THEN
            -- 0008b makes it NOT NULL: proven by a check, that takes no scan under a lock.
            EXECUTE format(
                'ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I, ADD CONSTRAINT %2$I CHECK (%I IS NOT NULL) NOT VALID',
                wanted.relation, 'stage1_not_null_' || wanted.name, wanted.name);
        ELSIF wanted.relation = 'stage1_datasets' AND wanted.not_null AND actual.attnotnull IS NOT TRUE THEN
            ALTER TABLE stage1_datasets DISABLE TRIGGER USER;  -- they would set updated_at
            EXECUTE format(
                'UPDATE stage1_datasets SET %1$I = %2$s WHERE %1$I IS NULL', wanted.name,
                CASE wanted.name
                    WHEN 'dataset_slug' THEN 'dataset_id::text'
                    WHEN 'created_at' THEN 'now()'
                    WHEN 'updated_at' THEN 'created_at'
                    ELSE $empty$''$empty$ END);  -- a measurement: not exported yet
            ALTER TABLE stage1_datasets ENABLE TRIGGER USER;
            EXECUTE format('ALTER TABLE stage1_datasets ALTER COLUMN %I SET NOT NULL', wanted.name);
        END IF;
    END LOOP;
END
$$;

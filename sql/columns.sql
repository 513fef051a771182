-- Our columns and keys, and which of them a database that was there before has otherwise. Makes
-- nothing: the answers are the settings stage1.columns, stage1.retyped and stage1.keys of the
-- session, for the files that need this one.
DO $$
BEGIN
    -- A column is: name, type, "!" where it is NOT NULL, "must" where no value could be made up if
    -- it were missing, "key" where it must be there as a part of the primary key, and its default.
    -- Children first: a client that writes locks a row's own table before it locks the one that a
    -- key leads to.
    PERFORM set_config('stage1.columns', (
        SELECT jsonb_agg(jsonb_build_object(
            'relation', t.relation, 'name', c[1], 'type', c[2], 'not_null', c[3] = '!',
            'must', c[4] IS NOT NULL, 'key', c[4] IS NOT DISTINCT FROM 'key',
            'default_text', c[5]) ORDER BY t.place, spec.place)::text
        FROM (VALUES
            (1, 'simulation_trades',
                'trade_id uuid! key = gen_random_uuid(); simulation_id uuid! must; '
                'bar_timestamp timestamptz! must; side text! must; size float8! must; '
                'entry_price float8! must; exit_price float8; pnl float8; return_pct float8; '
                'metadata jsonb! must; created_at timestamptz = now()'),
            (2, 'simulation_trade_buckets',
                'simulation_id uuid! key; side text! key; trade_count bigint! must; '
                'win_count bigint! must; profit_factor float8; avg_return_pct float8; '
                'max_drawdown_pct float8; notes text'),
            (3, 'simulation_runs',
                'simulation_id uuid! key = gen_random_uuid(); run_id uuid must; '
                'dataset_id uuid must; input_run_measurement text! must; questdb_namespace text; '
                'mode text! must; config jsonb! must; status text! must; started_at timestamptz; '
                'completed_at timestamptz; summary_metrics jsonb; serialized_config text; '
                'created_at timestamptz! must = now()'),
            (4, 'walkforward_folds',
                'run_id uuid! key; fold_number integer! key; train_start_idx bigint; '
                'train_end_idx bigint; test_start_idx bigint; test_end_idx bigint; '
                'train_start_ts_ms bigint; train_end_ts_ms bigint; test_start_ts_ms bigint; '
                'test_end_ts_ms bigint; samples_train bigint; samples_test bigint; '
                'best_iteration integer; best_score float8; thresholds jsonb; metrics jsonb; '
                'created_at timestamptz = now()'),
            (5, 'walkforward_runs',
                'run_id uuid! key = gen_random_uuid(); dataset_id uuid must; '
                'prediction_measurement text!; target_column text; feature_columns jsonb; '
                'hyperparameters jsonb; walk_config jsonb must; status text; requested_by text; '
                'started_at timestamptz; completed_at timestamptz; duration_ms bigint; '
                'summary_metrics jsonb; serialized_config text; '
                'created_at timestamptz! must = now()'),
            (6, 'indicator_datasets',
                'dataset_id uuid! key = gen_random_uuid(); symbol text! must; '
                'granularity text! must; source text! must; questdb_tag text; '
                'questdb_measurement text; column_schema jsonb; row_count bigint; '
                'first_bar_ts timestamptz; last_bar_ts timestamptz; '
                'created_at timestamptz! must = now(); updated_at timestamptz = now()'),
            (7, 'stage1_datasets',
                'dataset_id uuid! key; dataset_slug text!; symbol text; granularity text; '
                'source text = ''laptop_imgui''::text; ohlcv_measurement text!; '
                'indicator_measurement text!; ohlcv_row_count bigint = 0; '
                'indicator_row_count bigint = 0; ohlcv_first_ts timestamptz; '
                'ohlcv_last_ts timestamptz; indicator_first_ts timestamptz; '
                'indicator_last_ts timestamptz; metadata jsonb = ''{}''::jsonb; '
                'created_at timestamptz! = now(); updated_at timestamptz! = now()'),
            -- The desktop's own since 2025-11. Only its types are seen to; its columns and defaults
            -- stay the desktop's.
            (8, 'datasets',
                'dataset_id uuid key; dataset_slug text must; symbol text; granularity text; '
                'bar_interval_ms bigint; lookback_rows integer; first_ohlcv_ts bigint; '
                'first_indicator_ts bigint; metadata jsonb; created_at timestamptz')
        ) AS t (place, relation, columns),
        string_to_table(t.columns, '; ') WITH ORDINALITY AS spec (text, place),
        regexp_match(spec.text, '^(\w+) (\w+)(!?)(?: (must|key))?(?: = (.*))?$') AS c
        -- A table of somebody else's may well be called datasets: preflight/70_own_datasets.sql tells.
        WHERE t.relation <> 'datasets' OR 2 = (
            SELECT count(*) FROM pg_attribute
            WHERE attrelid = to_regclass(format('%I.datasets', current_schema()))
              AND NOT attisdropped AND attname IN ('dataset_id', 'dataset_slug'))
    ), false);
END
$$;

-- What is of another type. `convert` makes the value ("%1$s" stands for it; NULL: not known how),
-- `misfit` is true of a value that would lose something (NULL: none would), `zone`: it depends on a
-- time zone that nobody has named. `change` is the whole of it for ALTER TABLE, the default
-- included.
DO $$
DECLARE
    whole CONSTANT oid[] := ARRAY['int2', 'int4', 'int8']::regtype[]::oid[];
    broken CONSTANT oid[] := ARRAY['float4', 'float8', 'numeric']::regtype[]::oid[];
    moment CONSTANT text :=
        '^\(?(now|(transaction|statement|clock)_timestamp)\(\)\)?$|^CURRENT_TIMESTAMP$';
BEGIN
    PERFORM set_config('stage1.retyped', (
        SELECT coalesce(jsonb_agg(to_jsonb(f) || jsonb_build_object('change', concat_ws(', ',
            CASE WHEN f.default_before IS NOT NULL AND f.default_after IS NOT NULL
                 THEN format('ALTER COLUMN %I DROP DEFAULT', f.name) END,
            format('ALTER COLUMN %I TYPE %s%s USING %s', f.name, f.type, f.collation,
                format(f.convert, quote_ident(f.name))),
            format('ALTER COLUMN %I SET DEFAULT ', f.name) || f.default_after
        )) ORDER BY f.place), '[]')::text
        FROM (
            SELECT e.*, CASE
                WHEN e.default_text IS NULL THEN NULL
                -- What PostgreSQL takes over by itself.
                WHEN e.type IN ('bigint', 'integer', 'float8', 'text') AND NOT e.in_words
                    AND e.default_before IS NOT NULL THEN NULL
                WHEN e.type = 'timestamptz' AND e.default_text ~* moment THEN e.default_text
                ELSE format(e.convert, '(' || e.default_text || ')') END AS default_after
            FROM (
                SELECT c.*, r.oid AS id, a.attnum AS number, wanted.oid AS type_id,
                       format_type(a.atttypid, a.atttypmod) AS actual, base.oid AS base_id,
                       base.typtype = 'e' AS in_words,
                       CASE WHEN c.type = 'text' AND a.attcollation NOT IN (0, own.typcollation)
                            THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END
                           AS collation,
                       default_of.text AS default_before,
                       coalesce(default_of.text, own.typdefault) AS default_text,
                       base.oid <> wanted.oid AND (c.type, base.oid) <> ('text', 'varchar'::regtype)
                           AS rewrites,
                       without_zone AND coalesce(current_setting('stage1.assume_utc', true), '')
                           <> 'on' AS zone,
                       CASE
                           WHEN a.attgenerated <> '' THEN NULL
                           WHEN base.oid = wanted.oid THEN '%1$s::' || c.type
                           WHEN c.type IN ('bigint', 'integer', 'float8')
                               AND base.oid = ANY (whole || broken) THEN '%1$s::' || c.type
                           -- Of char(n), the blanks that fill it up go: they never were a part of
                           -- the value.
                           WHEN c.type = 'text' AND (base.typcategory = 'S' OR base.typtype = 'e')
                           THEN '%1$s::text'
                           WHEN c.type = 'jsonb' AND base.oid = 'json'::regtype THEN '%1$s::jsonb'
                           WHEN c.type = 'jsonb' AND element.typcategory IN ('S', 'E')
                           THEN 'to_jsonb(%1$s)'
                           WHEN c.type IN ('jsonb', 'uuid') AND base.typcategory = 'S'
                           THEN '%1$s::text::' || c.type
                           WHEN without_zone THEN '(%1$s::timestamp AT TIME ZONE ''UTC'')'
                       END AS convert,
                       CASE
                           WHEN base.oid = wanted.oid THEN NULL
                           WHEN c.type = 'integer' AND base.oid = 'int8'::regtype
                           THEN 'NOT (%1$s >= -2147483648 AND %1$s < 2147483648)'
                           WHEN c.type IN ('bigint', 'integer') AND base.oid = ANY (broken)
                           THEN format(
                               'NOT (%%1$s = trunc(%%1$s) AND %%1$s >= -%1$s AND %%1$s < %1$s)',
                               CASE c.type WHEN 'bigint' THEN '9223372036854775808'
                                           ELSE '2147483648' END)
                           WHEN c.type = 'float8' AND base.oid = 'int8'::regtype
                           THEN 'NOT (%1$s BETWEEN -9007199254740992 AND 9007199254740992)'
                           -- The shortest text of the double says the same number.
                           WHEN c.type = 'float8' AND base.oid = 'numeric'::regtype
                           THEN 'CASE WHEN %1$s IN (0, ''NaN'', ''Infinity'', ''-Infinity'')'
                               ' THEN false WHEN abs(%1$s) NOT BETWEEN 1e-300 AND 1e308 THEN true'
                               ' ELSE %1$s::float8::text::numeric <> %1$s END'
                           -- A name that stands twice in one object: jsonb keeps the last of them,
                           -- and so fewer colons.
                           WHEN c.type = 'jsonb'
                               AND (base.oid = 'json'::regtype OR base.typcategory = 'S')
                           THEN 'length(translate(%1$s::text, '':'', ''''))'
                               ' - length(%1$s::text) < length(translate(%1$s::text::jsonb::text,'
                               ' '':'', '''')) - length(%1$s::text::jsonb::text)'
                           WHEN c.type = 'uuid' AND base.typcategory = 'S'
                           THEN '%1$s::text !~* ''^(\{([0-9a-f]{4}-?){8}\}|([0-9a-f]{4}-?){8})$'''
                       END AS misfit
                FROM ROWS FROM (jsonb_to_recordset(current_setting('stage1.columns')::jsonb)
                        AS (relation text, name text, type text, key boolean))
                    WITH ORDINALITY AS c (relation, name, type, key, place)
                JOIN pg_class r ON r.relkind = 'r'
                    AND r.oid = to_regclass(format('%I.%I', current_schema(), c.relation))
                JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = c.name
                    AND NOT a.attisdropped
                JOIN pg_type own ON own.oid = a.atttypid
                JOIN pg_type wanted ON wanted.oid = c.type::regtype
                CROSS JOIN LATERAL (
                    WITH RECURSIVE of_domain (id) AS (
                        SELECT a.atttypid
                        UNION ALL
                        SELECT d.typbasetype FROM of_domain JOIN pg_type d ON d.oid = of_domain.id
                            WHERE d.typtype = 'd')
                    SELECT b.* FROM of_domain JOIN pg_type b ON b.oid = of_domain.id
                        WHERE b.typtype <> 'd'
                ) AS base
                CROSS JOIN LATERAL (
                    SELECT c.type = 'timestamptz' AND base.typname IN ('timestamp', 'date')
                ) AS times (without_zone)
                LEFT JOIN pg_type element ON base.typcategory = 'A' AND element.oid = base.typelem
                LEFT JOIN LATERAL (
                    SELECT pg_get_expr(d.adbin, d.adrelid) AS text FROM pg_attrdef d
                        WHERE d.adrelid = r.oid AND d.adnum = a.attnum
                ) AS default_of ON true
                WHERE a.atttypid <> wanted.oid OR a.atttypmod <> -1
            ) AS e
        ) AS f
    ), false);
END
$$;

-- The primary key of each table that is there, as it must be, and what the table has instead:
-- another key, none, or none but a unique index that proves it (`proof`), as far as no row lacks a
-- value.
DO $$
BEGIN
    PERFORM set_config('stage1.keys', (
        SELECT coalesce(jsonb_agg(to_jsonb(k) || jsonb_build_object(
            'id', r.oid, 'key', p.conname, 'key_index', p.conindid, 'definition', p.definition,
            'may_lack', EXISTS (
                SELECT FROM pg_attribute a
                WHERE a.attrelid = r.oid AND a.attname = ANY (k.names) AND NOT a.attnotnull),
            'proof', proof.name, 'proof_constraint', proof.conname, 'as_it_is', proof.as_it_is,
            'relied_on', proof.relied_on) ORDER BY k.place), '[]')::text
        FROM (
            SELECT relation, min(place) AS place, array_agg(name ORDER BY place) AS names,
                   string_agg(quote_ident(name), ', ' ORDER BY place) AS columns
            FROM ROWS FROM (jsonb_to_recordset(current_setting('stage1.columns')::jsonb)
                    AS (relation text, name text, key boolean))
                WITH ORDINALITY AS c (relation, name, key, place)
            WHERE key GROUP BY relation
        ) AS k
        JOIN pg_class r ON r.relkind = 'r'
            AND r.oid = to_regclass(format('%I.%I', current_schema(), k.relation))
        LEFT JOIN LATERAL (
            SELECT c.conname, c.conindid, pg_get_constraintdef(c.oid) AS definition
            FROM pg_constraint c WHERE c.conrelid = r.oid AND c.contype = 'p'
        ) AS p ON true
        LEFT JOIN LATERAL (
            SELECT x.relname AS name, c.conname, c.conname IS NULL AND i.indimmediate
                       AND substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*')
                           = format(' USING btree (%s)', k.columns) AS as_it_is,
                   i.indisreplident OR EXISTS (
                       SELECT FROM pg_depend d
                       WHERE d.deptype = 'n' AND (d.refclassid, d.refobjid) IN (
                           ('pg_class'::regclass, x.oid), ('pg_constraint'::regclass, c.oid))
                   ) AS relied_on
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            LEFT JOIN pg_constraint c ON c.conindid = x.oid AND c.contype = 'u'
            WHERE i.indrelid = r.oid AND i.indisunique AND i.indisvalid
              AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = cardinality(k.names)
              AND NOT EXISTS (
                SELECT FROM pg_attribute a
                WHERE a.attrelid = r.oid AND a.attname <> ALL (k.names)
                  AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1]))
            ORDER BY 3 DESC, 4, 1 LIMIT 1
        ) AS proof ON p.conname IS NULL
    ), false);
END
$$;

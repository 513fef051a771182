import type { TestDatabase } from "../harness.ts";

// Everything in a row that is hard to write as JSON, or is read in a way of its own.
const JSONB = [
  "{}",
  "null",
  "[]",
  '"plain"',
  '""',
  '"{\\"a\\": 1, \\"10\\": 2, \\"9\\": 3}"',
  '"[\\"x\\", {\\"y\\": 1e400}]"',
  '"{ broken"',
  '"null"',
  '{"eta": 1e400}',
  '{"eta": [-1e308, 1e-400]}',
  `{"": ${"[".repeat(496)}1${"]".repeat(496)}}`,
  `${'{"":'.repeat(499)}{"a": 1}${"}".repeat(499)}`,
  `${'{"":'.repeat(501)}{}${"}".repeat(501)}`,
  "7",
  "true",
  "1e400",
  '["a", 1, null, {"b": []}, "c"]',
  '[null, [null], "a", 1.50, {"z": 1, "a": 2}]',
  '{"10": 1, "9": 2, "01": 3, "-1": 4, "b": 5, "a": 6, "": 7, "4294967295": 8, "4294967294": 9}',
  '{"big": 1e400, "small": 1e-400, "negative": -1e400, "long": 0.1234567890123456789, "one": 1.0, "int": 9007199254740993, "zero": -0.0, "exp": 1e21, "exp2": 1e-7, "deep": [[1e400]]}',
  '{"__proto__": {"x": 1}, "constructor": 1, "toJSON": 2, "then": 3, "value": 4, "length": 0}',
  '{"text": "quote \\" backslash \\\\ slash / \\b\\f\\n\\r\\t \\u0001\\u007f \\u2028\\u2029 é e\\u0301 \\ud83d\\ude00 </script> \\ufeff"}',
  // Texts that hold an object which jsonb itself could not keep as it is.
  ...['{"a":"\\u0000"}', '{"\\ud800":1}', '{"a":1e999999}', ' {"b":1,"a":2,"b":3}', "{", "[1]", "{}"].map((text) =>
    JSON.stringify(text),
  ),
  '{"nan": "NaN", "infinity": "Infinity", "key with \\" quote": 1, "é": 2, "\\u2028": 3, "\\ud83d\\ude00": 4}',
];
const TEXTS = [
  "",
  " ",
  "quote \" and ' and `",
  "back\\slash \\n \\u0041",
  "tab\there\r\nnext\nline",
  "\u0001\u001f\u007f\u0080",
  "\u2028\u2029\ufeff",
  "é e\u0301 😀 \u{10ffff} \ufffe",
  "</script><!--",
  "null",
  "{}",
  "1e400",
];
const INSTANTS = [
  "2025-01-01 00:00:00+00",
  "2025-01-01 00:00:00.1+00",
  "2025-01-01 00:00:00.000001+00",
  "infinity",
  "-infinity",
  "57216-05-12 00:00:00.5+00",
  "294276-12-31 23:59:59.999999+00",
  "0044-03-15 12:00:00+00 BC",
  "0001-01-01 00:00:00+00 BC",
  "4714-11-24 00:00:00+00 BC",
  "0001-01-01 00:00:00+00",
  "9999-12-31 23:59:59.999999+00",
];
const COUNTS = [
  "0",
  "1",
  "-1",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "2147483648",
  "3000000000",
];
const FLOATS = [
  "NaN",
  "Infinity",
  "-Infinity",
  "-0",
  "0.1",
  "1e21",
  "1e-7",
  "5e-324",
  "1.7976931348623157e308",
  "100",
  "123456789.123456789",
  "-1.5",
];
const STATUSES = ["PENDING", "queued", " Running ", "completed", "FAILED", "cancelled", "Done", "", " incomplete"];
const MODES = ["long", "SHORT", " Dual ", "both", "", "dual"];

const DEEP = `(repeat('{"a":', 502) || '1' || repeat('}', 502))`;
const SHALLOW = `(repeat('[', 498) || '1' || repeat(']', 498))`;

/** Inserts ten datasets, their runs, simulations, folds, trades and buckets, whose values are odd in every column. */
export async function insertOddLineage(database: Pick<TestDatabase, "query">): Promise<void> {
  // Each column goes through its values at a pace of its own, so that they meet in ever other combinations.
  const of = (values: string, step: string) => `(${values})[1 + (${step}) % cardinality(${values})]`;
  const values = [JSONB, TEXTS, INSTANTS, COUNTS, FLOATS, STATUSES, MODES];
  const [json, text, instant, count, float, status, mode] = values.map((_, i) => `$${i + 1}::text[]`) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const odd = {
    json: (step: string) => `${of(json, step)}::jsonb`,
    text: (step: string) => of(text, step),
    instant: (step: string) => `${of(instant, step)}::timestamptz`,
    count: (step: string) => `${of(count, step)}::bigint`,
    float: (step: string) => `${of(float, step)}::float8`,
    sometimes: (expression: string, step: string, every: number) =>
      `CASE WHEN (${step}) % ${every} > 0 THEN ${expression} END`,
  };
  // All in one statement each, whose values are these lists; those it does not use are named in a condition.
  const all = `coalesce(${values.map((_, i) => `$${i + 1}::text[]`).join(", ")}) IS NOT NULL`;
  const insert = (statement: string) => database.query(`${statement} WHERE ${all}`, values);

  await insert(`
    INSERT INTO stage1_datasets (dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
      ohlcv_row_count, indicator_row_count, ohlcv_first_ts, ohlcv_last_ts, indicator_first_ts, indicator_last_ts, metadata, created_at, updated_at)
    SELECT md5('d' || d)::uuid, 'd' || d || CASE d WHEN 3 THEN 'é😀' WHEN 4 THEN ' "%_\\' ELSE '' END,
      ${odd.sometimes(odd.text("d"), "d", 3)}, ${odd.sometimes(odd.text("d + 3"), "d", 4)}, ${odd.sometimes(odd.text("d + 7"), "d", 5)},
      CASE d % 4 WHEN 0 THEN '' ELSE 'd' || d || '_ohlcv' END, CASE d % 3 WHEN 0 THEN '' ELSE 'd' || d || '_ind' END,
      ${odd.sometimes(odd.count("d"), "d", 7)}, ${odd.sometimes(odd.count("d + 4"), "d", 6)},
      ${odd.sometimes(odd.instant("d"), "d", 5)}, ${odd.sometimes(odd.instant("d + 2"), "d", 5)},
      ${odd.sometimes(odd.instant("d + 5"), "d", 5)}, ${odd.sometimes(odd.instant("d + 7"), "d", 5)},
      ${odd.sometimes(odd.json("d * 2"), "d", 9)}, ${odd.instant("d / 2")}, ${odd.instant("d / 2 + 3")}
    FROM generate_series(1, 10) AS d`);
  await insert(`
    INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config,
      status, requested_by, started_at, completed_at, duration_ms, summary_metrics, serialized_config, created_at)
    SELECT md5('run' || r)::uuid, ${odd.sometimes("md5('d' || 1 + r % 6)::uuid", "r", 8)}, 'run' || r, ${odd.text("r / 3")},
      ${odd.json("r")}, ${odd.json("r + 5")}, ${odd.json("r + 11")}, ${of(status, "r")}, ${odd.sometimes(odd.text("r"), "r", 4)},
      ${odd.sometimes(odd.instant("r"), "r", 3)}, ${odd.sometimes(odd.instant("r + 4"), "r", 4)}, ${odd.sometimes(odd.count("r"), "r", 3)},
      ${odd.sometimes(odd.json("r + 14"), "r", 5)}, ${odd.sometimes(odd.text("r + 2"), "r", 6)}, ${odd.instant("r / 3")}
    FROM generate_series(1, 24) AS r`);
  await insert(
    `
    INSERT INTO walkforward_folds
    SELECT run_id, f, ${odd.count("f + n")}, ${odd.count("f + n + 1")}, ${odd.count("f + n + 2")}, ${odd.count("f + n + 3")}, ${odd.count("f + n + 4")},
      ${odd.count("f + n + 5")}, CASE WHEN f % 2 > 0 THEN 2147483647 - f END, ${odd.sometimes(odd.float("f + n"), "f", 5)}, ${odd.json("f + n")}, ${odd.json("f * 3 + n")}
    FROM (SELECT run_id, row_number() OVER (ORDER BY run_id)::int AS n FROM walkforward_runs) AS r, generate_series(0, 5) AS f`.replace(
      /$/,
      "",
    ),
  );
  await insert(`
    INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config, status,
      started_at, completed_at, summary_metrics, serialized_config, created_at)
    SELECT md5('sim' || s)::uuid, ${odd.sometimes("md5('run' || 1 + s % 12)::uuid", "s", 7)}, ${odd.sometimes("md5('d' || 1 + s % 5)::uuid", "s", 6)},
      ${odd.text("s")}, CASE s % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'trading_sim_traces' WHEN 3 THEN 'd' || s || '_ohlcv' ELSE 'sim' || s END,
      ${of(mode, "s")}, ${odd.json("s")}, ${of(status, "s + 3")}, ${odd.sometimes(odd.instant("s + 1"), "s", 3)}, ${odd.sometimes(odd.instant("s + 6"), "s", 4)},
      ${odd.sometimes(odd.json("s + 7"), "s", 5)}, ${odd.sometimes(odd.text("s + 5"), "s", 3)}, ${odd.instant("s / 4")}
    FROM generate_series(1, 30) AS s`);
  await insert(`
    INSERT INTO simulation_trades (trade_id, simulation_id, bar_timestamp, side, size, entry_price, exit_price, pnl, return_pct, metadata)
    SELECT md5(simulation_id::text || t)::uuid, simulation_id, ${odd.instant("t / 2 + n")}, CASE WHEN (t + n) % 2 = 0 THEN 'long' ELSE 'short' END,
      ${odd.float("t + n")}, ${odd.float("t + n + 1")}, ${odd.sometimes(odd.float("t + n + 2"), "t + n", 3)},
      ${odd.sometimes(odd.float("t + n + 3"), "t + n", 4)}, ${odd.sometimes(odd.float("t + n + 5"), "t + n", 5)}, ${odd.json("t + n")}
    FROM (SELECT simulation_id, row_number() OVER (ORDER BY simulation_id)::int AS n FROM simulation_runs) AS s, generate_series(1, 6) AS t`);
  await insert(`
    INSERT INTO simulation_trade_buckets
    SELECT simulation_id, side, ${odd.count("n")}, ${odd.count("n + 3")}, ${odd.sometimes(odd.float("n"), "n", 4)}, ${odd.sometimes(odd.float("n + 4"), "n", 5)},
      ${odd.sometimes(odd.float("n + 7"), "n", 6)}, ${odd.sometimes(odd.text("n"), "n", 3)}
    FROM (SELECT simulation_id, side, row_number() OVER (ORDER BY simulation_id, side)::int AS n
          FROM simulation_runs, unnest(ARRAY['dual', 'long', 'Short', 'all', 'sideways']) AS side) AS b`);
  // What generation 3 adds, without its triggers, which would make the datasets less odd.
  await database.query("CREATE TABLE exported AS SELECT * FROM datasets WITH NO DATA");
  await insert(`
    INSERT INTO exported (dataset_id, dataset_slug, bar_interval_ms, lookback_rows, metadata)
    SELECT md5('d' || d)::uuid, 'd' || d, ${odd.sometimes(odd.count("d"), "d", 4)}, ${odd.sometimes("d * 1000000", "d", 3)},
      ${odd.sometimes(odd.json("d * 3"), "d", 5)}
    FROM generate_series(2, 10) AS d`);
  await database.query(`
    SET session_replication_role = replica;
    INSERT INTO datasets SELECT * FROM exported;
    RESET session_replication_role;
    DROP TABLE exported;
    UPDATE walkforward_folds
    SET train_start_ts_ms = 1688169600000, train_end_ts_ms = 253402300800000, test_start_ts_ms = -1, test_end_ts_ms = 1
    WHERE fold_number > 3;
    UPDATE walkforward_folds SET train_start_idx = NULL, samples_test = NULL, thresholds = NULL, metrics = NULL WHERE fold_number = 2;
    UPDATE walkforward_runs SET target_column = NULL, feature_columns = NULL, hyperparameters = NULL, walk_config = NULL, status = NULL
    WHERE run_id = md5('run9')::uuid;
    INSERT INTO stage1_placeholders (object, id, filled_at) VALUES
      ('dataset', md5('d2')::uuid, NULL), ('run', md5('run2')::uuid, NULL), ('simulation', md5('sim2')::uuid, NULL),
      ('dataset', md5('d3')::uuid, now()), ('run', md5('run3')::uuid, now());
    DELETE FROM walkforward_folds WHERE run_id IN (md5('run5')::uuid, md5('run6')::uuid);
    DELETE FROM simulation_trades WHERE simulation_id IN (md5('sim5')::uuid, md5('sim6')::uuid);
    DELETE FROM simulation_trade_buckets WHERE simulation_id = md5('sim7')::uuid;
    UPDATE simulation_runs SET config = ${DEEP}::jsonb WHERE simulation_id = md5('sim9')::uuid;
    UPDATE simulation_runs SET config = ${SHALLOW}::jsonb WHERE simulation_id = md5('sim10')::uuid;
    UPDATE walkforward_runs SET walk_config = to_jsonb(${DEEP}) WHERE run_id = md5('run3')::uuid;
    ANALYZE`);
}

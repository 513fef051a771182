import { appendFile, open, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openSession } from "../../src/db/pool.ts";
import { replay } from "../../src/domain/spool/replay.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { contents, counts, empty, lineage, lineOf, Spool } from "./spools.ts";
import {
  bucketStatement,
  datasetStatement,
  foldStatement,
  idOf,
  runStatement,
  simulationStatement,
  statement,
  tradeStatement,
} from "./statements.ts";

let database: TestDatabase;
let reference: TestDatabase;
beforeAll(async () => {
  [database, reference] = await Promise.all([createDatabase(), createDatabase()]);
});
beforeEach(() => empty(database));
afterAll(() => Promise.all([database.drop(), reference.drop()]));

test("a spool as the desktop writes it is in the database, value for value", async () => {
  const spool = await Spool.of(...lineage("btc25_1", { folds: 312, trades: 30 }));
  expect(await spool.replay(database)).toBe(true);
  expect(spool.rejected).toBe("");
  expect(await counts(database)).toEqual({
    stage1_datasets: 1,
    datasets: 0,
    indicator_datasets: 1,
    walkforward_runs: 1,
    walkforward_folds: 312,
    simulation_runs: 1,
    simulation_trade_buckets: 3,
    simulation_trades: 30,
  });
  // A legacy spool knows only indicator_datasets.
  expect(await database.query("SELECT * FROM dataset_catalog")).toMatchObject([
    {
      dataset_id: idOf("btc25_1"),
      dataset_slug: "btc25_1",
      symbol: "BTCUSDT",
      granularity: "4h",
      indicator_measurement: "btc25_1",
      indicator_row_count: 4320,
      indicator_first_ts: "2025-01-01 00:00:00+00",
      run_count: 1,
      simulation_count: 1,
    },
  ]);
  expect(await database.query("SELECT * FROM walkforward_runs")).toMatchObject([
    {
      run_id: idOf("btc25_1_run1"),
      feature_columns: ["hma_55", "rsi_14"],
      duration_ms: 465_000,
      completed_at: "2025-04-05 00:07:45+00",
      requested_by: null,
      summary_metrics: { roc_auc: 0.71, f1: null },
      serialized_config: "name=it's; nan\n  mode=\"walk\";\n\nINSERT INTO nothing (a)\nVALUES ('x');\n",
    },
  ]);
  expect(await database.query("SELECT * FROM walkforward_folds WHERE fold_number = 130")).toMatchObject([
    { train_start_idx: 65_240, best_score: 0.7125, metrics: { hit_rate: 0.52, profit_factor: null } },
  ]);
  expect(await database.query("SELECT * FROM simulation_trade_buckets WHERE side = 'all'")).toMatchObject([
    { trade_count: 13, profit_factor: Number.POSITIVE_INFINITY, max_drawdown_pct: Number.NaN, notes: null },
  ]);
  expect(
    await database.query("SELECT * FROM simulation_trades WHERE trade_id = $1", [idOf("btc25_1_sim1_7")]),
  ).toMatchObject([
    {
      bar_timestamp: "2025-01-02 04:00:00+00",
      side: "short",
      pnl: -2.75,
      metadata: { reason: "threshold", score: 0.66 },
    },
  ]);
});

test("replaying twice leaves what once leaves, to the time of the last change; also all of it again, but for that time", async () => {
  const spool = await Spool.of(...lineage("a"), ...lineage("b"));
  await spool.replay(database);
  const once = await contents(database, true);
  expect(await spool.replay(database)).toBe(true);
  expect(await contents(database, true)).toEqual(once);
  const unchanged = await contents(database);
  expect(await spool.replay(database, { again: true })).toBe(true);
  expect(await contents(database)).toEqual(unchanged);
});

test("what was replayed does not come back over what was written since", async () => {
  const spool = await Spool.of(...lineage("a"));
  await spool.replay(database);
  await database.query("UPDATE walkforward_runs SET status = 'FAILED'; UPDATE stage1_datasets SET symbol = 'NEW'");
  await appendFile(spool.path, lineage("b").join(""));
  await spool.replay(database);
  expect(await database.query("SELECT status FROM walkforward_runs WHERE run_id = $1", [idOf("a_run1")])).toEqual([
    { status: "FAILED" },
  ]);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, walkforward_runs: 2, simulation_trades: 8 });
  await spool.replay(database, { again: true });
  expect(await database.query("SELECT DISTINCT status FROM walkforward_runs")).toEqual([{ status: "COMPLETED" }]);
});

test("of several exports of an object the last wins, also where they stand side by side", async () => {
  const statuses = ["RUNNING", "COMPLETED", "FAILED"];
  const spool = await Spool.of(
    datasetStatement("a"),
    ...statuses.map((status) => runStatement("a", "run", { status: `'${status}'` })),
    foldStatement("run", 1),
    ...statuses.map((_, i) => foldStatement("run", 2, { best_iteration: String(i) })),
    runStatement("a", "run", { status: "'Done'" }),
    foldStatement("run", 1, { best_iteration: "NULL" }),
  );
  expect(await spool.replay(database)).toBe(true);
  expect(await database.query("SELECT status FROM walkforward_runs")).toEqual([{ status: "Done" }]);
  expect(await database.query("SELECT fold_number, best_iteration FROM walkforward_folds ORDER BY 1")).toEqual([
    { fold_number: 1, best_iteration: null },
    { fold_number: 2, best_iteration: 2 },
  ]);
});

const values = "dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement";
const REFUSED: Record<string, RegExp> = {
  "DROP TABLE simulation_trades": /^DROP: only/,
  "DELETE FROM walkforward_runs": /^DELETE: only/,
  "TRUNCATE stage1_datasets CASCADE": /^TRUNCATE: only/,
  BEGIN: /^BEGIN: only/,
  "COPY stage1_datasets FROM PROGRAM 'id'": /^COPY: only/,
  "SELECT pg_sleep(0)": /^SELECT: only/,
  [`INSERT INTO stage1_datasets (${values}) VALUES (pg_sleep(0), 'x', 'x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /the value of dataset_id is not a plain one/,
  [`INSERT INTO stage1_datasets (${values}) VALUES (md5('x')::uuid, 'x', 'x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /the value of dataset_id is not a plain one/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', (SELECT 'x')) ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /indicator_measurement is not a plain one/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x')`]: /only a single-row INSERT/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x') ON CONFLICT DO NOTHING`]:
    /only a single-row/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x'), ('${idOf("y")}', 'y', 'y', 'y') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /only a single-row/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x' RETURNING *`]:
    /only a single-row/,
  [`WITH gone AS (DELETE FROM walkforward_runs RETURNING 1) INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /only a single-row/,
  [`INSERT INTO stage1_datasets (${values}) SELECT * FROM secrets ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /only a single-row/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = pg_read_file('x')`]:
    /its SET gives symbol more than a plain value/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = (SELECT 'x')`]:
    /its SET gives symbol more/,
  [`INSERT INTO stage1_datasets (${values}) VALUES ('${idOf("x")}', 'x', 'x', 'x') ON CONFLICT (symbol) DO UPDATE SET symbol = 'x'`]:
    /it gives no symbol/,
  [`INSERT INTO stage1_datasets (${values}, symbol) VALUES ('${idOf("x")}', 'x', 'x', 'x', 'x') ON CONFLICT (symbol) DO UPDATE SET symbol = 'x'`]:
    /no unique or exclusion constraint/,
  [`INSERT INTO stage1_schema_ledger (file, sha256, version) VALUES ('x', 'x', '9.9.9') ON CONFLICT (file) DO UPDATE SET sha256 = 'x'`]:
    /stage1_schema_ledger is none that a spool writes into/,
  [`INSERT INTO pg_catalog.stage1_datasets (dataset_id) VALUES ('x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /another schema's table/,
  [`INSERT INTO stage1_datasets (dataset_id, password) VALUES ('x', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /has no column password/,
  [`INSERT INTO stage1_datasets (dataset_id, symbol) VALUES (E'x\\'', 'x') ON CONFLICT (dataset_id) DO UPDATE SET symbol = 'x'`]:
    /a text with the prefix E/,
  "INSERT INTO stage1_datasets VALUES ($$ x $$)": /in dollars/,
  "INSERT INTO stage1_datasets (dataset_id VALUES 'x'": /not SQL that PostgreSQL understands/,
};

test("anything but what a spool may contain is refused with a reason, runs nothing, and stops nothing", async () => {
  const refused = Object.keys(REFUSED);
  const spool = await Spool.of(...lineage("a"), ...refused.map((text) => `${text};\n\n`), ...lineage("b"));
  expect(await spool.replay(database)).toBe(false);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, walkforward_runs: 2, simulation_trades: 8 });
  expect(Object.values(spool.reasons)).toEqual(Object.values(REFUSED).map((reason) => expect.stringMatching(reason)));
  for (const text of refused) expect(spool.rejected).toContain(`\n${text};\n`);
  expect(await database.query("SELECT FROM stage1_schema_ledger WHERE version = '9.9.9'")).toEqual([]);
});

test("a statement hidden in a text is that text", async () => {
  const hidden = `x'); DROP TABLE simulation_trades; --\n\nINSERT INTO stage1_datasets (${values})\nVALUES ('${idOf("h")}', 'h', '', '')\nON CONFLICT (dataset_id) DO UPDATE SET symbol = 'h';\n\n`;
  const spool = await Spool.of(
    datasetStatement("a"),
    runStatement("a", "run", { serialized_config: `'${hidden.replaceAll("'", "''")}'` }),
    datasetStatement("b"),
  );
  expect(await spool.replay(database)).toBe(true);
  expect(await database.query("SELECT serialized_config FROM walkforward_runs")).toEqual([
    { serialized_config: hidden },
  ]);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2 });
});

test("an object with a statement that fails is rejected whole, with what needs it; mended, the file brings all of it", async () => {
  const good = lineage("a");
  await (await Spool.of(...good, ...lineage("b"))).replay(reference);

  const bad = [...good];
  bad[3] = foldStatement("a_run1", 2, { samples_test: "'many'" });
  const spool = await Spool.of(...bad, ...lineage("b"));
  expect(await spool.replay(database)).toBe(false);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, walkforward_runs: 1, simulation_runs: 1 });
  expect(await counts(database)).toMatchObject({ walkforward_folds: 3, simulation_trades: 4 });

  const failing = lineOf(bad, 3);
  const run = `run ${idOf("a_run1")}`;
  expect(spool.reasons).toEqual({
    [lineOf(bad, 1)]: `${run}: rejected with line ${failing}`,
    [failing]: `${run}: invalid input syntax for type numeric: "many"`,
    [lineOf(bad, 4)]: `${run}: rejected with line ${failing}`,
    [lineOf(bad, 5)]: `simulation ${idOf("a_sim1")}: it needs the ${run}, which was rejected on line ${failing}`,
  });
  const withoutRemarks = spool.rejected.replaceAll(/^-- .*\n/gm, "").replaceAll(/\n+/g, "\n");
  expect(withoutRemarks).toBe(bad.slice(1).join("").replaceAll(/\n+/g, "\n"));

  await writeFile(spool.rejectedPath, spool.rejected.replace("'many'", "500"));
  expect(await spool.replay(database, { path: spool.rejectedPath })).toBe(true);
  expect(await contents(database)).toEqual(await contents(reference));
});

test("every failing statement of an object is found at once, and each reason says what to mend", async () => {
  const statements = [
    ...lineage("a"),
    simulationStatement("a", "a_run1", "s"),
    tradeStatement("s", 4, { side: "'sideways'" }),
    bucketStatement("s", "all", { trade_count: "NULL" }),
    tradeStatement("s", 1, { metadata: "'{'::jsonb" }),
    tradeStatement("s", 2),
    tradeStatement("s", 3, { bar_timestamp: "TO_TIMESTAMP(nan)" }),
    runStatement("nowhere", "orphan"),
    runStatement("a", "second", { prediction_measurement: "'a_run1'" }),
    datasetStatement("bytes", { symbol: "'\u0000'" }),
  ];
  const spool = await Spool.of(...statements);
  expect(await spool.replay(database, { placeholders: false })).toBe(false);
  const at = (index: number) => String(lineOf(statements, lineage("a").length + index));
  expect(spool.reasons).toMatchObject({
    [at(1)]: expect.stringContaining("a value is not allowed in simulation_trades: side"),
    [at(2)]: expect.stringContaining("trade_count must have a value"),
    [at(3)]: expect.stringContaining("invalid input syntax for type json"),
    [at(4)]: expect.stringContaining(`rejected with line ${at(1)}`),
    [at(5)]: expect.stringContaining("timestamp cannot be NaN"),
    [at(6)]: expect.stringContaining(`Key (dataset_id)=(${idOf("nowhere")}) is not present in table "stage1_datasets"`),
    [at(7)]: expect.stringContaining("already exists"),
    [at(8)]: expect.stringContaining("invalid byte sequence"),
  });
  expect(await counts(database)).toMatchObject({ simulation_runs: 1, walkforward_runs: 1, stage1_datasets: 1 });
});

test("of a rejected export, the rows that a later one has written are comments, and those that it lacks are to be mended", async () => {
  const rejected = [
    runStatement("a", "run", { duration_ms: "'long'", serialized_config: "'old\n\n'" }),
    foldStatement("run", 1, { best_iteration: "1" }),
    foldStatement("run", 2),
  ];
  const later = [runStatement("a", "run"), foldStatement("run", 1)];
  const statements = [datasetStatement("a"), ...rejected, ...later];
  const spool = await Spool.of(...statements);
  expect(await spool.replay(database)).toBe(false);
  const note = `-- out of date, written again from line ${lineOf(statements, 4)} on: `;
  expect(spool.rejected).toContain(`${note}INSERT INTO walkforward_runs`);
  expect(spool.rejected).toContain(`${note}INSERT INTO walkforward_folds`);
  expect(spool.rejected.match(/^INSERT INTO/gm)).toHaveLength(1);
  expect(await spool.replay(database, { path: spool.rejectedPath })).toBe(true);
  expect(await database.query("SELECT fold_number, best_iteration FROM walkforward_folds ORDER BY 1")).toEqual([
    { fold_number: 1, best_iteration: 17 },
    { fold_number: 2, best_iteration: 17 },
  ]);
  expect(await database.query("SELECT duration_ms FROM walkforward_runs")).toEqual([{ duration_ms: 465_000 }]);

  const whole = await Spool.of(
    ...[datasetStatement("a"), ...rejected.slice(0, 2), ...later].map((text) => text.replaceAll("run'", "run_2'")),
  );
  expect(await whole.replay(database)).toBe(true); // nothing is left to mend
  expect(whole.rejected.match(/^INSERT INTO/gm)).toBeNull();
});

test("a spool is known by each length that it once had", async () => {
  const [first, second] = [lineage("a"), lineage("b")];
  const spool = await Spool.of(...first);
  await spool.replay(database);
  await spool.write(...first, ...second);
  await spool.replay(database);
  await database.query("UPDATE walkforward_runs SET status = 'FAILED'");
  await spool.write(...first);
  await spool.replay(database);
  expect(await database.query("SELECT DISTINCT status FROM walkforward_runs")).toEqual([{ status: "FAILED" }]);
});

test("one id in several spellings is one object", async () => {
  const spelled = idOf("run").replaceAll("-", "").toUpperCase();
  const statements = (score: string) => [
    datasetStatement("a"),
    runStatement("a", "run"),
    foldStatement("run", 1, { best_iteration: "1" }),
    foldStatement("run", 1, { run_id: `'${spelled}'`, best_iteration: "2" }),
    foldStatement("run", 1, { fold_number: "01", best_iteration: "3" }),
    ...lineage("b"),
    foldStatement("run", 2, { run_id: `'{${idOf("run")}}'`, best_score: score }),
  ];
  const broken = await Spool.of(...statements("'x'"));
  expect(await broken.replay(database)).toBe(false);
  expect(Object.values(broken.reasons).filter((reason) => !reason.startsWith(`run ${idOf("run")}: `))).toEqual([]);
  expect(await counts(database)).toMatchObject({ walkforward_runs: 1, walkforward_folds: 3 });

  expect(await (await Spool.of(...statements("1"))).replay(database)).toBe(true);
  const folds = "SELECT fold_number, best_iteration FROM walkforward_folds WHERE run_id = $1 ORDER BY 1";
  expect(await database.query(folds, [idOf("run")])).toEqual([
    { fold_number: 1, best_iteration: 3 },
    { fold_number: 2, best_iteration: 17 },
  ]);
});

test("a legacy row that is exported again refreshes its master row, also where it says what is stored already", async () => {
  const legacy = datasetStatement("a");
  const spool = await Spool.of(legacy);
  await spool.replay(database);
  await database.query(
    "SET session_replication_role = replica; DELETE FROM stage1_datasets; SET session_replication_role = DEFAULT",
  );
  await (await Spool.of(legacy, "\n")).replay(database, { again: true });
  expect(await counts(database)).toMatchObject({ stage1_datasets: 1, indicator_datasets: 1 });
});

test("an object larger than what is done at once is whole or not there", async () => {
  const many = (name: string, last: string) => [
    ...lineage(name, { trades: 5000 }),
    tradeStatement(`${name}_sim1`, 9999, { size: last }),
  ];
  const spool = await Spool.of(...many("good", "1"), ...many("bad", "'x'"), ...lineage("after"));
  expect(await spool.replay(database)).toBe(false);
  expect(
    await database.query(
      "SELECT s.questdb_namespace, count(*) FROM simulation_runs s JOIN simulation_trades USING (simulation_id) GROUP BY 1 ORDER BY 1",
    ),
  ).toEqual([
    { questdb_namespace: "after_sim1", count: 4 },
    { questdb_namespace: "good_sim1", count: 5001 },
  ]);
  expect(spool.rejected.match(/^INSERT INTO/gm)).toHaveLength(1 + 3 + 5001);
  await writeFile(spool.rejectedPath, spool.rejected.replace("'x'", "1"));
  expect(await spool.replay(database, { path: spool.rejectedPath })).toBe(true);
  expect(await counts(database)).toMatchObject({ simulation_trades: 5001 + 5001 + 4, simulation_runs: 3 });
});

test("the number of SQL statements depends on batches, not on rows", async () => {
  const spool = await Spool.of(
    ...lineage("a", { trades: 3000 }),
    ...Array.from({ length: 50 }, (_, i) => lineage(`b${i}`)).flat(),
  );
  const sessions = await Promise.all([1, 2].map(() => openSession(database.url, "test", () => {})));
  const file = await open(spool.path);
  let statements = 0;
  const [db, trial] = sessions.map((session) => ({
    query<Row>(text: string, values?: readonly unknown[]) {
      statements += 1;
      return session.query<Row>(text, values);
    },
  }));
  try {
    if (!db || !trial) throw new Error("two sessions were opened");
    const { size } = await file.stat();
    const { signal } = new AbortController();
    const result = await replay({ db, trial, file, size, again: false, final: false, signal });
    expect(result).toMatchObject({ written: 3000 + 9 + 50 * 13, rejected: 0, tail: undefined });
    expect(statements).toBeLessThan(50);
  } finally {
    await Promise.all([file.close(), ...sessions.map((session) => session.end())]);
  }
});

test("a half-written last statement is left, and replayed once it is whole", async () => {
  const statements = lineage("a");
  const last = statements.at(-1) ?? "";
  for (const cut of [7, 40, last.indexOf("short") + 2, last.indexOf("'{") + 4, last.lastIndexOf(";")]) {
    const spool = await Spool.of(...statements.slice(0, -1), last.slice(0, cut));
    expect(await spool.replay(database)).toBe(true);
    expect(spool.rejected).toBe("");
    expect(spool.said).toContainEqual(
      expect.stringMatching(/the last statement.* on line 162, is half written: it is left/),
    );
    expect(await counts(database)).toMatchObject({ simulation_trades: 3 });
    await spool.write(...statements, ...lineage(`next${cut}`, { trades: 1 }));
    expect(await spool.replay(database)).toBe(true);
    expect(spool.said).toContainEqual(expect.stringMatching(/before line 160 was replayed before/));
    expect(await counts(database)).toMatchObject({ simulation_trades: 5 });
    await empty(database);
  }
});

const SEMICOLONS = "'x;-- y\n;\n/* z; $$ it''s'";
test.each<[string, (text: string) => number]>([
  ["outside a text", (text) => text.indexOf("465000") + 3],
  ["inside a text", (text) => text.indexOf("COMPLETED") + 3],
  ["inside a text with statements in it", (text) => text.indexOf("(''x''") - 2],
  ["inside its last clause", (text) => text.lastIndexOf("=")],
])("a statement that broke off %s, and the desktop went on, takes its object along and no other", async (_, cutAt) => {
  const run = runStatement("a", "a_run1");
  const [sound, after] = [lineage("b"), lineage("c")];
  sound[1] = runStatement("b", "b_run1", { serialized_config: SEMICOLONS });
  for (const gap of ["\n\n", "\n", ""]) {
    await empty(database);
    const statements = [...lineage("a"), ...sound, ...after];
    const cut = cutAt(run);
    expect(cut).toBeGreaterThan(0);
    statements.splice(1, 1, run.slice(0, cut) + gap);
    // Nothing else came of the object before the crash.
    statements.splice(2, lineage("a").length - 2);
    const spool = await Spool.of(...statements);
    expect(await spool.replay(database)).toBe(false);
    expect(Object.values(spool.reasons)).toEqual([expect.stringMatching(/half written/)]);
    expect(await counts(database)).toMatchObject({ stage1_datasets: 3, walkforward_runs: 2, simulation_trades: 8 });
    expect(
      await database.query("SELECT serialized_config FROM walkforward_runs WHERE run_id = $1", [idOf("b_run1")]),
    ).toEqual([{ serialized_config: SEMICOLONS.slice(1, -1).replaceAll("''", "'") }]);
  }
});

test("parts of an object after a break are rejected with it", async () => {
  const statements = lineage("a");
  statements[1] = `${statements[1]?.slice(0, 400)}\n\n`;
  const spool = await Spool.of(...statements, ...lineage("b"));
  expect(await spool.replay(database)).toBe(false);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, walkforward_runs: 1, simulation_trades: 4 });
});

const quoteFree =
  "INSERT INTO indicator_datasets (questdb_tag, symbol, granularity, source) VALUES (1, 2, 3, 4) ON CONFLICT (questdb_tag) DO UPDATE SET symbol = EXCLUDED.symbol;";
const real = datasetStatement("hidden");

test.each<[string, string]>([
  ["a text in dollars", `INSERT INTO stage1_datasets (dataset_id, symbol) VALUES ('x', $q$\n${real}$q$);\nSELECT 1;\n`],
  ["a DO block", `DO $x$ BEGIN\n${real}END $x$;\nCOMMIT;\n`],
  ["a comment", `INSERT INTO stage1_datasets /*\n${real}*/ (dataset_id) VALUES 'x';\n`],
  ["a text of a refused statement", `INSERT INTO nothing VALUES ('\n${real.replaceAll("'", "''")}\n${quoteFree}');\n`],
  [
    "a text of a statement that is no SQL",
    `INSERT INTO nothing VALUES '\n${real.replaceAll("'", "''")}\n${quoteFree}\n';\n`,
  ],
])("a statement hidden in %s is not run", async (_, text) => {
  const spool = await Spool.of(text, ...lineage("b"));
  expect(await spool.replay(database)).toBe(false);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 1, indicator_datasets: 1, simulation_trades: 4 });
});

test("a half-written last statement is left also where its text holds a statement", async () => {
  const text = `'settings:\n${quoteFree}\n${real.replaceAll("'", "''")}`;
  const spool = await Spool.of(
    ...lineage("b"),
    runStatement("b", "run2", { serialized_config: text }).split("\nON CONFLICT")[0]?.slice(0, -40) ?? "",
  );
  expect(await spool.replay(database)).toBe(true);
  expect(spool.said).toContainEqual(expect.stringMatching(/half written: it is left/));
  expect(await counts(database)).toMatchObject({ stage1_datasets: 1, walkforward_runs: 1 });
});

test("what does not end is given up, and what comes after it is replayed", async () => {
  const endless = runStatement("b", "run2", {
    serialized_config: `'${"x; ".repeat(6_000_000)}\n${quoteFree}\n${"y ".repeat(500_000)}'`,
  });
  const spool = await Spool.of(...lineage("b"), endless, ...lineage("c"), "/* never ended\n", ...lineage("d"));
  expect(await spool.replay(database)).toBe(false);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, walkforward_runs: 2, simulation_trades: 8 });
  expect(Object.values(spool.reasons)).toEqual([
    expect.stringMatching(/it does not end within 8 MB/),
    ...Array.from({ length: Object.keys(spool.reasons).length - 2 }, () =>
      expect.stringMatching(/belongs to the statement before it/),
    ),
    expect.stringMatching(/a comment begins here that does not end/),
  ]);
});

test("a value that is too large for an index, or too deep, is a rejection like any other", async () => {
  const slug = Array.from({ length: 300 }, (_, i) => idOf(String(i))).join("");
  const spool = await Spool.of(
    ...lineage("a"),
    datasetStatement("long", { questdb_tag: `'${slug}'` }),
    datasetStatement("deep", { column_schema: `'${"[".repeat(100_000)}'` }),
    ...lineage("b"),
  );
  expect(await spool.replay(database)).toBe(false);
  expect(Object.values(spool.reasons)).toEqual([
    expect.stringMatching(/index row/),
    expect.stringMatching(/stack depth/),
  ]);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, simulation_trades: 8 });
});

test("objects that are mixed up are still written whole or not at all", async () => {
  const [a, b] = [lineage("a"), lineage("b")];
  b[10] = tradeStatement("b_sim1", 2, { size: "'x'" });
  const mixed = a.flatMap((text, i) => [text, b[i] ?? ""]);
  const spool = await Spool.of(...mixed);
  expect(await spool.replay(database)).toBe(false);
  expect(await counts(database)).toMatchObject({
    walkforward_runs: 2,
    walkforward_folds: 6,
    simulation_runs: 1,
    simulation_trades: 4,
  });
});

test("the forms that other exporters write are understood", async () => {
  const id = idOf("new");
  const master = (slug: string, metadata: string) =>
    `INSERT INTO public.stage1_datasets (dataset_id, dataset_slug, symbol, ohlcv_measurement, indicator_measurement, ohlcv_row_count, metadata, created_at)
     VALUES (CAST('${id}' AS uuid), '${slug}', NULL, 'o', 'i', 1e3, '${metadata}'::jsonb, NOW())
     ON CONFLICT (dataset_id) DO UPDATE SET dataset_slug = EXCLUDED.dataset_slug, symbol = COALESCE(EXCLUDED.symbol, stage1_datasets.symbol, 'none'),
       metadata = COALESCE(stage1_datasets.metadata, '{}'::jsonb) || COALESCE(EXCLUDED.metadata, '{}'::jsonb), updated_at = NOW();\n`;
  const spool = await Spool.of(
    master("one", '{"a": 1}'),
    master("two", '{"b": nan}'),
    statement("walkforward_runs", "run_id", {
      ...{
        run_id: `'${idOf("r").toUpperCase()}'::uuid`,
        dataset_id: `'${id}'`,
        prediction_measurement: "'p'",
        target_column: "'Close'",
      },
      ...{
        feature_columns: "'[]'",
        hyperparameters: "'{}'::json",
        walk_config: "nan",
        status: "''",
        created_at: "CURRENT_TIMESTAMP",
      },
      ...{ started_at: "'2025-01-01 00:00:00.123456+02'", duration_ms: "-5" },
    }),
    foldStatement("r", -1, { best_score: "-.5e-3" }),
  );
  expect(await spool.replay(database)).toBe(true);
  expect(await database.query("SELECT dataset_slug, symbol, ohlcv_row_count, metadata FROM stage1_datasets")).toEqual([
    { dataset_slug: "two", symbol: "none", ohlcv_row_count: 1000, metadata: { a: 1, b: null } },
  ]);
  expect(await database.query("SELECT walk_config, started_at, duration_ms FROM walkforward_runs")).toEqual([
    { walk_config: null, started_at: "2024-12-31 22:00:00.123456+00", duration_ms: -5 },
  ]);
  const before = await contents(database, true);
  await spool.replay(database, { again: true });
  expect(await contents(database)).toEqual({ ...before, ...(await contents(database)) });
});

test("a file of rejected statements begins without the spool's byte order mark, and is added to", async () => {
  const spool = await Spool.of();
  await writeFile(spool.path, `\ufeff${datasetStatement("a", { row_count: "-1" })}`);
  expect(await spool.replay(database)).toBe(false);
  await appendFile(spool.path, "DROP TABLE simulation_trades;\n");
  expect(await spool.replay(database)).toBe(false);
  expect(spool.rejected).not.toContain("\ufeff");
  expect(Object.values(spool.reasons)).toHaveLength(2);
  await writeFile(spool.rejectedPath, spool.rejected.replace("-1", "1").replace("DROP TABLE simulation_trades;", ""));
  expect(await spool.replay(database, { path: spool.rejectedPath })).toBe(true);
  expect(await counts(database)).toMatchObject({ stage1_datasets: 1 });
});

test("one spool, replayed into two databases, has what either rejected in its file", async () => {
  await empty(reference);
  const spool = await Spool.of(...lineage("a"), "DROP TABLE simulation_trades;\n", runStatement("b", "orphan"));
  await database.query("SELECT patch_stage1_dataset($1)", [{ dataset_id: idOf("b"), dataset_slug: "b" }]);
  expect(await spool.replay(database)).toBe(false);
  expect(Object.values(spool.reasons)).toHaveLength(1);
  expect(await spool.replay(reference, { placeholders: false })).toBe(false);
  expect(spool.rejected.match(/^INSERT INTO walkforward_runs/gm)).toHaveLength(1);
  expect(spool.rejected.match(/^DROP TABLE/gm)).toHaveLength(2);
});

test("what is out of date stays a comment, whichever ends of lines it has", async () => {
  const text = "'a\rDELETE b;\r\nDROP c;\nd'";
  const spool = await Spool.of(
    datasetStatement("a"),
    runStatement("a", "run", { serialized_config: text, duration_ms: "'x'" }),
    runStatement("a", "run"),
  );
  expect(await spool.replay(database)).toBe(true);
  expect(spool.rejected.split(/[\r\n]+/).filter((line) => line !== "" && !line.startsWith("-- "))).toEqual([]);
});

test("a spool with Windows' ends of lines, a byte order mark and no last line end is read too", async () => {
  const spool = await Spool.of(...lineage("a"));
  const text = await readFile(spool.path, "utf8");
  await writeFile(spool.path, `\ufeff${text.trimEnd().replaceAll("\n", "\r\n")}`);
  expect(await spool.replay(database)).toBe(true);
  expect(await counts(database)).toMatchObject({ simulation_trades: 4 });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, planMigration } from "../../src/db/migrate.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { allRows, catalogue } from "./catalogue.ts";
import { fixture } from "./fixture.ts";
import { mend, refusalOf, shownIn } from "./remedies.ts";

const BTC = "11111111-2222-3333-4444-555555555555";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase("empty");
  await database.query(fixture("variant-b.sql"));
});
afterAll(() => database.drop());

/** A database with something of everything that stands in the way. */
const OBSTACLES = `
-- As in old rows: every simulation has the same namespace.
ALTER TABLE simulation_runs ADD COLUMN questdb_namespace text DEFAULT 'trading_sim_traces';
INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, mode, config, status)
SELECT md5('more' || n)::uuid, md5('run1')::uuid, '${BTC}', 'btc25_run1', 'dual', '{}', 'COMPLETED' FROM generate_series(1, 20) n;
INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config, status)
SELECT md5(d.n || 'again' || r.n)::uuid, '${BTC}', 'it''s ' || d.n, 'Close', '[]', '{}', '{}', 'RUNNING'
FROM generate_series(1, 23) AS d (n), generate_series(1, 2) AS r (n);
-- A key that is not enforced.
ALTER TABLE walkforward_folds DROP CONSTRAINT walkforward_folds_run_id_fkey;
INSERT INTO walkforward_folds SELECT md5('gone')::uuid, 7, 0, 1, 1, 2, 1, 1, NULL, NULL, '{}', '{}', '2025-04-06';
ALTER TABLE indicator_datasets DROP CONSTRAINT indicator_datasets_questdb_measurement_key;
INSERT INTO indicator_datasets SELECT md5('twin')::uuid, symbol, granularity, source, questdb_measurement, column_schema
FROM indicator_datasets WHERE dataset_id = '${BTC}';
CREATE TABLE strategies (id integer PRIMARY KEY);
INSERT INTO strategies VALUES (5);
ALTER TABLE walkforward_runs ADD strategy integer DEFAULT 5, ADD CONSTRAINT own_fk FOREIGN KEY (strategy) REFERENCES strategies NOT VALID;
-- Other shapes.
ALTER TABLE simulation_trades ALTER COLUMN bar_timestamp TYPE timestamp, DROP CONSTRAINT simulation_trades_pkey;
CREATE TABLE dataset_catalog AS SELECT 1 AS x;
CREATE INDEX idx_simulation_runs_created ON walkforward_runs (created_at);
CREATE TABLE stage1_audit (id integer PRIMARY KEY, written_at timestamptz);
-- Somebody's own, on what goes or changes.
CREATE VIEW own_of_view AS SELECT * FROM dataset_hierarchy;
CREATE VIEW own_of_column AS SELECT status FROM simulation_runs;
CREATE VIEW own_of_function AS SELECT fn_list_runs(NULL, 5);
CREATE FUNCTION own_of_rows() RETURNS SETOF dataset_hierarchy LANGUAGE sql AS 'SELECT * FROM dataset_hierarchy'`;

test("a database with rows and objects that stand in the way is refused with one table of all of them, and left as it was", async () => {
  await database.query(OBSTACLES);
  const before = [await catalogue(database), await allRows(database)];
  const refusal = await refusalOf(database);
  expect([await catalogue(database), await allRows(database)]).toEqual(before);

  expect(refusal).toMatch(
    /^The database cannot be migrated as it is\. Nothing was changed\.\n\nwhat +\| which rows +\| what to do\n-/,
  );
  const blocks = shownIn(refusal);
  const found = (what: RegExp) => {
    const block = blocks.find((cells) => what.test(cells.what));
    expect(blocks.map((cells) => cells.what)).toContainEqual(expect.stringMatching(what));
    return block ?? { what: "", rows: "", remedy: "" };
  };
  const shared = found(/^simulation_runs: 22 rows share run_id = .* and questdb_namespace = trading_sim_traces/);
  expect(shared.rows).toMatch(/^simulation_id: (?:[0-9a-f-]{36} ){10}\.\.\. and 12 more$/);
  expect(shared.remedy).toContain("row_number() OVER (PARTITION BY run_id, questdb_namespace ORDER BY simulation_id)");
  expect(found(/^walkforward_runs: 2 rows share dataset_id = 1111.* and prediction_measurement = it's/).rows).not.toBe(
    "",
  );
  expect(blocks.filter(({ what }) => what.startsWith("walkforward_runs: 2 rows share"))).toHaveLength(20);
  expect(found(/^walkforward_runs: dataset_id, prediction_measurement$/).rows).toBe("... and 3 more such groups");
  expect(found(/^indicator_datasets: 2 rows share questdb_measurement = btc25_1/).rows).toContain(BTC);
  expect(found(/^walkforward_folds: run_id = .* leads to no row of walkforward_runs/).rows).toMatch(
    /^run_id, fold_number: .*, 7$/,
  );
  expect(found(/^simulation_trades has times without a zone/).remedy).toContain("migrate --assume-utc");
  expect(found(/^simulation_trades must have the primary key \(trade_id\)/).remedy).toContain(
    "ADD PRIMARY KEY (trade_id)",
  );
  expect(found(/^the foreign key own_fk of walkforward_runs is not validated/).remedy).toContain(
    "ALTER TABLE walkforward_runs VALIDATE CONSTRAINT own_fk;",
  );
  expect(found(/^dataset_catalog must be a view/).remedy).toContain("ALTER TABLE dataset_catalog RENAME TO");
  expect(found(/^the name idx_simulation_runs_created is an index's of simulation_runs/).rows).toContain(
    "on walkforward_runs",
  );
  const audit = found(/^the name stage1_audit is a table's that tells who wrote/);
  expect(audit.rows).toBe("column id integer column written_at timestamp with time zone");
  for (const own of ["view own_of_view", "view own_of_column", "view own_of_function", "function own_of_rows()"]) {
    expect(found(new RegExp(`^${own.replace(/[()]/g, "\\$&")} depends on what is built anew`)).remedy).toMatch(
      /^save its definition, drop it/,
    );
  }
  expect(refusal).not.toContain("CASCADE");
  expect((await planMigration({ url: database.url })).refusal).toBe(refusal);

  // What it says to do is what it takes.
  await mend(database, refusal);
  expect(
    await database.query(
      "SELECT indrelid::regclass AS on_table FROM pg_index WHERE indexrelid = 'stage1_audit_pkey'::regclass",
    ),
  ).toEqual([{ on_table: "stage1_audit" }]);
});

test("tables in another schema than the one that would be migrated are not doubled there", async () => {
  const other = await createDatabase();
  try {
    const name = new URL(other.url).pathname.slice(1);
    await other.query(`CREATE SCHEMA app; ALTER DATABASE ${name} SET search_path = app, public`);
    await expect(migrate({ url: other.url })).rejects.toThrow(
      /the tables are in schema public, but the[\s\S]*ALTER ROLE \S+ IN DATABASE \S+ SET search_path = public;/,
    );
    expect(await other.query("SELECT FROM pg_class WHERE relnamespace = 'app'::regnamespace")).toEqual([]);
  } finally {
    await other.drop();
  }
});

test("tables of somebody's own with the names of the product's are told with what to do, and it goes on from there", async () => {
  const other = await createDatabase("empty");
  try {
    await other.query(`${fixture("generation-3.sql")};
      CREATE TABLE stage1_placeholders (id serial PRIMARY KEY, note text);
      CREATE TABLE stage1_dataset_aliases (alias text PRIMARY KEY);
      CREATE TABLE stage1_replays (id serial PRIMARY KEY);
      CREATE TABLE stage1_replay_rejections (id serial PRIMARY KEY)`);
    const refusal = await refusalOf(other);
    expect(shownIn(refusal).map(({ what }) => what)).toEqual([
      "the name stage1_dataset_aliases is a table's that leads ids to datasets",
      "the name stage1_placeholders is a table's that tells which rows are placeholders",
      "the name stage1_replay_rejections is a table's that tells what was not replayed",
      "the name stage1_replays is a table's that tells what was replayed",
    ]);
    await mend(other, refusal);
    expect(await other.query("SELECT FROM stage1_placeholders_former")).toEqual([]);
  } finally {
    await other.drop();
  }
});

test("a column of ours that is generated is told, whether the expression reads the other name or another column", async () => {
  for (const [variant, column, from] of [
    ["variant-a.sql", "questdb_measurement", "questdb_tag"],
    ["variant-b.sql", "questdb_tag", "questdb_measurement"],
  ] as const) {
    const other = await createDatabase("empty");
    try {
      await other.query(`${fixture(variant)};
        ALTER TABLE indicator_datasets ADD ${column} text GENERATED ALWAYS AS (${from}) STORED`);
      const refusal = await refusalOf(other);
      expect(shownIn(refusal)).toEqual([
        {
          what: `indicator_datasets.${column} is generated, so that nothing can be written into it`,
          rows: from,
          remedy: `ALTER TABLE indicator_datasets ALTER COLUMN ${column} DROP EXPRESSION;`,
        },
      ]);
      await mend(other, refusal);
    } finally {
      await other.drop();
    }
  }
});

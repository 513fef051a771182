import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, planMigration } from "../../src/db/migrate.ts";
import { openClient } from "../../src/db/pool.ts";
import { until } from "../commands/cli.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { insertLineage } from "../lineage.ts";
import { SQL_DIR } from "./fixture.ts";
import { insertRow, upsert } from "./rows.ts";

/** With a column of each. */
const TABLES = [
  ["stage1_datasets", "dataset_id"],
  ["datasets", "dataset_id"],
  ["stage1_placeholders", "id"],
  ["walkforward_runs", "run_id"],
  ["walkforward_folds", "run_id"],
  ["simulation_runs", "simulation_id"],
  ["simulation_trades", "trade_id"],
  ["simulation_trade_buckets", "simulation_id"],
] as const;
const CHANGES = readFileSync(`${SQL_DIR}/functions/70_changes.sql`, "utf8");
const UNNOTICED = "SELECT on_table, name FROM stage1_unnoticed_changes() ORDER BY 1, 2";

type Session = Awaited<ReturnType<typeof openClient>>;

let database: TestDatabase;
let writer: Session;
let listener: Session;
let heard: string[] = [];
beforeAll(async () => {
  database = await createDatabase();
  await insertLineage(database, { datasets: 2, runs: 2, simulations: 2 });
  [writer, listener] = await Promise.all([openClient(database.url), openClient(database.url)]);
  listener.on("notification", ({ payload = "" }) => heard.push(payload));
  await listener.query("LISTEN stage1_changes");
});
afterAll(async () => {
  await Promise.all([writer.end(), listener.end()]);
  await database.drop();
});

/** What is heard of some work, or of the writer's statement: up to a mark that is sent after it. */
async function noticesOf(work: string | (() => Promise<unknown>)): Promise<string[]> {
  heard = [];
  await (typeof work === "string" ? writer.query(work) : work());
  const mark = randomUUID();
  await database.query("SELECT pg_notify('stage1_changes', $1)", [mark]);
  await until(() => heard.includes(mark));
  return heard.filter((payload) => payload !== mark);
}

test.each(TABLES)(
  "a change of %s is noticed once a transaction, and one that is rolled back is not",
  async (table, key) => {
    const notice = [`public.${table}`];
    const insert = `INSERT INTO ${table} SELECT * FROM ${table} LIMIT 1 ON CONFLICT DO NOTHING`;
    const update = `UPDATE ${table} SET ${key} = ${key}`;
    const remove = `DELETE FROM ${table} WHERE false`;
    for (const statement of [insert, update, remove, `TRUNCATE ${table} CASCADE`]) {
      const heard = await noticesOf(`BEGIN; ${statement}; ROLLBACK`);
      expect({ statement, heard }).toEqual({ statement, heard: [] });
    }
    for (const statement of [insert, update, remove, `${update}; SAVEPOINT s; ${update}; ROLLBACK TO s; ${insert}`]) {
      const heard = await noticesOf(`BEGIN; ${statement}; COMMIT`);
      expect({ statement, heard }).toEqual({ statement, heard: notice });
      const replicated = await noticesOf(`BEGIN; SET LOCAL session_replication_role = replica; ${statement}; COMMIT`);
      expect({ statement, replicated }).toEqual({ statement, replicated: notice });
    }
    expect(await noticesOf(`SELECT count(*) FROM ${table}`)).toEqual([]);
  },
);

test("a change is noticed whichever way it is made: COPY, upsert, a legacy client, a cascade", async () => {
  const values = { dataset_id: randomUUID(), ohlcv_measurement: "", indicator_measurement: "" };
  expect(await noticesOf(() => upsert(database, { ...values, dataset_slug: "upserted" }))).toEqual([
    "public.stage1_datasets",
  ]);
  // Its row in stage1_audit, which no answer is read from, is not noticed.
  expect(
    await noticesOf(`SELECT stage1_audited_patch('{"dataset_id": "${values.dataset_id}", "symbol": "S"}', NULL, 'r')`),
  ).toEqual(["public.stage1_datasets"]);
  expect(
    await noticesOf(
      `COPY stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement)
       FROM PROGRAM 'echo ${randomUUID()},copied,a,b' (FORMAT csv)`,
    ),
  ).toEqual(["public.stage1_datasets"]);
  for (const name of ["questdb_tag", "questdb_measurement"]) {
    const row = { symbol: "S", granularity: "1h", source: "x", [name]: `of_${name}` };
    expect(await noticesOf(() => insertRow(database, "indicator_datasets", row))).toEqual(["public.stage1_datasets"]);
  }
  expect((await noticesOf("DELETE FROM walkforward_runs WHERE prediction_measurement = 'd1_run1'")).sort()).toEqual([
    "public.simulation_runs", // which loses its run
    "public.walkforward_folds",
    "public.walkforward_runs",
  ]);
});

test("a trigger that is gone, off, or another than it was is told, and the file makes it again, by hand too", async () => {
  expect(await database.query(UNNOTICED)).toEqual([]);
  await database.query(`
    ALTER TABLE simulation_trades DISABLE TRIGGER ALL;
    ALTER TABLE simulation_trades ENABLE TRIGGER ALL; -- as pg_restore --disable-triggers does: none is always on any more
    ALTER TABLE simulation_runs DISABLE TRIGGER stage1_notify_change;
    DROP TRIGGER stage1_notify_change ON walkforward_runs;
    CREATE OR REPLACE TRIGGER stage1_notify_change AFTER UPDATE OF status ON walkforward_runs EXECUTE FUNCTION stage1_notify_change();
    ALTER TABLE walkforward_runs ENABLE ALWAYS TRIGGER stage1_notify_change;
    DROP TRIGGER stage1_notify_replicated ON walkforward_folds`);
  expect(await database.query(UNNOTICED)).toEqual([
    { on_table: "simulation_runs", name: "stage1_notify_change" },
    { on_table: "simulation_trades", name: "stage1_notify_change" },
    { on_table: "simulation_trades", name: "stage1_notify_replicated" },
    { on_table: "walkforward_folds", name: "stage1_notify_replicated" },
    { on_table: "walkforward_runs", name: "stage1_notify_change" },
  ]);
  // What a subscription's worker writes, which runs no trigger for a statement.
  const replicated =
    "BEGIN; SET LOCAL session_replication_role = replica; UPDATE simulation_runs SET status = ''; COMMIT";
  expect(await noticesOf(replicated)).toEqual(["public.simulation_runs"]);
  await database.query(CHANGES);
  expect(await database.query(UNNOTICED)).toEqual([]);

  // Again, it changes nothing and waits for nobody; and it tells that there may be other views.
  await writer.query("BEGIN; LOCK TABLE simulation_trades IN ROW EXCLUSIVE MODE");
  expect(await noticesOf(() => database.query(`SET lock_timeout = 1; ${CHANGES}; RESET lock_timeout`))).toEqual([
    "public.*",
  ]);
  await writer.query("COMMIT");
});

test("somebody's own trigger and function of these names stand in the way until they are renamed", async () => {
  await database.query(`
    DELETE FROM stage1_schema_ledger WHERE file = 'functions/70_changes.sql';
    CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE OR REPLACE TRIGGER stage1_notify_change AFTER INSERT ON simulation_runs EXECUTE FUNCTION audit();
    DROP FUNCTION stage1_unnoticed_changes();
    CREATE FUNCTION stage1_unnoticed_changes() RETURNS integer LANGUAGE sql AS 'SELECT 1'`);
  const { refusal = "" } = await planMigration({ url: database.url });
  const remedies = refusal.match(/ALTER (?:TRIGGER|ROUTINE) .*;/g) ?? [];
  expect(remedies).toEqual([
    "ALTER TRIGGER stage1_notify_change ON simulation_runs RENAME TO stage1_notify_change_former;",
    "ALTER ROUTINE stage1_unnoticed_changes() RENAME TO stage1_unnoticed_changes_former;",
  ]);
  await database.query(remedies.join("\n"));
  await migrate({ url: database.url });
  expect(await database.query(UNNOTICED)).toEqual([]);
});

test("TRUNCATE is noticed of each table that it empties, replicated or not", async () => {
  for (const role of ["origin", "replica"]) {
    const heard = await noticesOf(
      `BEGIN; SET LOCAL session_replication_role = ${role}; TRUNCATE stage1_datasets, stage1_placeholders CASCADE; COMMIT`,
    );
    expect(heard.sort()).toEqual(TABLES.map(([table]) => `public.${table}`).sort());
  }
});

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { migrate } from "../src/db/migrate.ts";
import { openClient } from "../src/db/pool.ts";
import { until } from "./commands/cli.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import { catalogue, comparable, ledger } from "./sql/catalogue.ts";
import { fixture } from "./sql/fixture.ts";

type Session = Awaited<ReturnType<typeof openClient>>;

let database: TestDatabase;
let wanted: string[];
/** Another session, with a transaction that stays open. */
let other: Session;
/** What the migration under way said so far. */
let said: string[];

beforeAll(async () => {
  const fresh = await createDatabase();
  wanted = comparable(await catalogue(fresh));
  await fresh.drop();
  database = await createDatabase("empty");
  await database.query(fixture("variant-a.sql"));
});
afterAll(() => database.drop());
beforeEach(async () => {
  said = [];
  other = await openClient(database.url, "nightly report");
  await other.query("BEGIN");
});
afterEach(() => other.end());

/** Starts a migration. `over` says whether it has ended. */
function start(options: { attempts?: number; signal?: AbortSignal } = {}) {
  const say = (line: string): number => said.push(line);
  const state = { over: false, error: "" };
  const done = migrate({ url: database.url, report: say, progress: say, ...options })
    .catch((error: Error) => {
      state.error = error.message;
    })
    .finally(() => {
      state.over = true;
    });
  return { state, done };
}

/** Sees a line, and that readers and writers of a table get through while the migration goes on waiting. */
async function othersGoOn(state: { over: boolean }, line: RegExp): Promise<void> {
  await until(() => said.some((text) => line.test(text)) || state.over);
  expect(said).toContainEqual(expect.stringMatching(line));
  await database.query(
    "SELECT count(*) FROM walkforward_runs JOIN simulation_runs USING (run_id) JOIN simulation_trades USING (simulation_id)",
  );
  for (const [table, id] of [
    ["walkforward_runs", "run"],
    ["simulation_runs", "simulation"],
    ["simulation_trades", "trade"],
  ]) {
    // A row of its own, since a row that another session has changed would be waited for.
    await database.query(
      `INSERT INTO ${table} SELECT (jsonb_populate_record(t, '{"${id}_id": "${randomUUID()}", "prediction_measurement": "${randomUUID()}", "questdb_namespace": "${randomUUID()}"}')).* FROM ${table} t LIMIT 1`,
    );
  }
  expect(state.over).toBe(false);
}

/** As a database that a version without a file has migrated. */
async function forget(file: string, changes: string): Promise<void> {
  await database.query(`${changes}; DELETE FROM stage1_schema_ledger WHERE file LIKE 'migrations/${file}%'`);
}

test("a table that somebody reads for long: the step gives up after the last try, names the session, and leaves nothing", async () => {
  await other.query("SELECT FROM walkforward_runs");
  // Without the tables that the steps before it make.
  const schema = async () =>
    (await catalogue(database)).filter(
      (line) => !/stage1_(?:schema_ledger|dataset_aliases|placeholders|legacy_exports)|[ .(]datasets\b/.test(line),
    );
  const before = await schema();
  const { state, done } = start({ attempts: 2 });
  await done;
  const held =
    /^migrations\/0001aa_writers_of_runs\.sql: a lock on walkforward_runs is held by pid \d+ \(nightly report, \w+, idle in transaction\)/;
  expect(said).toContainEqual(expect.stringMatching(new RegExp(`${held.source}; trying again \\(2 of 2\\)$`)));
  expect(state.error).toMatch(held);
  expect(state.error).toMatch(/not free in 2 tries.*SELECT pg_terminate_backend\(\d+\).*migrate again/);
  expect(await schema()).toEqual(before);
  expect((await ledger(database)).map(({ file }) => file)).toEqual([
    "migrations/0000a_lossless_types.sql",
    "migrations/0001_stage1_3_tables.sql",
    "migrations/0001a1_ids_of_others.sql",
    "migrations/0001a_former_routines.sql",
  ]);
});

test("… and an interruption while it waits ends it at once, with nothing left behind", async () => {
  await other.query("SELECT FROM walkforward_runs");
  const stop = new AbortController();
  const { state, done } = start({ signal: stop.signal });
  await until(() => said.some((line) => line.includes("trying again")));
  stop.abort();
  await done;
  expect(state.error).toMatch(/^Interrupted: /);
  expect(
    await database.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ 'migrate'",
    ),
  ).toEqual([]);
});

test("… and once it is read no more, the migration goes on to the end; readers and writers had gone on all the while", async () => {
  await other.query("SELECT FROM walkforward_runs");
  const { state, done } = start();
  await othersGoOn(state, /a lock on walkforward_runs is held by .*; trying again \(2 of 30\)$/);
  await other.query("COMMIT");
  await done;
  expect(state.error).toBe("");
  expect(comparable(await catalogue(database))).toEqual(wanted);
});

test("indexes are built beside an open transaction of a writer, which is waited for and named, and what a killed build left goes", async () => {
  await forget(
    "0001d",
    `
    DROP INDEX idx_simulation_trades_simulation_bar;
    ALTER TABLE walkforward_runs DROP CONSTRAINT walkforward_runs_dataset_measurement_uq;
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_walkforward_runs_created'::regclass`,
  );
  await other.query("UPDATE simulation_trades SET size = size");
  const { state, done } = start();
  // The first line that says so comes after three seconds.
  await othersGoOn(
    state,
    /^migrations\/0001d_indexes\.sql: \d+ s, waiting for writers before build, .*waiting for pid \d+ \(nightly report/,
  );
  await other.query("COMMIT");
  await done;
  expect(state.error).toBe("");
  expect(comparable(await catalogue(database))).toEqual(wanted);
  expect(await database.query("SELECT FROM pg_index WHERE NOT indisvalid")).toEqual([]);
});

test("a build that is interrupted, or that a row breaks which came meanwhile, is begun again by the next migrate", async () => {
  const unbuilt = "ALTER TABLE simulation_runs DROP CONSTRAINT simulation_runs_run_namespace_uq";
  const building = async () =>
    (await database.query("SELECT FROM pg_stat_progress_create_index WHERE datname = current_database()")).length > 0;
  await forget("0001d", unbuilt);
  await other.query("UPDATE simulation_runs SET status = status");
  const stop = new AbortController();
  const interrupted = start({ signal: stop.signal });
  await until(building);
  stop.abort();
  await interrupted.done;
  expect(interrupted.state.error).toMatch(/^Interrupted: /);
  await other.query("COMMIT; BEGIN");
  await migrate({ url: database.url });
  expect(comparable(await catalogue(database))).toEqual(wanted);

  await forget("0001d", unbuilt);
  const twin = randomUUID();
  await other.query(
    `INSERT INTO simulation_runs SELECT (jsonb_populate_record(t, '{"simulation_id": "${twin}"}')).* FROM simulation_runs t LIMIT 1`,
  );
  const broken = start();
  await until(building);
  await other.query("COMMIT");
  await broken.done;
  expect(broken.state.error).toMatch(/^sql\/migrations\/0001d_indexes\.sql:[\s\S]*could not create unique index/);
  // It would go on refusing rows.
  expect(await database.query("SELECT FROM pg_index WHERE NOT indisvalid")).toEqual([]);
  await expect(migrate({ url: database.url })).rejects.toThrow(/2 rows share run_id/);
  await database.query("DELETE FROM simulation_runs WHERE simulation_id = $1", [twin]);
  await migrate({ url: database.url });
  expect(comparable(await catalogue(database))).toEqual(wanted);
});

test("readers and writers go on while the rows of a foreign key are to be validated", async () => {
  await forget(
    "0005",
    `
    ALTER TABLE simulation_runs DROP CONSTRAINT simulation_runs_dataset_fk;
    ALTER TABLE simulation_runs ADD CONSTRAINT simulation_runs_dataset_fk FOREIGN KEY (dataset_id) REFERENCES stage1_datasets NOT VALID`,
  );
  await other.query("LOCK TABLE simulation_runs IN SHARE UPDATE EXCLUSIVE MODE"); // the lock that validation takes
  const { state, done } = start();
  await othersGoOn(state, /^migrations\/0005_\S+: a lock on simulation_runs is held by .*; trying again/);
  await other.query("COMMIT");
  await done;
  expect(state.error).toBe("");
  expect(comparable(await catalogue(database))).toEqual(wanted);
});

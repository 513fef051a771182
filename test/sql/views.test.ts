import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { insertLineage } from "../lineage.ts";
import { fixture } from "./fixture.ts";
import { insertRow, upsert } from "./rows.ts";

/** What only its place in the lineage tells: see the comments below. */
const EMPTY_DATASET = randomUUID();
const STRAY = { dataset: randomUUID(), run: randomUUID(), simulations: [randomUUID(), randomUUID()] as const };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  // Neighbours share their timestamps here; runs and simulations are spread evenly.
  await insertLineage(database, { datasets: 7, runs: 4, simulations: 3 });
  await upsert(database, {
    dataset_id: EMPTY_DATASET,
    dataset_slug: "empty",
    ohlcv_measurement: "",
    indicator_measurement: "",
  });

  // A simulation without a run, a run without a dataset, and a simulation of that run that knows its dataset.
  await upsert(database, {
    dataset_id: STRAY.dataset,
    dataset_slug: "stray",
    ohlcv_measurement: "stray_ohlcv",
    indicator_measurement: "stray_ind",
  });
  await insertRow(database, "walkforward_runs", {
    run_id: STRAY.run,
    prediction_measurement: "stray_run",
    status: "FAILED",
    serialized_config: "run's",
  });
  const [withoutRun, withRun] = STRAY.simulations;
  const simulation = { dataset_id: STRAY.dataset, status: "RUNNING", serialized_config: "simulation's" };
  await insertRow(database, "simulation_runs", { ...simulation, simulation_id: withoutRun });
  await insertRow(database, "simulation_runs", { ...simulation, simulation_id: withRun, run_id: STRAY.run });
  // Without dataset or run: belongs to nothing.
  await insertRow(database, "simulation_runs", { simulation_id: randomUUID() });
});
afterAll(() => database.drop());

describe("dataset_catalog", () => {
  test("has the columns and the values of the task list's own two grouped joins", async () => {
    const ours = await database.query("SELECT * FROM dataset_catalog ORDER BY dataset_id");
    const theirs = fixture("task-list-catalog.sql").replace(/^[\s\S]*dataset_catalog AS/, "");
    expect(ours).toEqual(await database.query(theirs.replace(/;\s*$/, " ORDER BY d.dataset_id")));
    expect(ours).toHaveLength(9);
    expect(new Set(ours.map((row) => `${row["run_count"]} ${row["simulation_count"]}`))).toEqual(
      new Set(["4 12", "0 0", "0 2"]),
    );
  });

  test("fn_list_datasets pages it, last updated first, without gap or overlap where all times are equal", async () => {
    const all = await database.query("SELECT * FROM dataset_catalog ORDER BY updated_at DESC, dataset_id DESC");
    expect(await database.query("SELECT * FROM fn_list_datasets()")).toEqual(all);
    await equalTimes("stage1_datasets", "updated_at");
    expect(await pages("fn_list_datasets($1, $2)", "dataset_id")).toEqual(
      await column("SELECT dataset_id AS id FROM dataset_catalog ORDER BY dataset_id DESC"),
    );
  });
});

describe("dataset_hierarchy", () => {
  const rowsOf = (datasetId: string) =>
    database.query("SELECT * FROM dataset_hierarchy WHERE dataset_id = $1 ORDER BY simulation_id", [datasetId]);

  test("every dataset appears, one without a run with nulls", async () => {
    const slugs = await column("SELECT DISTINCT dataset_slug AS id FROM dataset_hierarchy ORDER BY 1");
    expect(slugs).toEqual(await column("SELECT dataset_slug AS id FROM stage1_datasets ORDER BY 1"));
    expect(await rowsOf(EMPTY_DATASET)).toEqual([
      {
        dataset_id: EMPTY_DATASET,
        dataset_slug: "empty",
        ohlcv_measurement: "",
        indicator_measurement: "",
        run_id: null,
        prediction_measurement: null,
        serialized_config: null,
        simulation_id: null,
        questdb_namespace: null,
        status: null,
        run_status: null,
        simulation_status: null,
        simulation_serialized_config: null,
      },
    ]);
  });

  test("a simulation without a run, or of a run without a dataset, stands at its own dataset", async () => {
    const [withoutRun, withRun] = STRAY.simulations;
    const rows = new Map((await rowsOf(STRAY.dataset)).map((row) => [row["simulation_id"], row]));
    expect(rows.size).toBe(2);
    const simulation = {
      status: "RUNNING",
      simulation_status: "RUNNING",
      simulation_serialized_config: "simulation's",
    };
    expect(rows.get(withoutRun)).toMatchObject({
      ...simulation,
      run_id: null,
      run_status: null,
      serialized_config: null,
    });
    expect(rows.get(withRun)).toMatchObject({
      ...simulation,
      run_id: STRAY.run,
      run_status: "FAILED",
      serialized_config: "run's",
    });
  });

  test("every simulation that leads to a dataset appears once", async () => {
    const simulations = await column(
      "SELECT simulation_id AS id FROM dataset_hierarchy WHERE simulation_id IS NOT NULL",
    );
    expect(simulations).toHaveLength(7 * 4 * 3 + 2);
    expect(new Set(simulations).size).toBe(simulations.length);
  });

  test("has the rows of one plain join of all, wherever simulations and runs lead to", async () => {
    const elsewhere = randomUUID();
    await upsert(database, {
      dataset_id: elsewhere,
      dataset_slug: "its simulation is of another's run",
      ohlcv_measurement: "",
      indicator_measurement: "",
    });
    const [other] = await database.query<{ run_id: string }>(
      "SELECT run_id FROM walkforward_runs WHERE prediction_measurement = 'd3_run1'",
    );
    const added = [
      { simulation_id: randomUUID(), dataset_id: elsewhere, run_id: other?.run_id, questdb_namespace: "elsewhere" },
      // Of a run that leads to no dataset, two simulations of two datasets, and one of none.
      { simulation_id: randomUUID(), dataset_id: elsewhere, run_id: STRAY.run, questdb_namespace: "second" },
      { simulation_id: randomUUID(), run_id: STRAY.run, questdb_namespace: "third" },
      { simulation_id: randomUUID(), dataset_id: elsewhere, questdb_namespace: "without a run" },
    ];
    for (const row of added.slice(0, 1)) await insertRow(database, "simulation_runs", row);
    await expectPlainJoin();
    for (const row of added.slice(1)) await insertRow(database, "simulation_runs", row);
    await expectPlainJoin();
    await database.query("DELETE FROM simulation_runs WHERE simulation_id = ANY ($1)", [
      added.map((row) => row.simulation_id),
    ]);
    await database.query("DELETE FROM stage1_datasets WHERE dataset_id = $1", [elsewhere]);
  });

  async function expectPlainJoin(): Promise<void> {
    const order = "ORDER BY dataset_slug, run_id, simulation_id";
    const rows = await database.query(`SELECT * FROM dataset_hierarchy ${order}`);
    expect(rows.length).toBeGreaterThan(7 * 4 * 3);
    expect(rows).toEqual(
      await database.query(`
        SELECT d.dataset_id, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement,
               leaf.run_id, leaf.prediction_measurement, leaf.run_config AS serialized_config,
               leaf.simulation_id, leaf.questdb_namespace,
               coalesce(leaf.simulation_status, leaf.run_status) AS status, leaf.run_status, leaf.simulation_status,
               leaf.simulation_config AS simulation_serialized_config
        FROM stage1_datasets d
        LEFT JOIN (
          SELECT coalesce(r.dataset_id, s.dataset_id) AS dataset_id, r.run_id, r.prediction_measurement,
                 r.serialized_config AS run_config, r.status AS run_status, s.simulation_id, s.questdb_namespace,
                 s.status AS simulation_status, s.serialized_config AS simulation_config
          FROM walkforward_runs r FULL JOIN simulation_runs s ON s.run_id = r.run_id
        ) AS leaf ON leaf.dataset_id = d.dataset_id
        ${order}`),
    );
  }

  test("status is the simulation's, or the run's where there is none", async () => {
    const run = { dataset_id: STRAY.dataset, run_id: randomUUID(), prediction_measurement: "alone", status: "QUEUED" };
    await insertRow(database, "walkforward_runs", run);
    const rows = await database.query("SELECT * FROM dataset_hierarchy WHERE run_id = $1", [run.run_id]);
    expect(rows).toMatchObject([
      { prediction_measurement: "alone", status: "QUEUED", run_status: "QUEUED", simulation_status: null },
    ]);
  });
});

describe.each([
  ["fn_list_runs", "walkforward_runs", "run_id", "dataset_id"],
  ["fn_list_simulations", "simulation_runs", "simulation_id", "run_id"],
] as const)("%s", (list, table, id, parent) => {
  test("lists one parent's rows, newest first, each with its dataset's slug and both measurements", async () => {
    const [first] = await database.query<{ parent: string }>(
      `SELECT ${parent} AS parent FROM ${table} r JOIN stage1_datasets USING (dataset_id) WHERE dataset_slug = 'd3' LIMIT 1`,
    );
    const listed = await database.query(`SELECT * FROM ${list}($1)`, [first?.parent]);
    const expected = await database.query(
      `SELECT r.*, d.dataset_slug, d.ohlcv_measurement, d.indicator_measurement
       FROM ${table} r JOIN stage1_datasets d USING (dataset_id) WHERE r.${parent} = $1 ORDER BY r.created_at DESC, r.${id} DESC`,
      [first?.parent],
    );
    expect(listed.length).toBeGreaterThan(2);
    expect(listed).toEqual(expected);
    expect(listed[0]).toMatchObject({
      dataset_slug: "d3",
      ohlcv_measurement: "d3_ohlcv",
      indicator_measurement: "d3_ind",
    });
  });

  test("lists all where the id is null, also those without a dataset", async () => {
    const [count] = await column(`SELECT count(*) AS id FROM ${table}`);
    const listed = await database.query(`SELECT * FROM ${list}(NULL, 1000)`);
    expect(listed).toHaveLength(Number(count));
    expect(listed.filter((row) => row["dataset_id"] === null)).toHaveLength(1);
    expect(await database.query(`SELECT * FROM ${list}()`)).toEqual(listed.slice(0, 50));
  });

  test("its pages have no gap and no overlap where all times are equal", async () => {
    await equalTimes(table, "created_at");
    expect(await pages(`${list}(NULL, $1, $2)`, id)).toEqual(
      await column(`SELECT ${id} AS id FROM ${table} ORDER BY ${id} DESC`),
    );
  });
});

test("stage1_run_status and stage1_simulation_mode read the free text of the field", async () => {
  const meaning = async (name: string, texts: (string | null)[]) =>
    column(`SELECT ${name}(t) AS id FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n`, [texts]);
  const statuses = ["PENDING", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"];
  expect(await meaning("stage1_run_status", statuses)).toEqual(statuses);
  expect(await meaning("stage1_run_status", ["completed", " Running ", "Done", "", null])).toEqual([
    ...["COMPLETED", "RUNNING", "UNKNOWN", "UNKNOWN", "UNKNOWN"],
  ]);
  expect(await meaning("stage1_simulation_mode", ["long", "Short", "DUAL", "both", "", null])).toEqual([
    ...["LONG", "SHORT", "DUAL", "UNKNOWN", "UNKNOWN", "UNKNOWN"],
  ]);
});

async function column(statement: string, values?: unknown[]): Promise<unknown[]> {
  return (await database.query<{ id: unknown }>(statement, values)).map((row) => row.id);
}

/** The ids of all pages of three, one after the other. */
async function pages(call: string, id: string): Promise<unknown[]> {
  const ids: unknown[] = [];
  for (;;) {
    const page = await column(`SELECT ${id} AS id FROM ${call}`, [3, ids.length]);
    if (page.length === 0) return ids;
    ids.push(...page);
  }
}

async function equalTimes(table: string, timestamp: string): Promise<void> {
  await database.query(`
    ALTER TABLE ${table} DISABLE TRIGGER USER;
    UPDATE ${table} SET ${timestamp} = '2025-01-01';
    ALTER TABLE ${table} ENABLE TRIGGER USER`);
}

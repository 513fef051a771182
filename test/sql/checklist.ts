import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Db } from "../../src/db/pool.ts";
import { insertRow, upsert } from "./rows.ts";

/** The tests of the task list's §6, as it stands, on a migrated database. */
export function checklist(database: () => Db): void {
  test("§6.1 the smoke tests run", async () => {
    const db = database();
    expect((await db.query("SELECT * FROM fn_list_datasets(5,0)")).length).toBeLessThanOrEqual(5);
    expect((await db.query("SELECT * FROM dataset_hierarchy LIMIT 5")).length).toBeLessThanOrEqual(5);
  });

  test("§6.1 a dummy dataset of upsert_stage1_dataset appears alongside its slug and measurement names", async () => {
    const db = database();
    const id = await dummyDataset(db);
    const dummy = { dataset_slug: `dummy_${id}`, ohlcv_measurement: "dummy_ohlcv", indicator_measurement: "dummy_ind" };
    for (const relation of ["fn_list_datasets(1000, 0)", "dataset_catalog", "dataset_hierarchy"]) {
      const rows = await db.query(
        `SELECT dataset_slug, ohlcv_measurement, indicator_measurement FROM ${relation} WHERE dataset_id = $1`,
        [id],
      );
      expect({ relation, rows }).toEqual({ relation, rows: [dummy] });
    }
  });

  test("§6.2 a run and a simulation with a bogus dataset_id are refused", async () => {
    const db = database();
    const bogus = randomUUID();
    await expect(
      insertRow(db, "walkforward_runs", { dataset_id: bogus, prediction_measurement: "bogus" }),
    ).rejects.toMatchObject({ code: "23503", constraint: "walkforward_runs_dataset_fk" });
    await expect(insertRow(db, "simulation_runs", { dataset_id: bogus })).rejects.toMatchObject({
      code: "23503",
      constraint: "simulation_runs_dataset_fk",
    });
  });

  test("§6.2 a second run with a dataset's prediction_measurement is blocked, in another dataset it is not", async () => {
    const db = database();
    const run = { dataset_id: await dummyDataset(db), prediction_measurement: "dummy_run1" };
    await insertRow(db, "walkforward_runs", run);
    await expect(insertRow(db, "walkforward_runs", run)).rejects.toMatchObject({
      code: "23505",
      constraint: "walkforward_runs_dataset_measurement_uq",
    });
    await insertRow(db, "walkforward_runs", { ...run, dataset_id: await dummyDataset(db) });
  });

  test("§6.2 a second simulation with a run's questdb_namespace is blocked, without a namespace it is not", async () => {
    const db = database();
    const dataset_id = await dummyDataset(db);
    const run_id = randomUUID();
    await insertRow(db, "walkforward_runs", { run_id, dataset_id, prediction_measurement: "dummy_run1" });
    const simulation = { run_id, dataset_id, questdb_namespace: "dummy_sim1" };
    await insertRow(db, "simulation_runs", simulation);
    await expect(insertRow(db, "simulation_runs", simulation)).rejects.toMatchObject({
      code: "23505",
      constraint: "simulation_runs_run_namespace_uq",
    });
    await insertRow(db, "simulation_runs", { run_id, dataset_id });
    await insertRow(db, "simulation_runs", { run_id, dataset_id });
  });
}

async function dummyDataset(db: Db): Promise<string> {
  const dataset_id = randomUUID();
  const measurements = { ohlcv_measurement: "dummy_ohlcv", indicator_measurement: "dummy_ind" };
  await upsert(db, { dataset_id, dataset_slug: `dummy_${dataset_id}`, ...measurements });
  return dataset_id;
}

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { catalogue } from "./catalogue.ts";
import { fixture, SQL_DIR } from "./fixture.ts";
import { FUNCTIONS, signatures } from "./names.ts";

const NAMES = [
  ...["stage1_datasets", "idx_stage1_datasets_measurements", "indicator_datasets_stage1_fk", "dataset_catalog"],
  ...["walkforward_runs_dataset_fk", "simulation_runs_dataset_fk"],
  ...["walkforward_runs_dataset_measurement_uq", "simulation_runs_run_namespace_uq"],
];

let database: TestDatabase;
let byTaskList: TestDatabase;
let lines: string[];
beforeAll(async () => {
  [database, byTaskList] = await Promise.all([createDatabase(), createDatabase("empty")]);
  await byTaskList.query(readFileSync(`${SQL_DIR}/migrations/0001_stage1_3_tables.sql`, "utf8"));
  await byTaskList.query(fixture("task-list.sql"));
  await byTaskList.query(fixture("task-list-catalog.sql"));
  lines = await catalogue(database);
});
afterAll(async () => {
  await Promise.all([database.drop(), byTaskList.drop()]);
});

test("every table, column, constraint and index that the task list's own SQL makes stands in the schema exactly so", async () => {
  const wanted = (await catalogue(byTaskList)).filter((line) => !line.startsWith("view ")); // its values are compared elsewhere
  for (const name of NAMES) expect(wanted.join("\n")).toContain(name);
  expect(lines).toEqual(expect.arrayContaining(wanted));
});

test("stage1_datasets and dataset_catalog hold no column beside the task list's", async () => {
  const columns = (of: string[]) =>
    of.filter((line) => /^(?:column|order of) (?:stage1_datasets|dataset_catalog)\b/.test(line));
  expect(columns(lines)).toEqual(columns(await catalogue(byTaskList)));
});

test("dataset_hierarchy holds the task list's columns in its order, the two statuses apart, and the simulation's own config", () => {
  expect(lines.filter((line) => line.startsWith("order of dataset_hierarchy"))).toEqual([
    "order of dataset_hierarchy: dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement, run_id, " +
      "prediction_measurement, serialized_config, simulation_id, questdb_namespace, status, run_status, simulation_status, " +
      "simulation_serialized_config",
  ]);
});

test("every foreign key is validated", () => {
  expect(lines.filter((line) => line.includes("NOT VALID"))).toEqual([]);
});

test("the functions have the task list's names, parameters, defaults and volatility, each once", async () => {
  expect(await signatures(database)).toEqual(FUNCTIONS);
});

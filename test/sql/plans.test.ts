import { parse } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Db } from "../../src/db/pool.ts";
import { insertLarge } from "../../src/domain/seed/insert-large.ts";
import { compile } from "../../src/graphql/executor.ts";
import { schema } from "../../src/graphql/schema.ts";
import { createDatabase, LIMITS, type TestDatabase } from "../harness.ts";
import { planOf, rowsOfTables, rowsRead } from "../plan.ts";

const TOTALS = { datasets: 4_000, runs: 16_000, simulations: 48_000 };
/** Of each dataset. */
const [RUNS, SIMULATIONS] = [TOTALS.runs / TOTALS.datasets, TOTALS.simulations / TOTALS.datasets];
const DATASET = "load_2000";
const RUN = `${DATASET}_run3`;
const SIMULATION = `${RUN}_sim3`;

let database: TestDatabase;
let ids: { dataset: string; run: string; simulation: string };
beforeAll(async () => {
  database = await createDatabase();
  await insertLarge(database, TOTALS);
  const [found] = await database.query<typeof ids>(
    "SELECT md5($1)::uuid AS dataset, md5($2)::uuid AS run, md5($3)::uuid AS simulation",
    [DATASET, RUN, SIMULATION],
  );
  if (found) ids = found;
});
afterAll(() => database.drop());

/** All rows that a statement reads, of any table. */
async function readBy(statement: string, values: readonly unknown[] = []): Promise<number> {
  const read = rowsOfTables(await planOf(database, statement, values));
  return Object.values(read).reduce((sum, rows) => sum + rows, 0);
}

/** The same of the one statement that the server sends for a query. */
async function readByQuery(query: string, variables: Record<string, unknown>): Promise<number> {
  const sent: { statement: string; values: readonly unknown[] }[] = [];
  const db: Db = {
    query(statement, values) {
      sent.push({ statement, values: values ?? [] });
      return database.query(statement, values);
    },
  };
  await compile(schema, parse(query), undefined, LIMITS)?.execute({ db }, variables);
  expect(sent).toHaveLength(1);
  return readBy(sent[0]?.statement ?? "", sent[0]?.values);
}

const CONDITIONS = [
  ["run_id", "runId", () => ids.run, 3],
  ["prediction_measurement", "predictionMeasurement", () => RUN, 3],
  ["simulation_id", "simulationId", () => ids.simulation, 1],
  ["questdb_namespace", "questdbNamespace", () => SIMULATION, 1],
  ["dataset_id", "datasetId", () => ids.dataset, SIMULATIONS],
] as const;

/**
 * What leads to a row may be read too: its run and its dataset, and the row once more where it is looked at from both
 * sides. Far less than the database in any case.
 */
const around = (rows: number): number => 3 * rows + 2 * RUNS + 10;

const PAGE = "ORDER BY dataset_slug, run_id, simulation_id";

test.each<[string, string[]]>([
  ["where every simulation has a run, and every run a dataset", []],
  [
    "where some have lost theirs",
    [
      `UPDATE walkforward_runs SET dataset_id = NULL
       WHERE prediction_measurement IN ('load_1_run1', '${DATASET}_run1')`,
      `UPDATE simulation_runs SET run_id = NULL
       WHERE questdb_namespace IN ('load_1_run2_sim1', '${DATASET}_run2_sim1')`,
      "VACUUM (ANALYZE) walkforward_runs, simulation_runs",
    ],
  ],
])("dataset_hierarchy reads what meets a condition, and for a page what is on it, %s", async (_, changes) => {
  // Each by itself: VACUUM cannot stand in a transaction with others.
  for (const statement of changes) await database.query(statement);
  for (const [column, field, value, rows] of CONDITIONS) {
    const statement = `SELECT * FROM dataset_hierarchy WHERE ${column} = $1`;
    expect(await database.query(statement, [value()]), column).toHaveLength(rows);
    expect(await readBy(statement, [value()]), column).toBeLessThanOrEqual(around(rows));
    const query = `query ($filter: HierarchyFilter) {
      datasetHierarchy(filter: $filter) { totalCount nodes { datasetSlug runId simulationId status } } }`;
    // The page and the count each.
    expect(await readByQuery(query, { filter: { [field]: value() } }), field).toBeLessThanOrEqual(2 * around(rows));
  }
  expect(await readBy(`SELECT * FROM dataset_hierarchy WHERE dataset_slug = '${DATASET}'`)).toBeLessThanOrEqual(
    around(SIMULATIONS),
  );

  // A page holds the leaves of one dataset or two, and the last of them is read to its end.
  const page = 4 * around(SIMULATIONS);
  expect(await readBy(`SELECT * FROM dataset_hierarchy ${PAGE} LIMIT 50`)).toBeLessThanOrEqual(page);
  expect(
    await readBy(`SELECT * FROM dataset_hierarchy WHERE dataset_slug >= '${DATASET}' ${PAGE} LIMIT 50`),
  ).toBeLessThanOrEqual(page);
  const pages = `query ($last: Int, $filter: HierarchyFilter) {
    datasetHierarchy(last: $last, filter: $filter) { nodes { datasetSlug questdbNamespace } } }`;
  expect(await readByQuery(pages, {})).toBeLessThanOrEqual(page);
  expect(await readByQuery(pages, { last: 50 })).toBeLessThanOrEqual(page);
  expect(await readByQuery(pages, { filter: { search: "LOAD_" } })).toBeLessThanOrEqual(page);
});

test("the last page of fn_list_datasets counts only the runs and simulations of its own 50", async () => {
  const [pages, size] = [TOTALS.datasets / 50, 50];
  const last = `SELECT * FROM fn_list_datasets(${size}, ${(pages - 1) * size})`;
  expect(await database.query(last)).toHaveLength(size);
  const read = rowsOfTables(await planOf(database, last));
  expect(read["walkforward_runs"]).toBeLessThanOrEqual(size * RUNS);
  expect(read["simulation_runs"]).toBeLessThanOrEqual(size * SIMULATIONS);
});

test.each([
  ["fn_list_runs", TOTALS.runs],
  ["fn_list_simulations", TOTALS.simulations],
])("the last page of %s joins nothing to the rows before it", async (list, all) => {
  const nodes = await planOf(database, `SELECT * FROM ${list}(NULL, 50, ${all - 50})`);
  const joined = nodes.filter((node) => /Join|Nested Loop/.test(node["Node Type"])).map(rowsRead);
  expect(joined).toEqual([50, 50]);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 12, runs: 4, simulations: 2 });
  await database.query(`
    INSERT INTO stage1_datasets (dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement)
    VALUES (gen_random_uuid(), 'Grüße_100%', 'ÄUSD', '4h', 'chronosflow', 'a_b', 'back\\slash')`);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

async function slugs(filter: Record<string, unknown>): Promise<string[]> {
  const { datasets } = await server.data<{ datasets: { totalCount: number; nodes: { datasetSlug: string }[] } }>(
    `query ($filter: DatasetFilter) { datasets(filter: $filter, orderBy: { field: CREATED_AT, direction: ASC }) {
       totalCount nodes { datasetSlug } } }`,
    { filter },
  );
  expect(datasets.totalCount).toBe(datasets.nodes.length);
  return datasets.nodes.map((node) => node.datasetSlug).sort();
}

test("a search looks into slug, symbol and both measurements, in any case, and takes its signs literally", async () => {
  expect(await slugs({ search: "D1" })).toEqual(["d1", "d10", "d11", "d12"]);
  expect(await slugs({ search: "d11_OHLCV" })).toEqual(["d11"]);
  expect(await slugs({ search: "sym2" })).toEqual(["d11", "d2", "d5", "d8"]);
  expect(await slugs({ search: "äusd" })).toEqual(["Grüße_100%"]);
  expect(await slugs({ search: "%" })).toEqual(["Grüße_100%"]);
  expect(await slugs({ search: "\\" })).toEqual(["Grüße_100%"]);
  expect(await slugs({ search: "a_b" })).toEqual(["Grüße_100%"]);
  expect(await slugs({ search: "d1 d1" })).toEqual([]);
  expect(await slugs({ search: "" })).toHaveLength(13);
  expect(await slugs({ search: null })).toHaveLength(13);
});

test("the statement of a search can be served by the trigram index", async () => {
  server.statements();
  await slugs({ search: "ohlcv" });
  const [statement = ""] = server.statements().filter((text) => text.includes("LIMIT"));
  const client = await openClient(database.url);
  // With twelve rows any plan is as good: leave the planner only this one, if it has it.
  await client.query("SET enable_seqscan = off; SET enable_indexscan = off");
  const values = new Set(statement.match(/\$\d+/g)).size; // the page's, and those of its counts
  const { rows } = await client.query(`EXPLAIN ${statement}`, Array(values).fill("%ohlcv%"));
  await client.end();
  expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).toMatch(/Bitmap Index Scan on idx_stage1_datasets_search/);
});

test("the other filters of datasets, alone and together", async () => {
  expect(await slugs({ symbol: "SYM1", isComplete: false })).toEqual(["d4"]);
  expect(await slugs({ symbol: "sym1" })).toEqual([]);
  expect(await slugs({ granularity: "4h" })).toEqual(["Grüße_100%"]);
  expect(await slugs({ source: "chronosflow" })).toEqual(["Grüße_100%"]);
  expect(await slugs({ isComplete: true, search: "d" })).toHaveLength(10);
  expect(await slugs({ updatedAfter: "2025-01-01T00:00:00.000003Z", updatedBefore: "2025-01-02T00:00:00Z" })).toEqual([
    "d12",
  ]);
  expect(await slugs({ updatedBefore: "2025-01-01T00:00:00.000001Z" })).toEqual(["d1", "d2"]);
});

test("runs and simulations are filtered at the root and below a parent alike", async () => {
  const { root, dataset } = await server.data<{ root: unknown; dataset: { runs: unknown } }>(
    `query ($id: UUID!) {
       root: runs(filter: { datasetId: $id, search: "RUN1", targetColumn: "Close", createdAfter: "2025-01-31T00:00:00Z" }) {
         totalCount nodes { predictionMeasurement } }
       dataset(by: { datasetSlug: "d3" }) { datasetId runs(filter: { search: "RUN1", targetColumn: "Close" }) {
         totalCount nodes { predictionMeasurement } } } }`,
    { id: (await database.query<{ id: string }>("SELECT md5('d3')::uuid AS id"))[0]?.id },
  );
  expect(root).toEqual({ totalCount: 1, nodes: [{ predictionMeasurement: "d3_run1" }] });
  expect(dataset.runs).toEqual(root);
});

test("a simulation is found by its run, its dataset, its status and its time", async () => {
  const { run } = await server.data<{ run: { runId: string; dataset: { datasetId: string } } }>(
    `query ($id: UUID!) { run(by: { measurement: { datasetId: $id, predictionMeasurement: "d2_run3" } }) { runId dataset { datasetId } } }`,
    { id: (await database.query<{ id: string }>("SELECT md5('d2')::uuid AS id"))[0]?.id },
  );
  const { simulations } = await server.data<{ simulations: { nodes: { questdbNamespace: string }[] } }>(
    `query ($filter: SimulationFilter) { simulations(filter: $filter) { nodes { questdbNamespace } } }`,
    {
      filter: {
        runId: run.runId,
        datasetId: run.dataset.datasetId,
        status: ["COMPLETED"],
        mode: ["DUAL"],
        createdAfter: "2025-03-01T00:00:00Z",
      },
    },
  );
  expect(simulations.nodes).toEqual([{ questdbNamespace: "d2_run3_sim2" }]);
});

test("rows of the flat view are filtered by dataset, run, simulation, tables, status and any name in them", async () => {
  const rows = async (filter: Record<string, unknown>) => {
    const { datasetHierarchy } = await server.data<{ datasetHierarchy: { totalCount: number; nodes: unknown[] } }>(
      "query ($filter: HierarchyFilter) { datasetHierarchy(filter: $filter, first: 1000) { totalCount nodes { datasetSlug } } }",
      { filter },
    );
    expect(datasetHierarchy.nodes).toHaveLength(datasetHierarchy.totalCount);
    return datasetHierarchy.totalCount;
  };
  const [ids] = await database.query(
    "SELECT md5('d3')::uuid AS dataset, md5('d3_run2')::uuid AS run, md5('d3_run2_sim1')::uuid AS simulation",
  );
  expect(await rows({})).toBe(12 * 4 * 2 + 1);
  expect(await rows({ datasetId: ids?.["dataset"] })).toBe(8);
  expect(await rows({ runId: ids?.["run"] })).toBe(2);
  expect(await rows({ runId: ids?.["run"], status: ["FAILED"] })).toBe(0);
  expect(await rows({ simulationId: ids?.["simulation"] })).toBe(1);
  expect(await rows({ predictionMeasurement: "d3_run2" })).toBe(2);
  expect(await rows({ predictionMeasurement: "d3_run" })).toBe(0);
  expect(await rows({ questdbNamespace: "d3_run2_sim1", datasetId: ids?.["dataset"] })).toBe(1);
  expect(await rows({ status: ["COMPLETED"] })).toBe(96);
  expect(await rows({ search: "D3_RUN2_SIM1" })).toBe(1);
  expect(await rows({ search: "a_b" })).toBe(1);
});

test("both ends of a time are exclusive, for runs and simulations too", async () => {
  const { runs, simulations } = await server.data<Record<string, { totalCount: number }>>(`{
    runs(filter: { createdAfter: "2025-02-01T00:00:00Z", createdBefore: "2025-02-01T00:00:00.000002Z" }) { totalCount }
    simulations(filter: { createdAfter: "2025-02-01T00:00:00Z", createdBefore: "2025-03-01T00:00:01Z" }) { totalCount }
  }`);
  expect(runs?.totalCount).toBe(24); // of runs 1 to 4 of each dataset, two share the first microsecond after
  expect(simulations?.totalCount).toBe(48);
});

test("one name in several roles is found in each", async () => {
  await database.query(
    "UPDATE stage1_datasets SET ohlcv_measurement = 'shared', indicator_measurement = 'shared' WHERE dataset_slug = 'd5'",
  );
  await database.query(
    "UPDATE walkforward_runs SET prediction_measurement = 'shared' WHERE prediction_measurement = 'd6_run1'",
  );
  const { measurement } = await server.data<{ measurement: unknown }>(
    '{ measurement(name: "shared") { role dataset { datasetSlug } run { status } } }',
  );
  expect(measurement).toEqual([
    { role: "OHLCV", dataset: { datasetSlug: "d5" }, run: null },
    { role: "INDICATOR", dataset: { datasetSlug: "d5" }, run: null },
    { role: "PREDICTION", dataset: { datasetSlug: "d6" }, run: { status: "COMPLETED" } },
  ]);
});

test("a search reads little of its index, also after many writes", async () => {
  // Last in this file: the writes set the time of writing.
  await database.query("VACUUM stage1_datasets");
  for (let i = 0; i < 100; i += 1) await database.query("UPDATE stage1_datasets SET updated_at = updated_at");
  const client = await openClient(database.url);
  await client.query("SET enable_seqscan = off; SET enable_indexscan = off");
  const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: { Plans: [Record<string, unknown>] } }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT FROM stage1_datasets
     WHERE stage1_dataset_search_text(dataset_slug, symbol, ohlcv_measurement, indicator_measurement) ILIKE '%d11%'`,
  );
  await client.end();
  const scan = rows[0]?.["QUERY PLAN"][0].Plan.Plans[0] ?? {};
  expect(scan["Index Name"]).toBe("idx_stage1_datasets_search");
  // 1,300 new versions of rows: it would be over 50 with the list that PostgreSQL keeps beside the index by default.
  expect(Number(scan["Shared Hit Blocks"]) + Number(scan["Shared Read Blocks"])).toBeLessThan(30);
});

import { readFileSync } from "node:fs";
import { parse } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

// What the desktop's windows send, as it stands: one document, each operation chosen by its name.
const document = readFileSync(new URL("client-queries.graphql", import.meta.url), "utf8");

let database: TestDatabase;
let server: TestServer;
const ids = { dataset: "", run: "" };
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 60, runs: 3, simulations: 2 });
  const [row] = await database.query<typeof ids>("SELECT md5('d1')::uuid AS dataset, md5('d1_run2')::uuid AS run");
  Object.assign(ids, row);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const send = <Data>(operation: string, variables: Record<string, unknown> = {}) =>
  server.data<Data>(document, variables, operation);

test("every operation of the document is tried below", () => {
  const names = parse(document).definitions.map((definition) =>
    "name" in definition ? definition.name?.value : undefined,
  );
  expect(names).toEqual([
    "ServerWindowDatasets",
    "ServerWindowRuns",
    "ServerWindowRunDetail",
    "LineageTree",
    "DatasetManagerPage",
    "DatasetManagerUpsert",
    "WhoseTable",
  ]);
});

test("ServerWindowDatasets: a table of up to 100 datasets", async () => {
  const { datasets } = await send<{ datasets: { totalCount: number; nodes: unknown[] } }>("ServerWindowDatasets");
  expect(datasets.totalCount).toBe(60);
  expect(datasets.nodes).toHaveLength(60);
  expect(datasets.nodes).toContainEqual({
    datasetId: ids.dataset,
    datasetSlug: "d1",
    symbol: "SYM1",
    ohlcvMeasurement: "d1_ohlcv",
    indicatorMeasurement: "d1_ind",
    ohlcvRowCount: 0,
    indicatorRowCount: 0,
    runCount: 3,
    simulationCount: 6,
    updatedAt: "2025-01-01T00:00:00Z",
  });
});

test("ServerWindowRuns: the runs of the selected dataset", async () => {
  const { dataset } = await send<{ dataset: { datasetSlug: string; runs: { totalCount: number; nodes: unknown[] } } }>(
    "ServerWindowRuns",
    { datasetId: ids.dataset },
  );
  expect(dataset).toMatchObject({ datasetSlug: "d1", runs: { totalCount: 3 } });
  expect(dataset.runs.nodes).toContainEqual({
    runId: ids.run,
    predictionMeasurement: "d1_run2",
    status: "RUNNING",
    startedAt: "2025-02-01T00:00:00Z",
    completedAt: null,
    simulationCount: 2,
  });
});

test("ServerWindowRunDetail: everything to load a run back", async () => {
  const { run } = await send<{ run: Record<string, unknown> }>("ServerWindowRunDetail", { runId: ids.run });
  expect(run).toMatchObject({
    runId: ids.run,
    targetColumn: "Close",
    featureColumns: ["hma_55"],
    hyperparameters: {},
    summaryMetrics: {},
    serializedConfig: null,
    durationMs: null,
    dataset: { datasetSlug: "d1", ohlcvMeasurement: "d1_ohlcv" },
    foldCount: 2,
  });
  expect(run["folds"]).toMatchObject([
    {
      foldNumber: 1,
      trainEndIdx: 100,
      samplesTest: 20,
      bestIteration: 7,
      bestScore: 0.5,
      thresholds: { long: 0.63 },
      metrics: {},
    },
    { foldNumber: 2 },
  ]);
});

test("LineageTree: a dataset, its runs, their simulations with buckets", async () => {
  const { dataset } = await send<{
    dataset: { runs: { nodes: { predictionMeasurement: string; simulations: unknown }[] } };
  }>("LineageTree", {
    datasetSlug: "d1",
    simulations: 1,
  });
  expect(dataset).toMatchObject({
    isComplete: true,
    runCount: 3,
    simulationCount: 6,
    runs: { pageInfo: { hasNextPage: false } },
  });
  expect(dataset.runs.nodes.find((run) => run.predictionMeasurement === "d1_run2")?.simulations).toMatchObject({
    pageInfo: { hasNextPage: true },
    nodes: [
      {
        questdbNamespace: "d1_run2_sim2",
        mode: "DUAL",
        status: "COMPLETED",
        buckets: [
          { side: "ALL", tradeCount: 2, winCount: 1, profitFactor: 1.5 },
          { side: "LONG", tradeCount: 2, winCount: 1, profitFactor: 1.5 },
        ],
      },
    ],
  });
});

test("DatasetManagerPage: forwards by cursor, by page number, and with a search", async () => {
  interface Page {
    datasets: {
      totalCount: number;
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string };
      nodes: { datasetSlug: string }[];
    };
  }
  const first = await send<Page>("DatasetManagerPage");
  expect(first.datasets.nodes).toHaveLength(50);
  expect(first.datasets.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  const second = await send<Page>("DatasetManagerPage", { after: first.datasets.pageInfo.endCursor });
  expect(second.datasets.nodes).toHaveLength(10);
  expect(second.datasets.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  expect((await send<Page>("DatasetManagerPage", { offset: 50 })).datasets.nodes).toEqual(second.datasets.nodes);
  const found = await send<Page>("DatasetManagerPage", { search: "D12" });
  expect(found.datasets).toMatchObject({ totalCount: 1, nodes: [{ datasetSlug: "d12" }] });
});

test("DatasetManagerUpsert: after an export", async () => {
  const { upsertDataset } = await send<{ upsertDataset: unknown }>("DatasetManagerUpsert", {
    input: { datasetId: ids.dataset, datasetSlug: "d1", ohlcvMeasurement: "d1_ohlcv", indicatorMeasurement: "d1_ind" },
  });
  expect(upsertDataset).toEqual({
    dataset: { datasetId: ids.dataset, datasetSlug: "d1", isComplete: true, updatedAt: expect.stringMatching(/Z$/) },
    userErrors: [],
  });
});

test("WhoseTable: from a table's name up the lineage", async () => {
  expect(await send("WhoseTable", { name: "d1_run2_sim1" })).toMatchObject({
    measurement: [
      {
        role: "SIMULATION",
        dataset: { datasetSlug: "d1" },
        run: { predictionMeasurement: "d1_run2" },
        simulation: { questdbNamespace: "d1_run2_sim1" },
      },
    ],
  });
});

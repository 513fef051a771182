import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";

// Rows as they are found in the field: none may hide, nor take its neighbours along.
let database: TestDatabase;
let server: TestServer;
const DATASET = "11111111-2222-3333-4444-555555555555";
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await database.query(`
    INSERT INTO stage1_datasets VALUES
      ('${DATASET}', 'odd', '', 'UNKNOWN', '', '', 'odd_ind', NULL, 9223372036854775807,
       '57216-05-12', 'infinity', '1970-01-20 10:00:00', NULL, '["not", "an object"]', '-infinity', '0044-03-15 BC');
    INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement, metadata)
    VALUES (gen_random_uuid(), 'no_metadata', '', '', NULL), (gen_random_uuid(), 'text_metadata', '', '', '"{\\"a\\": 1}"');
    INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters,
                                  walk_config, status, summary_metrics, serialized_config)
    VALUES ('00000000-0000-0000-0000-00000000000a', '${DATASET}', 'run_a', 'Close', '"[\\"hma_55\\", \\"rsi_14\\"]"', '{"eta": 1e400}', '7',
            'completed', NULL, E'; -- ''x''\\n\\t"é"\\r\\n'),
           ('00000000-0000-0000-0000-00000000000b', '${DATASET}', 'run_b', 'Close', '["a", 1, null]', '"text"', 'null', 'Done', '[]', ''),
           ('00000000-0000-0000-0000-00000000000c', NULL, 'run_c', 'Close', '"plain"', '{}', '{}', '', '{}', NULL);
    INSERT INTO walkforward_folds
    SELECT '00000000-0000-0000-0000-00000000000a', f, 0, 3000000000, 1, 2, 3, 4, NULL, 'NaN', '{}', '{}' FROM generate_series(1, 312) AS f;
    INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config, status)
    VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-00000000000a', '${DATASET}', 'run_a', 'trading_sim_traces', 'Dual', '{}', ' failed '),
           ('00000000-0000-0000-0000-0000000000b1', NULL, '${DATASET}', 'run_b', 'trading_sim_traces', 'both', '{}', 'FAILED'),
           ('00000000-0000-0000-0000-0000000000c1', NULL, NULL, 'run_c', NULL, '', '{}', 'incomplete ');
    INSERT INTO simulation_trades (trade_id, simulation_id, bar_timestamp, side, size, entry_price, exit_price, pnl, metadata)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-0000000000a1', '2025-01-01', 'long', 'NaN', 'Infinity', '-Infinity', NULL, '{}');
    INSERT INTO simulation_trade_buckets VALUES ('00000000-0000-0000-0000-0000000000a1', 'all', 1, 1, 'Infinity', 'NaN', 0, NULL);
    INSERT INTO simulation_trade_buckets (simulation_id, side, trade_count, win_count)
    SELECT '00000000-0000-0000-0000-0000000000b1', side, n, 0
    FROM unnest(ARRAY['SHORT', 'dual', 'flat', ' Long', 'Both', 'short']) WITH ORDINALITY AS b (side, n)`);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test("a dataset's odd values come as null, as the nearest number, or as what they are", async () => {
  const { dataset } = await server.data<{ dataset: Record<string, unknown> }>(
    `{ dataset(by: { datasetSlug: "odd" }) { datasetId symbol granularity source ohlcvMeasurement isComplete ohlcvRowCount
       indicatorRowCount ohlcvFirstTs ohlcvLastTs indicatorFirstTs metadata createdAt updatedAt } }`,
  );
  expect(dataset).toEqual({
    datasetId: DATASET,
    symbol: null,
    granularity: "UNKNOWN",
    source: null,
    ohlcvMeasurement: null,
    isComplete: false,
    ohlcvRowCount: 0,
    indicatorRowCount: 2 ** 63,
    ohlcvFirstTs: "+057216-05-12T00:00:00Z",
    ohlcvLastTs: "infinity",
    indicatorFirstTs: "1970-01-20T10:00:00Z",
    metadata: { value: ["not", "an object"] },
    createdAt: "-infinity",
    updatedAt: "-000043-03-15T00:00:00Z",
  });
  const { datasets } = await server.data<{ datasets: unknown }>(
    '{ datasets(filter: { search: "metadata" }, orderBy: { field: DATASET_SLUG, direction: ASC }) { nodes { datasetSlug metadata } } }',
  );
  expect(datasets).toEqual({
    nodes: [
      { datasetSlug: "no_metadata", metadata: {} },
      { datasetSlug: "text_metadata", metadata: { a: 1 } },
    ],
  });
});

test("a run's odd values, with all of its 312 folds", async () => {
  const { runs } = await server.data<{ runs: { nodes: Record<string, unknown>[] } }>(
    `{ runs(orderBy: { field: CREATED_AT, direction: ASC }) { nodes { predictionMeasurement featureColumns hyperparameters walkConfig
       summaryMetrics status serializedConfig dataset { datasetSlug } foldCount folds { foldNumber trainEndIdx bestScore } } } }`,
  );
  const [a, b, c] = runs.nodes;
  expect(a).toMatchObject({
    featureColumns: ["hma_55", "rsi_14"],
    hyperparameters: { eta: null },
    walkConfig: { value: 7 },
    summaryMetrics: {},
    status: "COMPLETED",
    serializedConfig: "; -- 'x'\n\t\"é\"\r\n",
    dataset: { datasetSlug: "odd" },
    foldCount: 312,
  });
  expect(a?.["folds"]).toEqual(
    Array.from({ length: 312 }, (_, i) => ({ foldNumber: i + 1, trainEndIdx: 3e9, bestScore: null })),
  );
  expect(b).toMatchObject({
    featureColumns: ["a", "1", "null"],
    hyperparameters: { value: "text" },
    walkConfig: {},
    summaryMetrics: { value: [] },
    status: "UNKNOWN",
    serializedConfig: "",
    folds: [],
  });
  expect(c).toMatchObject({ featureColumns: ["plain"], status: "UNKNOWN", dataset: null, foldCount: 0 });
});

test("a simulation's odd values, with numbers that are not finite as null", async () => {
  const { simulations } = await server.data<{ simulations: { nodes: Record<string, unknown>[] } }>(
    `{ simulations(orderBy: { field: CREATED_AT, direction: ASC }) { nodes { simulationId mode status questdbNamespace run { runId }
       dataset { datasetSlug } summaryMetrics trades { nodes { side size entryPrice exitPrice pnl } }
       buckets { side profitFactor avgReturnPct maxDrawdownPct } } } }`,
  );
  expect(simulations.nodes).toEqual([
    {
      simulationId: "00000000-0000-0000-0000-0000000000a1",
      mode: "DUAL",
      status: "FAILED",
      questdbNamespace: "trading_sim_traces",
      run: { runId: "00000000-0000-0000-0000-00000000000a" },
      dataset: { datasetSlug: "odd" },
      summaryMetrics: {},
      trades: { nodes: [{ side: "LONG", size: null, entryPrice: null, exitPrice: null, pnl: null }] },
      buckets: [{ side: "ALL", profitFactor: null, avgReturnPct: null, maxDrawdownPct: 0 }],
    },
    expect.objectContaining({ mode: "UNKNOWN", status: "FAILED", run: null, dataset: { datasetSlug: "odd" } }),
    expect.objectContaining({
      mode: "UNKNOWN",
      status: "INCOMPLETE",
      run: null,
      dataset: null,
      questdbNamespace: null,
    }),
  ]);
});

test("buckets come with both sides first, whatever their words, by the loader and in one statement", async () => {
  const query = "{ simulationId buckets { side tradeCount } }";
  const { simulations, node } = await server.data<Record<string, unknown>>(
    `{ simulations(filter: { mode: [UNKNOWN], status: [FAILED] }) { nodes ${query} }
       node(id: "${Buffer.from("Simulation:00000000-0000-0000-0000-0000000000b1").toString("base64url")}") {
         ... on Simulation ${query} } }`,
  );
  const found = {
    simulationId: "00000000-0000-0000-0000-0000000000b1",
    buckets: [
      { side: "ALL", tradeCount: 5 },
      { side: "ALL", tradeCount: 2 },
      { side: "LONG", tradeCount: 4 },
      { side: "SHORT", tradeCount: 1 },
      { side: "SHORT", tradeCount: 6 },
      { side: "UNKNOWN", tradeCount: 3 },
    ],
  };
  expect({ simulations, node }).toEqual({ simulations: { nodes: [found] }, node: found });
});

test("status and mode are filtered by what they mean, UNKNOWN included", async () => {
  const count = async (field: string, filter: string) => {
    const data = await server.data<Record<string, { totalCount: number }>>(
      `{ ${field}(filter: { ${filter} }) { totalCount } }`,
    );
    return data[field]?.totalCount;
  };
  expect(await count("runs", "status: [COMPLETED]")).toBe(1);
  expect(await count("runs", "status: [UNKNOWN]")).toBe(2);
  expect(await count("runs", "status: [COMPLETED, UNKNOWN]")).toBe(3);
  expect(await count("runs", "status: []")).toBe(0);
  expect(await count("simulations", "mode: [DUAL]")).toBe(1);
  expect(await count("simulations", "status: [FAILED], mode: [UNKNOWN]")).toBe(1);
});

test("the flat view has one row a leaf, also for a simulation without a run and a dataset without either", async () => {
  const { datasetHierarchy } = await server.data<{ datasetHierarchy: { totalCount: number; nodes: unknown[] } }>(
    "{ datasetHierarchy { totalCount nodes { datasetSlug predictionMeasurement questdbNamespace status runStatus simulationStatus } } }",
  );
  expect(datasetHierarchy.totalCount).toBe(5);
  const row = (datasetSlug: string, rest: object) => ({
    datasetSlug,
    predictionMeasurement: null,
    questdbNamespace: null,
    status: null,
    runStatus: null,
    simulationStatus: null,
    ...rest,
  });
  expect(datasetHierarchy.nodes).toEqual([
    row("no_metadata", {}),
    row("odd", { questdbNamespace: "trading_sim_traces", status: "FAILED", simulationStatus: "FAILED" }),
    row("odd", {
      predictionMeasurement: "run_a",
      questdbNamespace: "trading_sim_traces",
      status: "FAILED",
      runStatus: "COMPLETED",
      simulationStatus: "FAILED",
    }),
    row("odd", { predictionMeasurement: "run_b", status: "UNKNOWN", runStatus: "UNKNOWN" }),
    row("text_metadata", {}),
  ]);
});

test("a QuestDB table leads to everything that uses it, each in its role; an empty name to nothing", async () => {
  const uses = async (name: string) =>
    (
      await server.data<{ measurement: { role: string }[] }>(
        `query ($name: String!) { measurement(name: $name) { role dataset { datasetSlug } run { predictionMeasurement } simulation { mode } } }`,
        { name },
      )
    ).measurement;
  expect(await uses("odd_ind")).toEqual([
    { role: "INDICATOR", dataset: { datasetSlug: "odd" }, run: null, simulation: null },
  ]);
  expect(await uses("run_c")).toEqual([
    { role: "PREDICTION", dataset: null, run: { predictionMeasurement: "run_c" }, simulation: null },
  ]);
  expect((await uses("trading_sim_traces")).map((use) => use.role)).toEqual(["SIMULATION", "SIMULATION"]);
  expect(await uses("")).toEqual([]);
});

test("a table that more than 1000 simulations share is refused with another way to find them", async () => {
  await database.query(
    `INSERT INTO simulation_runs (dataset_id, input_run_measurement, questdb_namespace, mode, config, status)
     SELECT '${DATASET}', 'x', 'shared_by_many', 'long', '{}', 'COMPLETED' FROM generate_series(1, 1001)`,
  );
  const { errors } = await server.send('{ measurement(name: "shared_by_many") { role } }');
  expect(errors?.[0]).toMatchObject({
    message: expect.stringMatching(/shared_by_many.*simulations/),
    extensions: { code: "QUERY_TOO_EXPENSIVE" },
  });
});

test("JSON that is nested too deeply to be written again hides itself, not its neighbours", async () => {
  await database.query(
    "UPDATE simulation_runs SET config = (repeat('{\"a\":', 4000) || '1' || repeat('}', 4000))::jsonb WHERE questdb_namespace IS NULL",
  );
  const { simulations } = await server.data<{ simulations: { nodes: { config: unknown }[] } }>(
    "{ simulations(filter: { status: [INCOMPLETE] }) { nodes { config } } }",
  );
  expect(simulations.nodes).toEqual([{ config: { value: null } }]);
});

test("a database that writes its dates in another style answers the same", async () => {
  await database.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET datestyle = 'German'`);
  const other = await startServer(database);
  const query = "{ datasets(first: 1) { nodes { createdAt updatedAt } pageInfo { endCursor } } }";
  expect(await other.data(query)).toEqual(await server.data(query));
  await other.close();
});

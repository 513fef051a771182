import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 23, runs: 17, simulations: 2 });
  // The lists of all runs and of all rows below datasets are long enough without those of most datasets.
  await database.query(`
    DELETE FROM walkforward_runs r USING stage1_datasets d
    WHERE r.dataset_id = d.dataset_id AND dataset_slug NOT IN ('d1', 'd2', 'd3');
    DELETE FROM simulation_runs WHERE run_id IS NULL`);
  // A field of each kind that a sort may stumble over: no value, infinite, before our era, with microseconds, not ASCII.
  await database.query(`
    UPDATE walkforward_runs SET started_at = 'infinity' WHERE prediction_measurement = 'd1_run1';
    UPDATE walkforward_runs SET started_at = '0044-03-15 BC' WHERE prediction_measurement = 'd1_run2';
    UPDATE walkforward_runs SET started_at = '57216-05-12 01:02:03.000001' WHERE prediction_measurement = 'd1_run3';
    INSERT INTO simulation_trades (simulation_id, bar_timestamp, side, size, entry_price, metadata)
    SELECT md5('d1_run1_sim1')::uuid, '2025-03-01'::timestamptz + (t / 2) * interval '1 hour', 'short', 1, 1, '{}'
    FROM generate_series(1, 9) AS t;
    INSERT INTO stage1_datasets (dataset_id, dataset_slug, symbol, ohlcv_measurement, indicator_measurement)
    VALUES (gen_random_uuid(), 'Größe"%_\\', '漢字', '', ''), (gen_random_uuid(), 'ÄRGER', '', '', '')`);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

interface Page {
  nodes: { id: string }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}
interface Arguments {
  first?: number;
  after?: string | null;
  last?: number;
  before?: string | null;
  orderBy?: { field: string; direction: string };
  offset?: number;
}
type ReadPage = (args: Arguments) => Promise<Page>;

const PAGE = "nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
const VARIABLES = "$first: Int, $after: String, $last: Int, $before: String";
const ARGUMENTS = "first: $first, after: $after, last: $last, before: $before";

const md5Uuid = (name: string) =>
  createHash("md5")
    .update(name)
    .digest("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

const insertRun = (dataset: string) =>
  database.query(
    `INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters,
                                   walk_config, status, started_at, created_at)
     SELECT id, $1, id, 'Close', '[]', '{}', '{}', 'COMPLETED', '2025-02-01', '2025-02-01'
     FROM (SELECT gen_random_uuid() AS id) AS new`,
    [md5Uuid(dataset)],
  );

const insertSimulation = () =>
  database.query(`
    INSERT INTO simulation_runs (run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config, status, created_at)
    VALUES (md5('d1_run1')::uuid, md5('d1')::uuid, 'd1_run1', gen_random_uuid(), 'long', '{}', 'COMPLETED', '2025-03-01')`);

const lists: { name: string; fields: string[]; read: ReadPage; insert(): Promise<unknown> }[] = [
  {
    name: "datasets",
    fields: ["UPDATED_AT", "CREATED_AT", "DATASET_SLUG", "SYMBOL"],
    read: async (args) =>
      (
        await server.data<{ datasets: Page }>(
          `query (${VARIABLES}, $orderBy: DatasetOrder, $offset: Int) {
             datasets(${ARGUMENTS}, orderBy: $orderBy, offset: $offset) { ${PAGE} } }`,
          { ...args },
        )
      ).datasets,
    insert: () =>
      database.query(`
        INSERT INTO stage1_datasets (dataset_id, dataset_slug, symbol, ohlcv_measurement, indicator_measurement, created_at, updated_at)
        SELECT id, id, 'SYM1', '', '', '2025-01-01', '2025-01-01' FROM (SELECT gen_random_uuid() AS id) AS new`),
  },
  {
    name: "runs of a dataset",
    fields: ["CREATED_AT", "STARTED_AT", "COMPLETED_AT", "STATUS"],
    read: async (args) =>
      (
        await server.data<{ dataset: { runs: Page } }>(
          `query (${VARIABLES}, $orderBy: RunOrder) {
             dataset(by: { datasetSlug: "d1" }) { runs(${ARGUMENTS}, orderBy: $orderBy) { ${PAGE} } } }`,
          { ...args },
        )
      ).dataset.runs,
    insert: () => insertRun("d1"),
  },
  {
    name: "all runs",
    fields: ["CREATED_AT", "STARTED_AT", "STATUS"],
    read: async (args) =>
      (
        await server.data<{ runs: Page }>(
          `query (${VARIABLES}, $orderBy: RunOrder) { runs(${ARGUMENTS}, orderBy: $orderBy) { ${PAGE} } }`,
          { ...args },
        )
      ).runs,
    insert: () => insertRun("d2"),
  },
  {
    name: "simulations of a dataset",
    fields: ["CREATED_AT", "STARTED_AT", "COMPLETED_AT", "STATUS"],
    read: async (args) =>
      (
        await server.data<{ dataset: { simulations: Page } }>(
          `query (${VARIABLES}, $orderBy: SimulationOrder) {
             dataset(by: { datasetSlug: "d1" }) { simulations(${ARGUMENTS}, orderBy: $orderBy) { ${PAGE} } } }`,
          { ...args },
        )
      ).dataset.simulations,
    insert: insertSimulation,
  },
  {
    name: "simulations of a run",
    fields: ["CREATED_AT"],
    read: async (args) =>
      (
        await server.data<{ run: { simulations: Page } }>(
          `query (${VARIABLES}, $orderBy: SimulationOrder, $run: UUID!) {
             run(by: { runId: $run }) { simulations(${ARGUMENTS}, orderBy: $orderBy) { ${PAGE} } } }`,
          { ...args, run: md5Uuid("d1_run1") },
        )
      ).run.simulations,
    insert: insertSimulation,
  },
  {
    name: "trades of a simulation",
    fields: ["(always by bar)"],
    read: async (args) =>
      (
        await server.data<{ simulation: { trades: Page } }>(
          `query (${VARIABLES}, $simulation: UUID!) {
             simulation(simulationId: $simulation) { trades(${ARGUMENTS}) { ${PAGE.replace("{ id }", "{ id: tradeId }")} } } }`,
          { ...args, simulation: md5Uuid("d1_run1_sim1") },
        )
      ).simulation.trades,
    insert: () =>
      database.query(`
        INSERT INTO simulation_trades (simulation_id, bar_timestamp, side, size, entry_price, metadata)
        VALUES (md5('d1_run1_sim1')::uuid, '2025-03-01', 'long', 1, 1, '{}')`),
  },
  {
    name: "rows of the flat view",
    fields: ["(always by slug)"],
    read: async (args) => {
      const { datasetHierarchy } = await server.data<{
        datasetHierarchy: { nodes: object[]; pageInfo: Page["pageInfo"] };
      }>(
        `query (${VARIABLES}) { datasetHierarchy(${ARGUMENTS}) {
           ${PAGE.replace("{ id }", "{ datasetId runId simulationId }")} } }`,
        { ...args },
      );
      const { nodes, pageInfo } = datasetHierarchy;
      return { pageInfo, nodes: nodes.map((row) => ({ id: Object.values(row).join(" ") })) };
    },
    insert: insertSimulation,
  },
];

/** A walk of more pages shows nothing more, and the long lists have a hundred rows. */
const MAX_PAGES = 40;

/** Every page of a list in one direction, as ids in the list's order. `between` runs before each page but the first. */
async function walk(
  read: ReadPage,
  size: number,
  backward: boolean,
  orderBy: { field: string; direction: string },
  between: () => Promise<unknown>,
): Promise<string[]> {
  const pages: string[][] = [];
  let page = await read(backward ? { last: size, orderBy } : { first: size, orderBy });
  for (;;) {
    pages.push(page.nodes.map((node) => node.id));
    const more = backward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage;
    if (!more) break;
    await between();
    page = await read(
      backward
        ? { last: size, before: page.pageInfo.startCursor, orderBy }
        : { first: size, after: page.pageInfo.endCursor, orderBy },
    );
  }
  return (backward ? pages.reverse() : pages).flat();
}

test.for(lists)(
  "walking all pages of $name, whatever the size, order and direction, meets each row once, while rows are inserted",
  async ({ fields, read, insert }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          size: fc.integer({ min: 1, max: 30 }),
          backward: fc.boolean(),
          field: fc.constantFrom(...fields),
          direction: fc.constantFrom("ASC", "DESC"),
          insertsAt: fc.uniqueArray(fc.nat({ max: 6 }), { maxLength: 2 }),
        }),
        async ({ size, backward, field, direction, insertsAt }) => {
          const orderBy = { field, direction };
          const there = (await read({ first: 1000, orderBy })).nodes.map((node) => node.id);
          let pages = 0;
          const met = await walk(
            read,
            Math.max(size, Math.ceil(there.length / MAX_PAGES)),
            backward,
            orderBy,
            async () => {
              if (insertsAt.includes(pages)) await insert();
              pages += 1;
            },
          );
          const throughout = new Set(there);
          expect(met.filter((id) => throughout.has(id))).toEqual(there);
          expect(new Set(met).size).toBe(met.length);
        },
      ),
      { numRuns: 8 },
    );
  },
);

test.for(lists.filter(({ fields }) => !fields[0]?.startsWith("(")))(
  "the reverse of an order of $name is its mirror image",
  async ({ fields, read }) => {
    for (const field of fields) {
      const up = await read({ first: 1000, orderBy: { field, direction: "ASC" } });
      const down = await read({ first: 1000, orderBy: { field, direction: "DESC" } });
      expect(up.nodes.map((node) => node.id)).toEqual(down.nodes.map((node) => node.id).reverse());
    }
  },
);

test.for(lists)(
  "pageInfo of $name tells what lies on either side, also at the ends and on empty pages",
  async ({ read, fields }) => {
    const orderBy = { field: fields[0] ?? "", direction: "ASC" };
    const all = await read({ first: 1000, orderBy });
    expect(all.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
    const start = await read({ first: 2, orderBy });
    expect(start.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const next = await read({ first: 2, after: start.pageInfo.endCursor, orderBy });
    expect(next.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    const back = await read({ last: 2, before: next.pageInfo.startCursor, orderBy });
    expect(back.nodes).toEqual(start.nodes);
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const beyond = await read({ first: 2, after: all.pageInfo.endCursor, orderBy });
    expect(beyond).toEqual({
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
    const none = await read({ first: 0, orderBy });
    expect(none.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false, startCursor: null });
    const between = await read({
      first: 10,
      after: start.pageInfo.endCursor,
      before: next.pageInfo.endCursor,
      orderBy,
    });
    expect(between.nodes).toEqual(next.nodes.slice(0, 1));
    expect(between.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
  },
);

test("offset jumps to the page that cursors would reach, and past the end there is nothing", async () => {
  const [datasets] = lists;
  if (!datasets) throw new Error("no list");
  const orderBy = { field: "DATASET_SLUG", direction: "ASC" };
  const all = await datasets.read({ first: 1000, orderBy });
  const third = await datasets.read({ first: 5, offset: 10, orderBy });
  expect(third.nodes).toEqual(all.nodes.slice(10, 15));
  expect(third.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
  const fourth = await datasets.read({ first: 5, after: third.pageInfo.endCursor, orderBy });
  expect(fourth.nodes).toEqual(all.nodes.slice(15, 20));
  const past = await datasets.read({ first: 5, offset: 100_000, orderBy });
  expect(past).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false, hasPreviousPage: true } });
});

const runsOf = (slug: string, args: string) =>
  `{ dataset(by: { datasetSlug: "${slug}" }) { runs(${args}) { pageInfo { endCursor } } } }`;

async function cursorOf(slug: string, args: string): Promise<string> {
  const { dataset } = await server.data<{ dataset: { runs: Page } }>(runsOf(slug, args));
  return dataset.runs.pageInfo.endCursor ?? "";
}

test("a cursor is refused in another list, under another parent, filter or order, but not where null replaces nothing", async () => {
  const cursor = await cursorOf("d1", "first: 3");
  const refused = [
    `{ runs(after: "${cursor}") { totalCount } }`,
    `{ datasets(before: "${cursor}") { totalCount } }`,
    runsOf("d2", `after: "${cursor}"`),
    runsOf("d1", `after: "${cursor}", filter: { status: [FAILED] }`),
    runsOf("d1", `after: "${cursor}", orderBy: { field: CREATED_AT, direction: ASC }`),
  ];
  for (const query of refused) {
    expect(
      (await server.send(query)).errors?.map((error) => error.extensions.code),
      query,
    ).toEqual(["BAD_CURSOR"]);
  }
  await server.data(runsOf("d1", `after: "${cursor}", filter: { status: null, search: null }`));
  await server.data(runsOf("d1", `after: "${cursor}", orderBy: { field: CREATED_AT, direction: DESC }`));
});

test("a cursor that a client made up or damaged is refused by name, and reaches no statement", async () => {
  const genuine = await cursorOf("d1", "first: 3");
  const [scope, ...position] = JSON.parse(Buffer.from(genuine, "base64url").toString()) as string[];
  const forge = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString("base64url");
  const madeUp = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.json().map((json) => Buffer.from(json).toString("base64url")),
    fc.array(fc.string(), { maxLength: 4 }).map((parts) => forge([scope, ...parts])),
    fc
      .constantFrom("2025-02-30 00:00:00+00", "294277-01-01 00:00:00+00", "0000-01-01 00:00:00+00", "now", "")
      .map((time) => forge([scope, time, position[1]])),
    fc.string({ unit: "binary" }).map((id) => forge([scope, position[0], id])),
  );
  server.statements();
  await fc.assert(
    fc.asyncProperty(madeUp, async (cursor) => {
      for (const field of [
        "runs(after: $c)",
        "datasets(before: $c)",
        'dataset(by: { datasetSlug: "d1" }) { runs(after: $c)',
      ]) {
        const query = `query ($c: String) { ${field} { totalCount } }${field.includes("{ runs") ? " }" : ""}`;
        const answer = await server.send(query, { c: cursor });
        expect(answer.errors?.map((error) => error.extensions.code)).toEqual(["BAD_CURSOR"]);
      }
    }),
    { numRuns: 25 },
  );
  expect(server.statements().filter((text) => text.includes("walkforward_runs"))).toEqual([]);
});

test("arguments that do not go together are refused with the remedy", async () => {
  const cases: [string, RegExp][] = [
    ["first: 1001", /1001.*1000/],
    ["last: 1001", /1000/],
    ["first: -1", /0 to 1000/],
    ["first: 1, last: 1", /either/],
    ["offset: 1, last: 1", /offset/],
    ['offset: 1, after: "x"', /offset/],
    ["offset: -1", /negative/],
    ['filter: { search: "a\\u0000b" }', /search.*NUL/],
  ];
  for (const [args, message] of cases) {
    const answer = await server.send(`{ datasets(${args}) { totalCount } }`);
    expect(answer.errors?.[0]?.extensions.code, args).toBe("BAD_USER_INPUT");
    expect(answer.errors?.[0]?.message, args).toMatch(message);
  }
});

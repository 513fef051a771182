import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 200, runs: 5, simulations: 3 });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

async function statementsOf(query: string, variables: Record<string, unknown>): Promise<number> {
  server.statements();
  await server.data(query, variables);
  return server.statements().length;
}

const TREE = `query ($first: Int!) {
  datasets(first: $first) {
    nodes {
      datasetSlug runCount simulationCount
      runs(first: 3) {
        pageInfo { hasNextPage hasPreviousPage endCursor }
        nodes {
          predictionMeasurement simulationCount
          simulations(first: 2) { totalCount nodes { questdbNamespace } }
        }
      }
    }
  }
}`;

test("the three-level tree with counts is 1 statement, of 1, 20 and 200 datasets alike", async () => {
  for (const first of [1, 20, 200]) expect(await statementsOf(TREE, { first }), `${first} datasets`).toBe(1);
});

const LEAVES = `query ($first: Int!) {
  datasets(first: $first) {
    nodes {
      runs { nodes { folds { foldNumber } foldCount dataset { id }
        simulations { nodes { tradeCount trades(first: 1) { nodes { side } } buckets { side } run { id } dataset { id } } } } }
    }
  }
}`;

test("folds, trades, buckets and the ways back up take one statement each", async () => {
  // datasets, runs, simulations, folds, fold counts, trades, trade counts, buckets; runs by id, datasets by id (which the
  // runs asked for, so that the simulations find them loaded)
  for (const first of [1, 20, 200]) expect(await statementsOf(LEAVES, { first }), `${first} datasets`).toBe(10);
});

test("what a page knows is not asked for: pageInfo and counts cost a statement only when they are selected", async () => {
  expect(
    await statementsOf("{ datasets { nodes { datasetSlug } pageInfo { hasNextPage hasPreviousPage } } }", {}),
  ).toBe(1);
  expect(await statementsOf("{ datasets(offset: 5) { nodes { id } pageInfo { hasPreviousPage } } }", {})).toBe(1);
  expect(await statementsOf("{ datasets { totalCount } }", {})).toBe(2);
});

test("two fields with the same arguments are one statement, with others one more", async () => {
  const twice = "{ datasets { nodes { a: runs(first: 2) { nodes { id } } b: runs(first: 2) { nodes { id } } } } }";
  expect(await statementsOf(twice, {})).toBe(2);
  const different = "{ datasets { nodes { a: runs(first: 2) { nodes { id } } b: runs(first: 3) { nodes { id } } } } }";
  expect(await statementsOf(different, {})).toBe(3);
});

test("a page in the middle of a long list reads no more than its own rows", async () => {
  server.statements();
  const { datasets } = await server.data<{ datasets: { pageInfo: { endCursor: string } } }>(
    "{ datasets(first: 100) { pageInfo { endCursor } } }",
  );
  server.statements();
  await server.data("query ($c: String) { datasets(first: 10, after: $c) { nodes { id } } }", {
    c: datasets.pageInfo.endCursor,
  });
  const [statement = ""] = server.statements();
  const [scope, ...position] = JSON.parse(Buffer.from(datasets.pageInfo.endCursor, "base64url").toString()) as string[];
  expect(scope).toBeDefined();
  const rows = await database.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`,
    position,
  );
  const plan = rows[0]?.["QUERY PLAN"][0]?.Plan;
  expect(plan).toBeDefined();
  expect(Math.max(...rowsRead(plan ?? {}))).toBe(11);
});

interface PlanNode {
  "Actual Rows"?: number;
  "Actual Loops"?: number;
  "Rows Removed by Filter"?: number;
  Plans?: PlanNode[];
}

function rowsRead(node: PlanNode): number[] {
  const own = ((node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0)) * (node["Actual Loops"] ?? 1);
  return [own, ...(node.Plans ?? []).flatMap(rowsRead)];
}

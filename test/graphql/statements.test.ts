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

test("the three-level tree with counts takes 1 statement, of 1, 20 and 200 datasets alike", async () => {
  for (const first of [1, 20, 200]) expect(await statementsOf(TREE, { first }), `${first} datasets`).toBe(1);
});

test("graphql-js, which answers what PostgreSQL cannot, takes as many statements as the query has levels and counts", async () => {
  // A node's type is only known from its id. Runs of the dataset, simulations of the runs; both by count.
  const tree =
    "{ node(id: ID) { ... on Dataset { runCount runs(first: 3) { nodes { simulationCount simulations { totalCount } } } } } }";
  const { datasets } = await server.data<{ datasets: { nodes: { id: string }[] } }>(
    "{ datasets(first: 3) { nodes { id } } }",
  );
  for (const { id } of datasets.nodes) expect(await statementsOf(tree.replace("ID", `"${id}"`), {})).toBe(5);
});

const LEAVES = `query ($first: Int!) {
  datasets(first: $first) {
    nodes {
      runs(first: 5) { nodes { folds { foldNumber } foldCount dataset { id }
        simulations { nodes { tradeCount trades(first: 1) { nodes { side } } buckets { side } run { id } dataset { id } } } } }
    }
  }
}`;

test("folds, trades, buckets and the ways back up are part of the same statement", async () => {
  for (const first of [1, 20, 200]) expect(await statementsOf(LEAVES, { first }), `${first} datasets`).toBe(1);
});

test("what is not selected is not read: no count, no page where only a count is asked for, no extra row", async () => {
  const sent = async (query: string) => {
    server.statements();
    await server.data(query);
    return server.statements().join();
  };
  expect(await sent("{ datasets { nodes { datasetSlug } } }")).toMatch(/^(?!.*count\(\*\)).*LIMIT 50\b/s);
  expect(await sent("{ datasets { nodes { datasetSlug } pageInfo { hasNextPage } } }")).toMatch(/LIMIT 51\b/);
  expect(await sent("{ datasets { totalCount } }")).not.toMatch(/LIMIT/);
  expect(await sent("{ __typename }")).toBe("");
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
  const rows = await database.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`,
    [scope, scope, ...position],
  );
  const plan = rows[0]?.["QUERY PLAN"][0]?.Plan;
  expect(plan).toBeDefined();
  expect(Math.max(...rowsRead(plan ?? {}))).toBe(10);
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

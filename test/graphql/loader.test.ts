import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grouped, inOrder } from "../../src/graphql/loader.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 6, runs: 3, simulations: 2 });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test("rows come back in the order of the keys, each key with its own, whatever order the database chose", () => {
  const rows = fc.array(fc.record({ key: fc.constantFrom("a", "b", "c", "d"), value: fc.nat() }));
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "x")), rows, (keys, found) => {
      const groups = grouped(keys, found, (row) => row.key);
      expect(groups).toEqual(keys.map((key) => found.filter((row) => row.key === key)));
      const ones = inOrder(keys, found, (row) => row.key);
      expect(ones).toEqual(keys.map((key) => found.findLast((row) => row.key === key)));
    }),
  );
});

test("nodes answers in the order asked for, with repeats and with null for what is not there", async () => {
  const rows = await server.data<{
    datasets: { nodes: { id: string }[] };
    runs: { nodes: { id: string }[] };
    simulations: { nodes: { id: string }[] };
  }>("{ datasets { nodes { id } } runs { nodes { id } } simulations { nodes { id } } }");
  const known = [rows.datasets, rows.runs, rows.simulations].flatMap((list) => list.nodes.map((node) => node.id));
  const unknown = Buffer.from("WalkforwardRun:00000000-0000-0000-0000-000000000000").toString("base64url");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...known, unknown), { maxLength: 40 }), async (ids) => {
      const { nodes } = await server.data<{ nodes: ({ id: string } | null)[] }>(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        { ids },
      );
      expect(nodes).toEqual(ids.map((id) => (id === unknown ? null : { id })));
    }),
    { numRuns: 20 },
  );
});

test("every child hangs below its own parent", async () => {
  const query = `{ datasets { nodes { datasetSlug runs(last: 2, orderBy: { field: CREATED_AT, direction: ASC }) {
    nodes { predictionMeasurement dataset { datasetSlug } folds { foldNumber }
      simulations { nodes { questdbNamespace run { predictionMeasurement } trades { totalCount } buckets { side } } } } } } } }`;
  const { datasets } = await server.data<{
    datasets: {
      nodes: {
        datasetSlug: string;
        runs: {
          nodes: {
            predictionMeasurement: string;
            dataset: { datasetSlug: string };
            folds: { foldNumber: number }[];
            simulations: {
              nodes: {
                questdbNamespace: string;
                run: { predictionMeasurement: string };
                trades: { totalCount: number };
                buckets: { side: string }[];
              }[];
            };
          }[];
        };
      }[];
    };
  }>(query);
  expect(datasets.nodes).toHaveLength(6);
  for (const { datasetSlug, runs } of datasets.nodes) {
    expect(runs.nodes).toHaveLength(2);
    for (const run of runs.nodes) {
      expect(run.predictionMeasurement.startsWith(`${datasetSlug}_run`)).toBe(true);
      expect(run.dataset.datasetSlug).toBe(datasetSlug);
      expect(run.folds.map((fold) => fold.foldNumber)).toEqual([1, 2]);
      expect(run.simulations.nodes).toHaveLength(2);
      for (const simulation of run.simulations.nodes) {
        expect(simulation.questdbNamespace.startsWith(`${run.predictionMeasurement}_sim`)).toBe(true);
        expect(simulation.run.predictionMeasurement).toBe(run.predictionMeasurement);
        expect(simulation).toMatchObject({ trades: { totalCount: 2 }, buckets: [{ side: "ALL" }, { side: "LONG" }] });
      }
    }
  }
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "./harness.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test("an empty database answers", async () => {
  expect(await server.data("{ datasets { totalCount nodes { datasetSlug } } }")).toEqual({
    datasets: { totalCount: 0, nodes: [] },
  });
});

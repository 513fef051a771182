import { parse } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TABLES, tablesIn } from "../src/domain/tables.ts";
import { compile } from "../src/graphql/executor.ts";
import { schema } from "../src/graphql/schema.ts";
import { readPool } from "./graphql/random/pool.ts";
import { randomQuery } from "./graphql/random-query.ts";
import { createDatabase, LIMITS, startServer, type TestDatabase, type TestServer } from "./harness.ts";
import { insertLineage } from "./lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 3, runs: 2, simulations: 2 });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

test("of every table that the API reads, changes are told", async () => {
  const rows = await database.query<{ name: string }>(
    "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'stage1_notify_change' ORDER BY 1",
  );
  expect(rows.map(({ name }) => name)).toEqual([...TABLES].sort());
});

test("the tables found in a statement are those that PostgreSQL reads for it", async () => {
  const pool = await readPool((query, variables) => server.data(query, variables));
  const seen = new Set<string>();
  for (let seed = 0; seed < 120; seed += 1) {
    const { text, operationName, variables } = randomQuery(schema, seed, pool, "none");
    const statements: string[] = [];
    const db = {
      query<Row>(statement: string, values?: readonly unknown[]) {
        statements.push(statement);
        return database.query<Row>(statement, values);
      },
    };
    await compile(schema, parse(text), operationName, { ...LIMITS, cost: Number.POSITIVE_INFINITY })
      ?.execute({ db }, variables)
      .catch(() => {}); // what is left to graphql-js is not kept
    for (const statement of statements) {
      const rows = await database.query<{ "QUERY PLAN": unknown }>(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${statement}`);
      const read = [...JSON.stringify(rows).matchAll(/"Relation Name":"(\w+)"/g)].map(([, name = ""]) => name);
      expect([...tablesIn(statement)]).toEqual(expect.arrayContaining(read));
      for (const name of read) seen.add(name);
    }
  }
  expect([...seen].sort()).toEqual([...TABLES].sort());
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { spoolText } from "../spool/generations.ts";
import { counts } from "../spool/spools.ts";
import { allRows, catalogue, comparable } from "./catalogue.ts";
import { fixture } from "./fixture.ts";

let database: TestDatabase;
let before: Map<string, Record<string, unknown>[]>;
beforeAll(async () => {
  database = await createDatabase("empty");
  await database.query(fixture("former-version.sql"));
  before = await allRows(database);
  await migrate({ url: database.url });
});
afterAll(() => database.drop());

test("a database that the former version migrated ends in the schema of a new one, with every value as it was", async () => {
  const fresh = await createDatabase();
  expect(comparable(await catalogue(database))).toEqual(comparable(await catalogue(fresh)));
  await fresh.drop();
  const after = await allRows(database);
  for (const [table, rows] of before) {
    expect(after.get(table)).toEqual(rows.map((row) => expect.objectContaining(row)));
  }
  expect(await migrate({ url: database.url })).toEqual([]);
});

test("what the former version refused is written then, by psql too", async () => {
  expect(await counts(database)).toMatchObject({ walkforward_runs: 1, simulation_runs: 0 });
  for (const name of ["gen1", "gen2", "gen3"] as const) await database.query(spoolText(name));
  expect(await counts(database)).toMatchObject({
    walkforward_runs: 3,
    simulation_runs: 3,
    simulation_trade_buckets: 9,
  });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { createReadiness } from "../../src/commands/readiness.ts";
import { createPool } from "../../src/db/pool.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { startProxy } from "../proxy.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

test("a server is ready while its database answers with the schema that it knows", async () => {
  const proxy = await startProxy(database.url);
  const pool = createPool({ url: proxy.url, max: 1, statementTimeoutMs: 30_000, onIdleError: () => {} });
  const listener = () => "hears" as const;
  /** Anew each time: an answer is kept for a second. */
  const ask = () => createReadiness(pool, () => ({ total: 3 }), listener)();
  const ready = await ask();
  expect(ready).toEqual({
    ready: true,
    details: {
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      database: "answers",
      schema: expect.stringMatching(/^migrations\/\d/),
      expectedSchema: ready.details["schema"],
      pool: { total: 3 },
      listener: "hears",
    },
  });

  await database.query(
    "INSERT INTO stage1_schema_ledger (file, sha256, version) VALUES ('migrations/9999_x.sql', '', '9.9.9')",
  );
  expect(await ask()).toMatchObject({
    ready: false,
    details: { database: "answers", schema: "migrations/9999_x.sql" },
  });
  await database.query("DELETE FROM stage1_schema_ledger WHERE file = 'migrations/9999_x.sql'");

  proxy.pause();
  expect(await ask()).toMatchObject({ ready: false, details: { database: "away", schema: null } });
  proxy.resume();
  await expect.poll(ask).toMatchObject({ ready: true });
  await pool.end();
});

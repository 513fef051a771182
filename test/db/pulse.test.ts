import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createPool, type Pool, type PoolOptions } from "../../src/db/pool.ts";
import { isConnectionError } from "../../src/errors.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { startProxy } from "../proxy.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase("empty");
});
afterAll(() => database.drop());

function openPool(url: string, told: boolean[], options: Partial<PoolOptions> = {}): Pool {
  return createPool({
    url,
    max: 2,
    statementTimeoutMs: 30_000,
    onIdleError: () => {},
    onAlive: (alive) => told.push(alive),
    times: { patienceMs: 200, answerMs: 500, againMs: 50 },
    ...options,
  });
}

/** What a statement came to: its rows, or whether its error says that the connection is gone. */
const outcome = (statement: Promise<unknown[]>) => statement.catch((error: unknown) => isConnectionError(error));

test.each([{}, { tls: true }])("a database that falls silent is away until it speaks again: %o", async (options) => {
  const proxy = await startProxy(database.url, options);
  const told: boolean[] = [];
  const pool = openPool(proxy.url, told);
  await pool.query("SELECT 1");
  const statements = ["SELECT pg_sleep(60)", "SELECT 1", "SELECT 2", "SELECT 3"];
  proxy.pause();
  // One on the connection that is there, one on a connection that is opened in vain, the others in line.
  const asked = statements.map((text) => outcome(pool.query(text)));
  await expect.poll(() => pool.stats()).toEqual({ total: 2, idle: 0, waiting: 2, max: 2 });
  expect(await Promise.all(asked)).toEqual([true, true, true, true]);
  expect(pool.alive).toBe(false);
  expect(await outcome(pool.query("SELECT 4"))).toBe(true);
  await expect.poll(() => pool.stats()).toEqual({ total: 0, idle: 0, waiting: 0, max: 2 });

  proxy.resume();
  await expect.poll(() => pool.alive).toBe(true);
  expect(told).toEqual([false, true]);
  expect(await Promise.all([1, 2, 3].map((n) => pool.query(`SELECT ${n} AS n`)))).toEqual([
    [{ n: 1 }],
    [{ n: 2 }],
    [{ n: 3 }],
  ]);

  // Ends also while it is away, with a statement under way, and with nothing but idle connections.
  proxy.pause();
  const last = outcome(pool.query("SELECT 5"));
  await pool.end();
  expect(await last).toBe(true);
  const other = openPool(proxy.url, told);
  expect(await outcome(other.query("SELECT 6"))).toBe(true);
  expect(other.alive).toBe(false);
  await other.end();
});

test("a database that is busy with long statements, or refuses another connection, is there", async () => {
  const proxy = await startProxy(database.url);
  await database.query("CREATE ROLE busy LOGIN PASSWORD 'busy' CONNECTION LIMIT 2");
  onTestFinished(async () => {
    await database.query("DROP ROLE busy");
  });
  const limited = new URL(proxy.url);
  limited.username = "busy";
  limited.password = "busy";
  const told: boolean[] = [];
  const pools = [proxy.url, limited.href].map((url) =>
    openPool(url, told, { times: { patienceMs: 100, answerMs: 1_500, againMs: 50 } }),
  );
  const answers = pools.map((pool) =>
    Promise.all([1, 2].map((n) => pool.query(`SELECT ${n} AS n FROM pg_sleep(2.5)`))),
  );
  expect(await Promise.all(answers)).toEqual([
    [[{ n: 1 }], [{ n: 2 }]],
    [[{ n: 1 }], [{ n: 2 }]],
  ]);
  expect(proxy.connections).toBeGreaterThan(2 * 2 + 2); // they were asked, time and again
  expect(told).toEqual([]);
  await Promise.all(pools.map((pool) => pool.end()));
});

test("where no statement has a limit, none is given up", async () => {
  const proxy = await startProxy(database.url);
  const told: boolean[] = [];
  const pool = openPool(proxy.url, told, { statementTimeoutMs: 0, times: { patienceMs: 20, answerMs: 20 } });
  expect(await pool.query("SELECT 1 AS n FROM pg_sleep(0.3)")).toEqual([{ n: 1 }]);
  expect(proxy.connections).toBe(1);
  await pool.end();
});

import { getEventListeners, setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createPool, type Pool, type PoolOptions } from "../../src/db/pool.ts";
import { testFolder } from "../commands/cli.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { startProxy } from "../proxy.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase("empty");
});
afterAll(() => database.drop());

function openPool(options: Partial<PoolOptions> = {}): Pool {
  const pool = createPool({
    url: database.url,
    max: 1,
    statementTimeoutMs: 30_000,
    onIdleError: () => {},
    ...options,
  });
  onTestFinished(() => pool.end());
  return pool;
}

const pidOf = async (pool: Pool) => (await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid"))[0]?.pid;
const running = (pid: number | undefined) =>
  database.query("SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep%'", [pid]);

/** Aborts a statement that sleeps, as soon as it runs, and waits until PostgreSQL runs it no more. */
async function abortSleep(pool: Pool, prepare = false): Promise<void> {
  const pid = await pidOf(pool);
  const caller = new AbortController();
  const left = new Error("the client has left");
  const answer = pool.query("SELECT pg_sleep(60)", [], { signal: caller.signal, prepare });
  await expect.poll(() => running(pid)).toHaveLength(1);
  caller.abort(left);
  await expect(answer).rejects.toBe(left);
  await expect.poll(() => running(pid)).toHaveLength(0);
}

test("what nobody waits for any more is cancelled, and its connection is used again", async () => {
  const pool = openPool();
  const pid = await pidOf(pool);
  for (const prepare of [false, true, true]) await abortSleep(pool, prepare);
  expect(await pidOf(pool)).toBe(pid);
  await expect.poll(() => pool.stats()).toEqual({ total: 1, idle: 1, waiting: 0, max: 1 });

  const aborted = AbortSignal.abort("before");
  await expect(pool.query("SELECT 1", [], { signal: aborted })).rejects.toBe("before");
});

test("who waits for a connection can leave the line, and leaves nothing behind", async () => {
  const pool = openPool({ times: { connectMs: 1_000 } });
  await pool.query("SELECT 1");
  const holder = new AbortController();
  const held = pool.query("SELECT pg_sleep(60)", [], { signal: holder.signal });
  const caller = new AbortController();
  setMaxListeners(0, caller.signal);
  const answers = Array.from({ length: 20 }, () => pool.query("SELECT 1", [], { signal: caller.signal }));
  const late = pool.query("SELECT 1");
  expect(pool.stats()).toMatchObject({ waiting: 21 });
  caller.abort("left");
  expect(pool.stats()).toMatchObject({ waiting: 1 });
  for (const answer of answers) await expect(answer).rejects.toBe("left");
  await expect(late).rejects.toMatchObject({ code: "53300" });
  expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  holder.abort("left");
  await expect(held).rejects.toBe("left");
  expect(await pool.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);

  // While the connection is being opened, which nothing else needs then.
  const other = openPool();
  const early = new AbortController();
  const answer = other.query("SELECT pg_sleep(60)", [], { signal: early.signal });
  expect(other.stats()).toMatchObject({ total: 1, idle: 0 });
  early.abort("left");
  await expect(answer).rejects.toBe("left");
  await expect.poll(() => other.stats()).toEqual({ total: 1, idle: 1, waiting: 0, max: 1 });
});

test("no cancel ever meets another statement than its own", async () => {
  const pool = openPool({ max: 2 });
  const turn = async (i: number): Promise<number> => {
    let aborted = 0;
    for (let n = 0; n < 50; n += 1) {
      const caller = new AbortController();
      // A request to cancel is sent 25 ms after the abort: it comes in such a statement, or after it.
      const ended = pool.query("SELECT pg_sleep(0.028)", [], { signal: caller.signal, prepare: n % 2 === 0 }).then(
        () => false,
        (error: unknown) => {
          expect(error).toBe("left");
          return true;
        },
      );
      await delay(((n * 7 + i) % 40) / 10);
      caller.abort("left");
      if (await ended) aborted += 1;
      // Long enough to be met by what comes late.
      expect(await pool.query(`SELECT ${n} AS n, pg_sleep(0.002)`)).toMatchObject([{ n }]);
    }
    return aborted;
  };
  const aborted = (await Promise.all([turn(0), turn(20)])).reduce((sum, count) => sum + count);
  expect(aborted).toBeGreaterThan(10);
  await expect.poll(() => pool.stats().total - pool.stats().idle + pool.stats().waiting).toBe(0);
});

test("a deadline is PostgreSQL's too, to the second, and within the pool's limit", async () => {
  const texts: string[] = [];
  const pool = openPool({ onStatement: (text) => texts.push(text) });
  const limit = async (leftMs?: number) => {
    const deadline = leftMs === undefined ? {} : { deadline: performance.now() + leftMs };
    const [row] = await pool.query<{ limit: string }>(
      "SELECT current_setting('statement_timeout') AS limit",
      [],
      deadline,
    );
    return row?.limit;
  };
  expect(await limit()).toBe("30s");
  expect(await limit(29_999)).toBe("30s");
  expect(await limit(20_500)).toBe("21s");
  expect(await limit(20_900)).toBe("21s");
  expect(await limit(90_000)).toBe("30s");
  await expect(limit(-1)).rejects.toMatchObject({ code: "57014" });
  expect(await limit()).toBe("30s");
  expect(texts).toHaveLength(6); // those that were asked for

  const soon = { deadline: performance.now() + 900 };
  await expect(pool.query("SELECT pg_sleep(60)", [], soon)).rejects.toMatchObject({ code: "57014" });
  const without = openPool({ statementTimeoutMs: 0 });
  expect(await without.query("SELECT current_setting('statement_timeout') AS limit")).toEqual([{ limit: "0" }]);
  const [row] = await without.query("SELECT current_setting('statement_timeout') AS limit", [], {
    deadline: Number.POSITIVE_INFINITY,
  });
  expect(row).toEqual({ limit: "2147483s" });
});

test("a cancel takes the way of its session: encrypted, or through a socket's file", async () => {
  for (const options of [{ tls: true }, { folder: await testFolder() }]) {
    const proxy = await startProxy(database.url, options);
    const pool = openPool({ url: proxy.url });
    const pid = await pidOf(pool);
    await abortSleep(pool);
    expect(await pidOf(pool)).toBe(pid);
    expect(proxy.cancels).toBeGreaterThan(0);
  }
});

test("where a cancel gets no answer, the caller does not wait, and the connection is given up", async () => {
  const proxy = await startProxy(database.url);
  const pool = openPool({ url: proxy.url, times: { cancelMs: 200 } });
  const pid = await pidOf(pool);
  const caller = new AbortController();
  const answer = pool.query("SELECT pg_sleep(60)", [], { signal: caller.signal });
  await expect.poll(() => running(pid)).toHaveLength(1);
  proxy.pause();
  caller.abort("left");
  await expect(answer).rejects.toBe("left");
  expect(pool.stats()).toMatchObject({ total: 1, idle: 0 });
  await expect.poll(() => pool.stats()).toMatchObject({ total: 0 });
  proxy.resume();
  expect(await pidOf(pool)).not.toBe(pid);
  await database.query("SELECT pg_terminate_backend($1)", [pid]);
});

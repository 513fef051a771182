import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChangeFeed, followChanges } from "../../src/db/changes.ts";
import { createPool, type Pool } from "../../src/db/pool.ts";
import type { AnswerCache } from "../../src/graphql/answer-cache.ts";
import { createCache } from "../../src/graphql/handler.ts";
import { createDatabase, LIMITS, openFront, type TestDatabase } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

const DATASETS = 8;

let database: TestDatabase;
let pool: Pool;
let cache: AnswerCache;
let feed: ChangeFeed;
let url: string;
let statements = 0;
/** Called after each notice, when the cache has heard of it. */
let noticed = (_table: string): void => {};
const internalErrors: unknown[] = [];
const server = createServer({ keepAliveTimeout: 0 });

beforeAll(async () => {
  database = await createDatabase();
  await insertLineage(database, { datasets: DATASETS, runs: 2, simulations: 2 });
  pool = createPool({
    url: database.url,
    max: 4,
    statementTimeoutMs: 30_000,
    onIdleError: () => {},
    onStatement() {
      statements += 1;
    },
  });
  cache = createCache(1_000_000);
  const connected = withResolvers();
  feed = followChanges({
    url: database.url,
    onChange(table) {
      cache.invalidate(table);
      noticed(table);
    },
    onConnect() {
      cache.live = true;
      connected.resolve();
    },
    onDisconnect() {
      cache.live = false;
    },
  });
  server.on("request", openFront({ db: pool, cache, limits: LIMITS, internalErrors }).listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  await connected.promise;
});
afterAll(async () => {
  expect(internalErrors).toEqual([]);
  await feed.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await pool.end();
  await database.drop();
});

function withResolvers() {
  let resolve = (): void => {};
  const promise = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}

async function post(query: string, headers: Record<string, string> = {}, variables = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const answer = text === "" ? undefined : (JSON.parse(text) as { data: Record<string, unknown>; errors?: unknown[] });
  return { status: response.status, headers: response.headers, text, data: answer?.data, errors: answer?.errors };
}

/** How many statements `work` sends. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const before = statements;
  await work();
  return statements - before;
}

/** Until the cache has heard of a change of the table that `work` makes. */
async function heard(table: string, work: () => Promise<unknown>): Promise<void> {
  const { promise, resolve } = withResolvers();
  noticed = (changed) => {
    if (changed === table) resolve();
  };
  await work();
  await promise;
  noticed = () => {};
}

const SLUGS = "{ datasets { nodes { datasetSlug runs { nodes { predictionMeasurement } } } } }";

test("an answer is kept, until somebody changes a table that it was read from", async () => {
  const first = await post(SLUGS);
  expect(await statementsOf(async () => expect((await post(SLUGS)).text).toBe(first.text))).toBe(0);
  await heard("simulation_trades", () => database.query("DELETE FROM simulation_trades"));
  expect(await statementsOf(() => post(SLUGS))).toBe(0);
  await heard("walkforward_runs", () =>
    database.query("UPDATE walkforward_runs SET prediction_measurement = 'rénamed' || prediction_measurement"),
  );
  const changed = await post(SLUGS);
  expect(changed.text).toContain("rénamed");
  expect(changed.headers.get("etag")).not.toBe(first.headers.get("etag"));
});

test("no-store goes round the cache; a tag that still holds is answered with 304, by POST and by GET", async () => {
  const { headers, text } = await post(SLUGS);
  const etag = headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{27}"$/);
  const statementsAround = await statementsOf(async () => {
    const around = await post(SLUGS, { "cache-control": "no-store" });
    expect([around.text, around.headers.get("etag")]).toEqual([text, null]);
    expect(around.headers.get("cache-control")).toBe("no-store");
  });
  expect(statementsAround).toBe(1);

  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const unchanged = await post(SLUGS, { "if-none-match": known });
    expect([unchanged.status, unchanged.text, unchanged.headers.get("etag")]).toEqual([304, "", etag]);
  }
  expect((await post(SLUGS, { "if-none-match": '"other"' })).status).toBe(200);

  const get = `${url}?query=${encodeURIComponent(SLUGS)}`;
  const accept = { accept: "application/json" };
  const got = await fetch(get, { headers: accept });
  expect([got.headers.get("etag"), (await got.text()).length > 10]).toEqual([etag, true]);
  const again = await fetch(get, { headers: { ...accept, "if-none-match": etag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("answers in another type, of a mistake, or of the time are not mixed up, and not kept", async () => {
  const other = await post(SLUGS, { accept: "application/graphql-response+json" });
  expect(other.headers.get("content-type")).toBe("application/graphql-response+json; charset=utf-8");
  expect((await post(SLUGS)).headers.get("content-type")).toBe("application/json; charset=utf-8");
  const mistake = '{ datasets(after: "made up") { totalCount } }';
  for (const _ of [1, 2]) expect((await post(mistake)).errors).toHaveLength(1);
  const times = [await post("{ validation { checkedAt } }"), await post("{ validation { checkedAt } }")];
  expect(times[0]?.text).not.toBe(times[1]?.text);
});

test("whoever changes something through the API reads it at once, notice or not", async () => {
  const one = "query ($id: UUID!) { dataset(by: { datasetId: $id }) { ohlcvRowCount } }";
  const upsert = `mutation ($n: SafeInt!) { upsertDataset(input: {
    datasetId: "8e296a06-7a37-4633-80de-d05f5a3bf3ec", datasetSlug: "own", ohlcvMeasurement: "own", indicatorMeasurement: "own_ind",
    ohlcvRowCount: $n }) { userErrors { message } } }`;
  const id = "8e296a06-7a37-4633-80de-d05f5a3bf3ec";
  for (let n = 1; n <= 30; n += 1) {
    await post(one, {}, { id }); // is kept
    expect((await post(upsert, {}, { n })).errors).toBeUndefined();
    expect((await post(one, {}, { id })).data).toEqual({ dataset: { ohlcvRowCount: n } });
  }
});

test("while changes are not heard, nothing is served from the cache, and what was kept before is gone", async () => {
  // A busy machine may have missed a heartbeat, and listen anew.
  await expect.poll(() => statementsOf(() => post(SLUGS)), { timeout: 10_000 }).toBe(0);
  await database.query("ALTER TABLE simulation_trades DISABLE TRIGGER stage1_notify_change");
  await expect.poll(() => cache.live, { timeout: 10_000 }).toBe(false);
  for (const _ of [1, 2]) expect(await statementsOf(() => post(SLUGS))).toBe(1);
  await database.query("ALTER TABLE simulation_trades ENABLE ALWAYS TRIGGER stage1_notify_change");
  await expect.poll(() => cache.live, { timeout: 10_000 }).toBe(true);
  expect(await statementsOf(() => post(SLUGS))).toBe(1);
  expect(await statementsOf(() => post(SLUGS))).toBe(0);
});

test("writers and readers race: no answer is older than the last notice before its request", async () => {
  // A table has one writer, so that its nth notice is that of the nth write. What a write leaves is its number.
  const tables = [
    { name: "stage1_datasets", column: "ohlcv_row_count", field: "ohlcvRowCount" },
    { name: "walkforward_runs", column: "duration_ms", field: "durationMs" },
  ];
  await database.query("UPDATE stage1_datasets SET ohlcv_row_count = 0; UPDATE walkforward_runs SET duration_ms = 0");
  await heard("simulation_trades", () => database.query("DELETE FROM simulation_trades")); // the last: all others are here
  const told = new Map<string, number>();
  const begun = new Map<string, number>();
  noticed = (table) => told.set(table, (told.get(table) ?? 0) + 1);

  const WRITES = 40;
  let answers = 0;
  let writing = tables.length;
  const write = async ({ name, column }: (typeof tables)[number]) => {
    for (let n = 1; n <= WRITES; n += 1) {
      const enough = answers + 12; // so that some come from the cache
      while (answers < enough) await setImmediate();
      begun.set(name, n);
      await database.query(
        `UPDATE ${name} SET ${column} = $1 WHERE created_at = (SELECT max(created_at) FROM ${name})`,
        [n],
      );
    }
    writing -= 1;
  };
  const queries = [
    "{ datasets(first: 100) { nodes { ohlcvRowCount } } }",
    "{ runs(first: 100) { nodes { durationMs } } }",
    "{ datasets(first: 100) { nodes { ohlcvRowCount runs { nodes { durationMs } } } } }",
  ];
  const wrong: string[] = [];
  const read = async (first: number) => {
    for (let i = first; writing > 0; i += 1) {
      const atLeast = new Map(told);
      const { text } = await post(queries[i % queries.length] ?? "");
      answers += 1;
      for (const { name, field } of tables) {
        const shown = [...text.matchAll(new RegExp(`"${field}":(\\d+)`, "g"))].map(([, n]) => Number(n));
        if (shown.length === 0) continue;
        const [least = 0, newest, most = 0] = [atLeast.get(name), Math.max(...shown), begun.get(name)];
        if (newest < least || newest > most) wrong.push(`${field} ${newest}, told of ${least}, ${most} begun`);
      }
    }
  };
  const before = statements;
  await Promise.all([...tables.map(write), ...[0, 1, 2, 3].map(read)]);
  expect(wrong).toEqual([]);
  expect(begun).toEqual(new Map(tables.map(({ name }) => [name, WRITES])));
  expect(statements - before, `for ${answers} answers`).toBeLessThan(answers);

  await heard("simulation_trades", () => database.query("DELETE FROM simulation_trades"));
  for (const query of queries) {
    const kept = await post(query);
    expect(kept.text).toBe((await post(query, { "cache-control": "no-store" })).text);
    expect(kept.text).toContain(`:${WRITES}`);
  }
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { createToken } from "../../src/http/tokens.ts";
import { CLI, makeFolder, ready, removeFolder, type Serving, startForTest, until } from "../commands/cli.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { type Asking, ask, errorCode, get } from "./client.ts";
import { type Figures, figuresAfterCollection, figuresOf, serveCollectable } from "./figures.ts";
import { troublesIn } from "./log.ts";
import { type Line, openLine, readSlowly, requestText } from "./sockets.ts";

const COUNT = "{ datasets { totalCount } }";
/** More than the system's buffers of a connection take: 8 MB. */
const LARGE = "{ datasets(first: 20) { nodes { metadata } } }";
const LARGE_BYTES = 8_000_000;
/** And more than the client's own system takes for a client that does not read. What the server's has taken is up to 4 MB. */
const IN_BUFFERS = 1_000_000;

const BY_GRAPHQL_JS = "{ __schema { queryType { name } } datasets { totalCount } }";
/** What the server loads or keeps at the first of them is there before. */
const ONE_OF_EACH = [COUNT, LARGE, BY_GRAPHQL_JS];

/** Large datasets. */
async function createRows(): Promise<TestDatabase> {
  const database = await createDatabase();
  await database.query(
    `INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement, metadata)
     SELECT md5('d' || d)::uuid, 'd' || d, 'd' || d || '_ohlcv', 'd' || d || '_ind',
            jsonb_build_object('filler', repeat('x', $1::int / 20))
     FROM generate_series(1, 20) AS d`,
    [LARGE_BYTES],
  );
  return database;
}

/** The database's URL for a server, so that its sessions are known among all. */
function urlForServer({ url }: TestDatabase): string {
  return `${url}?application_name=served`;
}

/** The sessions of the server, or those of them that are in a state. */
async function sessions(database: TestDatabase, state?: "active"): Promise<number> {
  const rows = await database.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'served' AND state = coalesce($1, state)`,
    [state],
  );
  return rows.length;
}

/** A session beside the server that holds up whoever asks for a table, until it is let go. */
async function lock({ url }: TestDatabase, table: string) {
  const client = await openClient(url);
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return { release: () => client.end() };
}

/** Waits until a server has all the connections that it keeps, but for those of its pool. */
async function hears({ url }: Serving, asking: Asking = {}): Promise<void> {
  await until(async () => (await get(url, "/readyz", asking)).body.includes('"listener":"hears"'));
}

/** A server that is left alone holds what it held before, wrote nothing of errors, and ends in order. */
async function expectNoLeak(server: Serving, before: Figures, asking: Asking = {}): Promise<void> {
  await until(async () => (await figuresOf(server.url, asking)).sockets <= before.sockets);
  const { heap, external, waiting, total, idle } = await figuresAfterCollection(server, asking);
  expect({ waiting, busy: total - idle }).toEqual({ waiting: 0, busy: 0 });
  expect(heap + external - before.heap - before.external).toBeLessThan(LARGE_BYTES / 2);
  expect(troublesIn(server.output())).toEqual([]);
  server.kill("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
}

describe.concurrent("a server with one connection to its database", () => {
  const operator = createToken("operator", "admin");
  const reader = createToken("reader", "read");
  const asking = { token: operator.secret };
  const MAX_CONNECTIONS = 20;
  let folder: string;
  let database: TestDatabase;
  let server: Serving;
  let before: Figures;
  beforeAll(async () => {
    folder = await makeFolder();
    database = await createRows();
    const file = join(folder, "tokens");
    await writeFile(file, `${operator.line}\n${reader.line}\n`);
    server = await serveCollectable([], {
      env: {
        DATABASE_URL: urlForServer(database),
        STAGE1_TOKENS_FILE: file,
        STAGE1_DATABASE_CONNECTIONS: "1",
        STAGE1_DEADLINE_MS: "120000", // longer than a test waits: what ends before was cancelled
        STAGE1_MAX_CONNECTIONS: String(MAX_CONNECTIONS),
      },
    });
    await hears(server, asking);
    for (const query of ONE_OF_EACH) await ask(server.url, query, asking);
    before = await figuresAfterCollection(server, asking);
  });
  afterAll(async () => {
    server.killGroup("SIGKILL");
    await server.exit;
    await database.drop();
    await removeFolder(folder);
  });

  test.sequential("hangs up on more clients than there may be, and serves those that are there", async () => {
    const request = requestText(JSON.stringify({ query: COUNT }), { authorization: `Bearer ${operator.secret}` });
    const lines = await Promise.all(Array.from({ length: MAX_CONNECTIONS + 5 }, () => openLine(server.url)));
    const over = await Promise.race(lines.map(({ closed }, i) => closed.then((received) => ({ i, received }))));
    expect(over.received).toBe("");
    await until(() => lines.filter(({ socket }) => !socket.closed).length === MAX_CONNECTIONS);
    const first = lines.find(({ socket }) => !socket.closed);
    first?.socket.write(request);
    await new Promise((resolve) => first?.socket.once("data", resolve));
    for (const { socket } of lines) socket.destroy();
    expect(await first?.closed).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"datasets":\{"totalCount":20\}\}/);
    await until(async () => (await ask(server.url, COUNT, asking).catch(() => undefined))?.status === 200);
  });

  test.sequential("ends the answer that is being sent to a token that is revoked", async () => {
    const text = requestText(JSON.stringify({ query: LARGE }), { authorization: `Bearer ${reader.secret}` });
    const slow = await readSlowly(server.url, text);
    expect(slow.status).toBe(200);
    expect(slow.length).toBeGreaterThan(LARGE_BYTES);
    await writeFile(join(folder, "tokens"), `${operator.line}\n`);
    server.kill("SIGHUP");
    // Such a question may be under way when that happens, and is cut off too.
    const asReader = () => ask(server.url, COUNT, { token: reader.secret }).catch(() => undefined);
    await until(async () => (await asReader())?.status === 401);
    expect(await slow.rest()).toBeLessThan(IN_BUFFERS);
    expect(await ask(server.url, COUNT, asking)).toMatchObject({ status: 200 });
  });

  test.sequential("keeps nothing of what is long and wrong", async () => {
    // Each another, as where somebody means it.
    for (let i = 0; i < 10; i += 1) {
      const padding = " ".repeat(500_000);
      for (const query of [`{ nothing${i} }`, `{ __typename${i} `, `{ __schema { queryType { name } } } #${i}`]) {
        await ask(server.url, `${query}${padding}`, asking);
      }
    }
    // What that leaves behind would be found below.
  });

  test.sequential("tells clients that its pool is exhausted, and cancels what nobody waits for any more", async () => {
    const held = await lock(database, "stage1_datasets");
    const client = new AbortController();
    const asked = { ...asking, signal: client.signal };
    const gone = [ask(server.url, COUNT, asked)];
    await until(async () => (await sessions(database, "active")) === 1);
    const others = [1, 2, 3].map(() => ask(server.url, COUNT, asking));
    // The database is all right: to send requests elsewhere would help nobody.
    expect(await get(server.url, "/readyz", asking)).toMatchObject({ status: 200 });
    expect(await get(server.url, "/livez")).toMatchObject({ status: 200 });
    for (const reply of await Promise.all(others)) {
      expect(reply.status).toBe(503);
      expect(errorCode(reply)).toBe("DATABASE_UNAVAILABLE");
      expect(reply.body).toContain("All connections to the database are busy");
    }
    expect(server.output().match(/raise STAGE1_DATABASE_CONNECTIONS/g)).toHaveLength(1);
    expect(await sessions(database, "active")).toBe(1);
    gone.push(ask(server.url, BY_GRAPHQL_JS, asked));
    await until(async () => (await figuresOf(server.url, asking)).waiting === 1);
    client.abort();
    expect((await Promise.allSettled(gone)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await until(async () => (await figuresOf(server.url, asking)).waiting === 0);
    await until(async () => (await sessions(database, "active")) === 0);

    const waiting = ask(server.url, COUNT, asking);
    await until(async () => (await sessions(database, "active")) === 1);
    await held.release();
    expect(await waiting).toMatchObject({ status: 200 });
    const all = await Promise.all([1, 2, 3].map(() => ask(server.url, COUNT, asking)));
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test.sequential("is as it was before", async () => {
    expect(await get(server.url, "/readyz", asking)).toMatchObject({ status: 200 });
    // Its one, the one that hears of changes, and that of the question before: those that are idle go after ten seconds.
    expect(await sessions(database)).toBeLessThanOrEqual(3);
    expect(await sessions(database, "active")).toBe(0);
    await expectNoLeak(server, before, asking);
  });
});

describe.concurrent("a server that gives its clients little time", () => {
  const IDLE = 500;
  const SLOW = ["slow.1", "slow.2"];
  const ENV = {
    STAGE1_DEADLINE_MS: "3000",
    STAGE1_SEND_MS: "1000",
    STAGE1_MAX_CONCURRENT: "0",
    STAGE1_LOG_LEVEL: "debug",
  };
  let database: TestDatabase;
  let server: Serving;
  let before: Figures;
  beforeAll(async () => {
    database = await createRows();
    server = await serveCollectable([], { env: { DATABASE_URL: urlForServer(database), ...ENV } });
    await hears(server);
    for (const query of ONE_OF_EACH) await ask(server.url, query);
    before = await figuresAfterCollection(server);
  });
  afterAll(async () => {
    server.killGroup("SIGKILL");
    await server.exit;
    await database.drop();
  });

  /** What is held for all of these clients, who are there at once: each large answer at most twice, and little for a connection. */
  const expectBounded = async () => {
    const { heap, external } = await figuresAfterCollection(server);
    const bound = (SLOW.length + 1) * 2 * LARGE_BYTES + IDLE * 20_000;
    expect(heap + external - before.heap - before.external).toBeLessThan(bound);
  };
  /** Whether others are served. */
  const serves = async () => (await ask(server.url, COUNT)).status === 200;

  test("cuts off who takes an answer slowly", async () => {
    const query = JSON.stringify({ query: LARGE });
    const gone = await readSlowly(server.url, requestText(query, { "x-request-id": "gone" }));
    gone.leave();
    await server.waitFor(/"requestId":"gone".*"outcome":"CLIENT_GONE"/);
    const slow = await Promise.all(
      SLOW.map((id) => readSlowly(server.url, requestText(query, { "x-request-id": id }))),
    );
    for (const { status, length } of slow) {
      expect(status).toBe(200);
      expect(length).toBeGreaterThan(LARGE_BYTES);
    }
    await expectBounded();
    expect(await serves()).toBe(true);
    for (const id of SLOW) await server.waitFor(new RegExp(`"requestId":"${id}".*"outcome":"CLIENT_GONE"`));
    // Only now, since who reads on is sent all of it.
    for (const { rest } of slow) expect(await rest()).toBeLessThan(IN_BUFFERS);
  });

  test("serves beside 500 clients that are only connected, and lets go of them", async () => {
    const request = requestText(JSON.stringify({ query: COUNT }));
    const lines: Line[] = [];
    // Those that never ask, and those that asked once.
    // Many at a time, so that the last comes before the first is let go of.
    while (lines.length < IDLE) {
      const texts = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? "" : request));
      lines.push(...(await Promise.all(texts.map((text) => openLine(server.url, text)))));
    }
    const { sockets } = await figuresOf(server.url);
    expect(sockets).toBeGreaterThanOrEqual(IDLE);
    await expectBounded();
    expect(await serves()).toBe(true);
    const received = await Promise.all(lines.map(({ closed }) => closed));
    expect(received.filter((text) => text.startsWith("HTTP/1.1 200 OK"))).toHaveLength(IDLE / 2);
  });

  test("gives up a request of which only a part comes", async () => {
    const parts = ["POST /graphql HTTP/1.1\r\nHost: loc", requestText('{"query"', { "content-length": "100" })];
    const lines = await Promise.all(parts.map((part) => openLine(server.url, part)));
    expect(await serves()).toBe(true);
    for (const { closed } of lines) expect(await closed).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("says that the time is over for a statement, and cancels it", async () => {
    const held = await lock(database, "walkforward_runs");
    const reply = ask(server.url, "{ datasets { nodes { runs { totalCount } } } }");
    await until(async () => (await sessions(database, "active")) === 1);
    expect(await serves()).toBe(true);
    expect(errorCode(await reply)).toBe("TIMEOUT");
    await until(async () => (await sessions(database, "active")) === 0);
    await held.release();
  });

  test.sequential("is as it was before", async () => {
    await expectNoLeak(server, before);
  });
});

test.concurrent("a server that may open no more files tells clients to come again, and serves once some have gone", async () => {
  const database = await createDatabase();
  const limited = ["-c", 'ulimit -n 80; exec "$0" "$@"', process.execPath, CLI, "serve", "--port", "0"];
  const server = await ready(
    startForTest("sh", limited, { env: { DATABASE_URL: database.url, STAGE1_CACHE_MB: "0" }, outlivesTest: true }),
  );
  try {
    const lines = await Promise.all(Array.from({ length: 100 }, () => openLine(server.url)));
    await until(() => lines.some(({ socket }) => socket.closed));
    const request = requestText(JSON.stringify({ query: COUNT }), { connection: "close" });
    for (const { socket } of lines) socket.write(request);
    const statuses = (await Promise.all(lines.map(({ closed }) => closed))).map((text) => text.slice(9, 12));
    expect(statuses).toContain("503");
    expect(statuses.filter((status) => !["", "200", "503"].includes(status))).toEqual([]);
    await until(async () => (await ask(server.url, COUNT).catch(() => undefined))?.status === 200);
    expect(server.output()).toContain("this process may open no more files");
    expect(troublesIn(server.output())).toEqual([]);
    server.kill("SIGTERM");
    expect(await server.exit).toEqual({ code: 0, signal: null });
  } finally {
    server.killGroup("SIGKILL");
    await server.exit;
    await database.drop();
  }
});

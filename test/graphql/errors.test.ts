import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool, openClient } from "../../src/db/pool.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
  await insertLineage(database, { datasets: 3, runs: 1, simulations: 1 });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };

test("a lookup that finds nothing answers null without an error", async () => {
  const none = "00000000-0000-0000-0000-000000000000";
  const query = `{
    dataset(by: { datasetSlug: "nobody's" }) { id }
    byId: dataset(by: { datasetId: "${none}" }) { id }
    run(by: { runId: "${none}" }) { id }
    byMeasurement: run(by: { measurement: { datasetId: "${none}", predictionMeasurement: "x" } }) { id }
    simulation(simulationId: "${none}") { id }
    node(id: "${Buffer.from(`Dataset:${none}`).toString("base64url")}") { id }
    measurement(name: "nobody's") { role }
  }`;
  expect(await server.data(query)).toEqual({
    dataset: null,
    byId: null,
    run: null,
    byMeasurement: null,
    simulation: null,
    node: null,
    measurement: [],
  });
});

test.for([
  ["a syntax error", "{ datasets {"],
  ["an unknown field", "{ datasets { nodes { secret } } }"],
  [
    "two names for a dataset",
    '{ dataset(by: { datasetSlug: "a", datasetId: "11111111-2222-3333-4444-555555555555" }) { id } }',
  ],
  ["no name for a dataset", "{ dataset(by: {}) { id } }"],
  ["a literal that is no UUID", '{ simulation(simulationId: "abc") { id } }'],
  ["a literal that is no DateTime", '{ datasets(filter: { updatedAfter: "now" }) { totalCount } }'],
  ["a number past an Int", "{ datasets(first: 99999999999) { totalCount } }"],
  ["a global id that was made up", '{ node(id: "abc") { id } }'],
  ["a global id of a type that is no node", `{ node(id: "${Buffer.from("Query:1").toString("base64url")}") { id } }`],
  ["NUL in a name", '{ measurement(name: "a\\u0000") { role } }'],
  ["a search for more than any name has", `{ datasets(filter: { search: "${"a".repeat(1_001)}" }) { totalCount } }`],
  ["NUL in a slug", '{ dataset(by: { datasetSlug: "a\\u0000" }) { id } }'],
])("%s is BAD_USER_INPUT", async ([, query]) => {
  const { errors } = await server.send(query ?? "");
  expect(errors?.map((error) => error.extensions.code)).toEqual(["BAD_USER_INPUT"]);
  expect(server.internalErrors).toEqual([]);
});

test("a cursor that names no list is BAD_CURSOR before the database is asked, also of a list below a row", async () => {
  const list = "datasets(first: 1) { nodes { runs { edges { cursor } } } }";
  const { datasets } = await server.data<{ datasets: { nodes: { runs: { edges: { cursor: string }[] } }[] } }>(
    `{ ${list} }`,
  );
  const cursor = datasets.nodes[0]?.runs.edges[0]?.cursor ?? "";
  const [, ...position] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as string[];
  for (const scope of ["\0", "", "x".repeat(13)]) {
    const madeUp = Buffer.from(JSON.stringify([scope, ...position])).toString("base64url");
    const { errors } = await server.send(
      `{ datasets(first: 1) { nodes { runs(after: "${madeUp}") { totalCount } } } }`,
    );
    expect(errors?.map((error) => error.extensions.code)).toEqual(["BAD_CURSOR"]);
  }
  expect(server.failedStatements).toEqual([]);
});

test("a body that is no GraphQL request is refused with a code, and the server goes on", async () => {
  for (const body of [
    "",
    "{",
    "[]",
    "null",
    '"x"',
    "{}",
    '{"query":7}',
    '{"query":"{ __typename }","variables":"x"}',
    "\xff\xfe",
  ]) {
    const headers = { ...JSON_HEADERS, accept: "application/graphql-response+json" };
    const response = await fetch(server.url, { method: "POST", headers, body });
    const answer = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(response.status, body).toBeGreaterThanOrEqual(400);
    expect(response.status, body).toBeLessThan(500);
    expect(answer.errors[0]?.extensions.code, body).toBe("BAD_USER_INPUT");
  }
  expect(await server.data("{ __typename }")).toEqual({ __typename: "Query" });
});

test("a query that is nested too deeply to be validated is refused, and the process goes on", async () => {
  const nested = `${"a{".repeat(1500)}a${"}".repeat(1500)}`;
  const { errors } = await server.send(`{${nested} ${nested}}`);
  expect(errors?.[0]?.extensions.code).toMatch(/QUERY_TOO_EXPENSIVE|BAD_USER_INPUT/);
  expect(await server.data("{ __typename }")).toEqual({ __typename: "Query" });
});

test("a defect shows the client an id and nothing else; the log has the cause, once, under that id", async () => {
  await database.query("ALTER TABLE walkforward_runs RENAME COLUMN target_column TO moved_away");
  try {
    const { data, errors } = await server.send(
      "{ datasets { nodes { datasetSlug runs { nodes { targetColumn } } } } }",
    );
    expect(data).toBeNull();
    expect(errors).toHaveLength(1);
    const [error] = errors ?? [];
    expect(error?.extensions).toEqual({ code: "INTERNAL_SERVER_ERROR", id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(error?.message).not.toMatch(/target_column|walkforward|column|select/i);
    expect(server.internalErrors).toHaveLength(1);
    expect(String(server.internalErrors.pop())).toMatch(/target_column/);
  } finally {
    await database.query("ALTER TABLE walkforward_runs RENAME COLUMN moved_away TO target_column");
  }
});

test("a statement that takes too long is TIMEOUT, and its connection goes on to serve", async () => {
  await database.query("ALTER TABLE stage1_datasets RENAME TO kept_datasets");
  await database.query(`
    CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN RAISE query_canceled USING MESSAGE = 'canceling statement due to statement timeout'; END $$;
    CREATE VIEW stage1_datasets AS SELECT * FROM kept_datasets WHERE slow()`);
  const { errors } = await server.send("{ datasets { nodes { id } } }");
  expect(errors?.map((error) => error.extensions.code)).toEqual(["TIMEOUT"]);
  await database.query("DROP VIEW stage1_datasets; ALTER TABLE kept_datasets RENAME TO stage1_datasets");
  expect(await server.data("{ datasets { totalCount } }")).toEqual({ datasets: { totalCount: 3 } });
});

test("a connection that is lost while its statement runs is DATABASE_UNAVAILABLE, and the process goes on", async () => {
  const blocker = await openClient(database.url);
  await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
  const answer = server.send("{ datasets { nodes { id } } }");
  const waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await expect.poll(() => database.query(`SELECT ${waiting}`)).toHaveLength(1);
  await database.query(`SELECT pg_terminate_backend(pid) ${waiting}`);
  expect((await answer).errors?.map((error) => error.extensions.code)).toEqual(["DATABASE_UNAVAILABLE"]);
  await blocker.end();
  expect(await server.data("{ datasets { totalCount } }")).toEqual({ datasets: { totalCount: 3 } });
});

test("a statement that runs into the pool's limit is cancelled", async () => {
  const pool = createPool({ url: database.url, max: 1, statementTimeoutMs: 50, onIdleError: () => {} });
  await expect(pool.query("SELECT pg_sleep(60)")).rejects.toMatchObject({ code: "57014" });
  expect(await pool.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await pool.end();
});

const MANY = { accept: "a/b,".repeat(1000) };

test("what Yoga would stumble over, or a web page of another origin could send, is refused before it", async () => {
  const refused: [string, RequestInit & { path?: string }, number][] = [
    ["a form", { method: "POST", body: new URLSearchParams({ query: "{ __typename }" }) }, 415],
    ["plain text", { method: "POST", body: '{"query":"{ __typename }"}' }, 415],
    ["variables that are no JSON", { path: "?query={__typename}&variables={bad" }, 400],
    ["extensions that are no JSON", { path: "?query={__typename}&extensions=bad" }, 400],
    [
      "types that nobody sends, so many that a header of them all is too long",
      { path: "?query=x", headers: MANY },
      406,
    ],
  ];
  for (const [what, { path = "", ...init }, status] of refused) {
    const response = await fetch(server.url + path, init);
    expect(response.status, what).toBe(status);
    expect(await response.json(), what).toMatchObject({ errors: [{ extensions: { code: "BAD_USER_INPUT" } }] });
  }
  expect(await (await fetch(`${server.url}?x=/health`)).json()).toMatchObject({ errors: [{}] });
  const { port } = new URL(server.url);
  for (const [target, host, status] of [
    ["/graphql", "a b", 400],
    ["/graphql?query={__typename}", "a b", 400],
    ["/graphql?query={__typename}", "[::1]", 200],
    ["/graphql?query={__schema{__typename}}", "1.2.3.400", 403],
    ["/graphql?query={__schema{__typename}}", "", 400],
    ["http://other/graphql?query={__schema{__typename}}", "", 400],
    ["http://other/graphql?query={__schema{__typename}}", `127.0.0.1:${port}`, 200],
    ["http://other:1", "[::1]:4000", 302],
    ["*", "localhost", 404],
  ] as const) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    expect(answer, `${target} of ${host}`).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`));
    expect(answer).not.toMatch(/node_modules|^ +at /m);
  }
  const shouted = {
    method: "POST",
    headers: { "content-type": "Application/JSON" },
    body: '{"query":"{__schema{__typename}}"}',
  };
  expect(await (await fetch(server.url, shouted)).json()).toMatchObject({ data: {} });
  const deep = `{ datasets(filter: { search: ${"[".repeat(20_000)}${"]".repeat(20_000)} }) { totalCount } }`;
  expect((await server.send(deep)).errors?.[0]?.extensions.code).toBe("QUERY_TOO_EXPENSIVE");
  expect(server.internalErrors).toEqual([]);
});

test("a database that is away is DATABASE_UNAVAILABLE with status 503, and is found again", async () => {
  const proxy = await startProxy(Number(new URL(database.url).port));
  const through = new URL(database.url);
  through.port = String(proxy.port);
  const behind = await startServer({ ...database, url: through.href });
  const ask = () =>
    fetch(behind.url, { method: "POST", headers: JSON_HEADERS, body: '{"query":"{ datasets { totalCount } }"}' });
  expect(await (await ask()).json()).toEqual({ data: { datasets: { totalCount: 3 } } });

  proxy.cut();
  const away = await ask();
  expect(away.status).toBe(503);
  expect(await away.json()).toMatchObject({ errors: [{ extensions: { code: "DATABASE_UNAVAILABLE" } }] });
  expect(behind.internalErrors).toEqual([]);

  proxy.mend();
  expect(await (await ask()).json()).toEqual({ data: { datasets: { totalCount: 3 } } });
  await behind.close();
  await proxy.close();
});

/** Passes bytes on to a port of this machine, until it is cut: then every connection is closed, old or new. */
async function startProxy(target: number) {
  const sockets = new Set<Socket>();
  let open = true;
  const proxy = createServer((client) => {
    if (!open) return client.destroy();
    const upstream = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
    return undefined;
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    cut,
    mend: () => {
      open = true;
    },
    close: () => new Promise((resolve) => proxy.close(resolve)),
  };
}

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { Quotas } from "../../src/http/quotas.ts";
import { createToken, openTokens } from "../../src/http/tokens.ts";
import { makeFolder, removeFolder } from "../commands/cli.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

const LAB = "https://lab.example:8443";
const QUERY = '{"query":"query Count { datasets { totalCount } }"}';
const UPSERT = JSON.stringify({
  query: `mutation Save { upsertDataset(input: { datasetId: "11111111-2222-3333-4444-555555555555", datasetSlug: "saved",
    ohlcvMeasurement: "a", indicatorMeasurement: "b" }) { userErrors { code } } }`,
});

let database: TestDatabase;
let server: TestServer;
let open: TestServer;
let folder: string;
const made = {
  reader: createToken("reader", "read"),
  writer: createToken("writer", "write"),
  admin: createToken("admin", "admin"),
};
const secrets = { reader: made.reader.secret, writer: made.writer.secret, admin: made.admin.secret };
let file: string;
const keep = (...names: (keyof typeof made)[]) => writeFileSync(file, names.map((name) => made[name].line).join("\n"));

beforeAll(async () => {
  database = await createDatabase();
  folder = await makeFolder();
  file = `${folder}/tokens`;
  keep("reader", "writer", "admin");
  tokens = openTokens({ file: { path: file, named: true } });
  server = await startServer(database, { tokens, origins: [LAB] });
  open = await startServer(database, { origins: [LAB] });
  await insertLineage(database, { datasets: 3, runs: 1, simulations: 1 });
});
afterAll(async () => {
  expect([...server.internalErrors, ...open.internalErrors]).toEqual([]);
  await server.close();
  await open.close();
  await removeFolder(folder);
  await database.drop();
});
let tokens: ReturnType<typeof openTokens>;

interface Asked {
  readonly to?: TestServer;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** By node:http, since fetch forbids to set the headers that browsers set. */
function ask({ to = server, method = "POST", path = "/graphql", headers = {}, body = QUERY }: Asked = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string; code: string | undefined }>(
    (resolve, reject) => {
      const isPost = method === "POST";
      const sent = request(
        new URL(path, to.url),
        { method, headers: { ...(isPost && { "content-type": "application/json" }), ...headers } },
        async (response) => {
          const answer = await text(response);
          const errors = answer.startsWith("{")
            ? (JSON.parse(answer) as { errors?: { extensions: { code: string } }[] }).errors
            : undefined;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: answer,
            code: errors?.[0]?.extensions.code,
          });
        },
      );
      sent.on("error", reject);
      sent.end(isPost ? body : undefined);
    },
  );
}
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
/** The statements that wait for a lock. */
const waits = () =>
  database.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");

describe("who asks", () => {
  const strangers: [what: string, headers: Record<string, string>][] = [
    ["nobody", {}],
    ["a token that is not known", bearer(createToken("reader", "admin").secret)],
    ["a hash instead of its token", bearer(made.admin.line.split(" ")[2] ?? "")],
    ["an empty token", { "x-stage1-token": "" }],
    ["another scheme", { authorization: `Basic ${Buffer.from(`reader:${secrets.reader}`).toString("base64")}` }],
    ["two tokens", { ...bearer(secrets.reader), "x-stage1-token": secrets.writer }],
    ["a token and no token", { ...bearer(secrets.reader), "x-stage1-token": "" }],
    ["a token in capitals", bearer(secrets.reader.toUpperCase())],
    ["a token without the word before it", { authorization: secrets.reader }],
  ];
  test.each(strangers)("%s is UNAUTHENTICATED, before anything is read", async (_, headers) => {
    server.statements();
    for (const asked of [
      {},
      { body: UPSERT },
      { body: "not JSON" },
      { method: "GET", path: "/graphql?query={__typename}" },
      { body: '{"query":"{__schema{types{name}}}"}' },
    ]) {
      const answer = await ask({ ...asked, headers });
      expect([answer.status, answer.code]).toEqual([401, "UNAUTHENTICATED"]);
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer /);
      for (const secret of Object.values(secrets)) expect(answer.body).not.toContain(secret);
    }
    expect(server.statements()).toEqual([]);
  });

  test.each([
    ["Authorization", bearer],
    ["Authorization, in another case", (secret: string) => ({ authorization: `bearer  ${secret} ` })],
    ["X-Stage1-Token", (secret: string) => ({ "x-stage1-token": secret })],
    [
      "X-Stage1-Token beside a proxy's own Authorization",
      (secret: string) => ({ authorization: "Basic YTpi", "x-stage1-token": secret }),
    ],
    ["both", (secret: string) => ({ ...bearer(secret), "x-stage1-token": secret })],
  ])("%s lets in", async (_, headersOf) => {
    for (const secret of Object.values(secrets))
      expect(await ask({ headers: headersOf(secret) })).toMatchObject({ status: 200 });
  });

  test("a reader reads, introspects and sees GraphiQL, but writes nothing; who may write is in the audit", async () => {
    server.statements();
    expect(await ask({ headers: bearer(secrets.reader), body: UPSERT })).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
    });
    const hidden = UPSERT.replace("mutation Save", "query Read { __typename } mutation Save");
    expect(
      await ask({
        headers: bearer(secrets.reader),
        body: JSON.stringify({ ...JSON.parse(hidden), operationName: "Save" }),
      }),
    ).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(server.statements()).toEqual([]);
    expect(
      await ask({ headers: bearer(secrets.reader), body: '{"query":"{ __schema { queryType { name } } }"}' }),
    ).toMatchObject({ status: 200, code: undefined });
    const graphiql = await ask({ method: "GET", headers: { ...bearer(secrets.reader), accept: "text/html" } });
    expect(graphiql.status).toBe(200);
    expect(graphiql.body).toContain("YogaGraphiQL");

    for (const who of ["writer", "admin"] as const) {
      const answer = await ask({ headers: { ...bearer(secrets[who]), "x-request-id": `from-${who}` }, body: UPSERT });
      expect(answer).toMatchObject({ status: 200, code: undefined });
      expect(answer.headers["x-request-id"]).toBe(`from-${who}`);
    }
    expect(
      await database.query("SELECT token, operation, ids, request_id FROM stage1_audit ORDER BY audit_id"),
    ).toEqual(
      ["writer", "admin"].map((who) => ({
        token: who,
        operation: "upsertDataset",
        ids: ["11111111-2222-3333-4444-555555555555"],
        request_id: `from-${who}`,
      })),
    );
  });

  test("an id that is no plain word is not taken over", async () => {
    for (const id of ["a b", "x".repeat(65), "<script>", ""]) {
      const answer = await ask({ headers: { ...bearer(secrets.reader), "x-request-id": id } });
      expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe("what a browser can be tricked into", () => {
  const FOREIGN = "https://evil.example";
  const tricks: [what: string, asked: Asked][] = [
    ["a page of another origin that posts", { headers: { origin: FOREIGN } }],
    ["a sandboxed frame that posts", { headers: { origin: "null" } }],
    ["a page of another port", { headers: { origin: "http://127.0.0.1:1", "sec-fetch-site": "same-site" } }],
    [
      "a script or an image of another site",
      {
        method: "GET",
        path: "/graphql?query={__typename}",
        headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
      },
    ],
    [
      "a page of another origin that looks at the metrics",
      { method: "GET", path: "/metrics", headers: { origin: FOREIGN } },
    ],
    [
      "a preflight of another origin",
      { method: "OPTIONS", headers: { origin: FOREIGN, "access-control-request-method": "POST" } },
    ],
  ];
  test.each(tricks)("%s is refused, with a token too, and no header lets its page read", async (_, asked) => {
    for (const to of [server, open]) {
      const answer = await ask({
        ...asked,
        to,
        headers: { ...asked.headers, ...(to === server ? bearer(secrets.admin) : {}) },
      });
      expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });

  test("a name that leads here by a trick is refused where there are no tokens, and needs one otherwise", async () => {
    const { port } = new URL(open.url);
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.evil.example"]) {
      expect(await ask({ to: open, headers: { host, origin: `http://${host}` } }), host).toMatchObject({ status: 403 });
      expect(await ask({ headers: { host } }), host).toMatchObject({ status: 401 });
    }
    for (const host of [
      "localhost",
      `127.0.0.1:${port}`,
      "[::1]:4000",
      "box",
      "box:80",
      "a.localhost",
      "lab.example:8443",
    ]) {
      expect(await ask({ to: open, headers: { host } }), host).toMatchObject({ status: 200 });
    }
  });

  test("our own pages, links from anywhere, and what is no browser are let in", async () => {
    const { host, origin } = new URL(open.url);
    for (const headers of [
      { origin },
      { origin, "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
      { origin: `https://${host}` },
    ] as Record<string, string>[]) {
      expect(await ask({ to: open, headers })).toMatchObject({ status: 200 });
    }
    const link = { accept: "text/html", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const page = await ask({ to: open, method: "GET", path: "/graphql?query={datasets{totalCount}}", headers: link });
    expect(page.body).toContain("YogaGraphiQL");
    expect(page.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  });

  test("a listed origin asks by preflight, reads the answer with its tag, and gets the refusals too", async () => {
    const preflight = await ask({
      method: "OPTIONS",
      headers: { origin: LAB, "access-control-request-method": "POST" },
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: { "access-control-allow-origin": LAB, "access-control-allow-methods": "GET, POST" },
    });
    expect(preflight.headers["access-control-allow-headers"]).toContain("x-stage1-token");
    const headers = { origin: LAB, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
    const answer = await ask({ headers: { ...headers, ...bearer(secrets.reader) } });
    expect(answer).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": LAB, vary: expect.stringContaining("origin") },
    });
    expect(await ask({ headers })).toMatchObject({ status: 401, headers: { "access-control-allow-origin": LAB } });
  });
});

describe("how much", () => {
  test("more requests in a second than the limit are refused, by token, and told when to come again", async () => {
    const few = await startServer(database, { tokens, limits: { rate: 1 } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask({ to: few, headers: bearer(secrets.reader) })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { code, headers } of refused) expect([code, headers["retry-after"]]).toEqual(["TOO_MANY_REQUESTS", "1"]);
    expect(await ask({ to: few, headers: bearer(secrets.writer) })).toMatchObject({ status: 200 });
    await few.close();
  });

  test("a token may send as many requests at once as in a second, and those that come back as time goes on", () => {
    const quotas = new Quotas({ concurrent: 0, rate: 4 });
    const letIn = (token: string | null, now: number) => {
      try {
        quotas.enter(token, now);
        return true;
      } catch {
        return false;
      }
    };
    expect([0, 0, 0, 0, 0].map((now) => letIn("a", now))).toEqual([true, true, true, true, false]);
    expect(letIn("b", 0)).toBe(true);
    expect([249, 250, 250].map((now) => letIn("a", now))).toEqual([false, true, false]);
    expect([9_000, 9_000, 9_000, 9_000, 9_000].map((now) => letIn("a", now))).toEqual([true, true, true, true, false]);
  });

  test("more requests at once than the limit are refused, until one is answered", async () => {
    const few = await startServer(database, { tokens, limits: { concurrent: 2 } });
    const blocker = await openClient(database.url);
    await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
    const asked = () => ask({ to: few, headers: bearer(secrets.reader) });
    const slow = [asked(), asked()];
    await expect.poll(waits).toHaveLength(2);
    expect(await asked()).toMatchObject({ status: 429 });
    expect(await ask({ to: few, headers: bearer(secrets.writer), body: '{"query":"{ __typename }"}' })).toMatchObject({
      status: 200,
    });
    await blocker.end();
    for (const { status } of await Promise.all(slow)) expect(status).toBe(200);
    expect(await asked()).toMatchObject({ status: 200 });
    await few.close();
  });

  test("the statements of one token leave connections to others", async () => {
    const blocker = await openClient(database.url);
    await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
    const reading = Array.from({ length: 6 }, () => ask({ headers: bearer(secrets.reader) }));
    await expect.poll(waits).toHaveLength(4); // of five connections
    const writing = ask({ headers: bearer(secrets.writer) });
    await expect.poll(waits).toHaveLength(5);
    await blocker.end();
    for (const { status } of await Promise.all([...reading, writing])) expect(status).toBe(200);
  });

  test("requests that wait behind another of their connection are let go of with it", async () => {
    const few = await startServer(database, { tokens, limits: { concurrent: 3 } });
    const blocker = await openClient(database.url);
    await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
    const { port, pathname } = new URL(few.url);
    const one = `POST ${pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secrets.reader}\r\nContent-Type: application/json\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`;
    // Not of the table that is locked: it is answered where there is room.
    const quick = () => ask({ to: few, headers: bearer(secrets.reader), body: '{"query":"{ __typename }"}' });
    for (let turn = 0; turn < 3; turn += 1) {
      const socket = connect(Number(port), "127.0.0.1");
      socket.write(one.repeat(3));
      await expect.poll(quick).toMatchObject({ status: 429 });
      socket.destroy();
      await expect.poll(quick).toMatchObject({ status: 200 });
    }
    // Behind many, Node would not hear of the connection's end.
    const crowded = connect(Number(port), "127.0.0.1");
    const closed = new Promise((resolve) => crowded.once("error", resolve));
    crowded.write(one + "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".repeat(16));
    await expect.poll(waits).toHaveLength(1);
    crowded.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500));
    expect(await closed).toMatchObject({ code: "ECONNRESET" });
    await expect.poll(waits).toEqual([]);
    await blocker.end();
    await few.close();
  });

  test("the deadline is passed down to the statement, and is TIMEOUT", async () => {
    const hasty = await startServer(database, { limits: { deadlineMs: 2_000 } });
    const blocker = await openClient(database.url);
    await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
    const answer = ask({ to: hasty });
    await expect.poll(waits).toHaveLength(1);
    expect(await answer).toMatchObject({ status: 200, code: "TIMEOUT" });
    await expect.poll(waits).toEqual([]);
    await blocker.end();
    await hasty.close();
  });
});

describe("for whoever watches over it", () => {
  test("/livez and /readyz answer strangers with a word, and an admin with details", async () => {
    for (const path of ["/livez", "/readyz", "/readyz?x"]) {
      const answer = await ask({ method: "GET", path });
      expect(answer.status).toBe(200);
      expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(["status"]);
      expect(await ask({ method: "POST", path })).toMatchObject({ status: 405 });
    }
    for (const who of ["reader", "writer"] as const) {
      expect((await ask({ method: "GET", path: "/readyz", headers: bearer(secrets[who]) })).body).toBe(
        '{"status":"ready"}',
      );
    }
    expect(JSON.parse((await ask({ method: "GET", path: "/readyz", headers: bearer(secrets.admin) })).body)).toEqual({
      status: "ready",
      pool: "as it is",
    });
  });

  test("/metrics is an admin's, and counts each request once, by a bounded number of operations", async () => {
    for (const [who, status] of [
      [undefined, 401],
      ["reader", 403],
      ["writer", 403],
      ["admin", 200],
    ] as const) {
      expect(await ask({ method: "GET", path: "/metrics", headers: who ? bearer(secrets[who]) : {} })).toMatchObject({
        status,
      });
    }
    const fresh = await startServer(database, { limits: { rate: 0 } });
    const metric = async (pattern: RegExp) =>
      Number(pattern.exec((await ask({ to: fresh, method: "GET", path: "/metrics" })).body)?.[1] ?? 0);
    await ask({ to: fresh });
    await ask({ to: fresh, body: '{"query":"query Count { nothing }"}' });
    await ask({ to: fresh, body: "no JSON" });
    await ask({
      to: fresh,
      body: '{"query":"query Loads { datasets { nodes { id } } nodes(ids: [\\"RGF0YXNldDox\\"]) { id } }"}',
    });
    const id = Buffer.from("Dataset:11111111-2222-3333-4444-555555555555").toString("base64url");
    await ask({
      to: fresh,
      body: JSON.stringify({ query: `query Loads { nodes(ids: ["${id}", "${id.replace("NTU", "NTY")}"]) { id } }` }),
    });
    await expect.poll(() => metric(/^stage1_requests_total\{operation="Count",outcome="OK"\} (\d+)/m)).toBe(1);
    await expect.poll(() => metric(/^stage1_request_duration_seconds_count (\d+)/m)).toBe(5);
    expect(await metric(/^stage1_request_statements_count (\d+)/m)).toBe(5);
    expect(await metric(/^stage1_requests_total\{operation="",outcome="BAD_USER_INPUT"\} (\d+)/m)).toBe(2);
    expect(await metric(/^stage1_loader_batch_size_count (\d+)/m)).toBeGreaterThanOrEqual(1);
    expect(await metric(/^stage1_pool_connections\{state="total"\} (\d+)/m)).toBeGreaterThanOrEqual(1);
    for (let i = 0; i < 120; i += 1)
      await ask({
        to: fresh,
        body: JSON.stringify({ query: `query Q${i}_${randomBytes(2).toString("hex")} { __typename }` }),
      });
    const { body } = await ask({ to: fresh, method: "GET", path: "/metrics" });
    for (const name of ["stage1_cached_answers_total", "stage1_cache_bytes"])
      expect(body).toMatch(new RegExp(`^${name} \\d+$`, "m"));
    expect(body.match(/^stage1_requests_total/gm)?.length).toBeLessThanOrEqual(105);
    expect(body).toContain('operation="(other)"');
    await fresh.close();
  });
});

/** The last, since it takes tokens away. */
describe("a token that is revoked", () => {
  test("counts no more, and what goes on for it is ended; others go on", async () => {
    const blocker = await openClient(database.url);
    await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
    const reading = (who: keyof typeof secrets) => ask({ headers: bearer(secrets[who]) });
    const cut = reading("reader").then(
      () => "answered",
      () => "cut",
    );
    const kept = reading("writer");
    await expect.poll(waits).toHaveLength(2);
    keep("writer", "admin");
    expect(tokens.reload().map(({ name }) => name)).toEqual(["reader"]);
    server.cutRevoked();
    expect(await cut).toBe("cut");
    await expect.poll(waits).toHaveLength(1);
    expect(await reading("reader")).toMatchObject({ status: 401 });
    await blocker.end();
    expect(await kept).toMatchObject({ status: 200 });
  });

  test("and the last one leaves nobody in", async () => {
    keep();
    tokens.reload();
    for (const secret of Object.values(secrets))
      expect(await ask({ headers: bearer(secret) })).toMatchObject({ status: 401 });
    expect(await ask()).toMatchObject({ status: 401 });
  });
});

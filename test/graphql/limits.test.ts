import { readFileSync } from "node:fs";
import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseWithin } from "../../src/graphql/query-limits.ts";
import { LIMITS as RANGES } from "../../src/limits.ts";
import { type Answer, createDatabase, LIMITS, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { insertLineage } from "../lineage.ts";

const DOCS = readFileSync(new URL("../../docs/limits.md", import.meta.url), "utf8");
const SMALL = {
  bodyBytes: 10_000,
  variablesBytes: 1_000,
  queryTokens: 200,
  depth: 6,
  aliases: 4,
  directives: 4,
  rootFields: 5,
  cost: 1_000,
  pageSize: 100,
};

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database, { limits: SMALL });
  await insertLineage(database, { datasets: 3, runs: 1, simulations: 1 });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const times = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(" ");
const NOBODY = JSON.stringify(
  Buffer.from(`Dataset:${"0".repeat(8)}-0000-0000-0000-000000000000`).toString("base64url"),
);

/** What is just allowed, and what is just too much; and a word of the refusal. */
const CASES: [what: string, allowed: string, refused: string, word: string][] = [
  [
    "tokens",
    `{ datasets(first: 1) { nodes { ${times(187, () => "id")} } } }`,
    `{ datasets(first: 1) { nodes { ${times(188, () => "id")} } } }`,
    "200",
  ],
  [
    "depth",
    "{ datasets { nodes { runs(first: 5) { nodes { dataset { id } } } } } }",
    "{ datasets { nodes { runs { nodes { dataset { runs { totalCount } } } } } } }",
    "7 fields deep",
  ],
  [
    "depth through fragments",
    "{ datasets(first: 9) { nodes { ...A } } } fragment A on Dataset { runs(first: 5) { nodes { dataset { id } } } }",
    "{ datasets { nodes { ...A } } } fragment A on Dataset { runs { nodes { ...B } } } fragment B on WalkforwardRun { dataset { runs { totalCount } } }",
    "7 fields deep",
  ],
  [
    "aliases",
    `{ datasets { nodes { ${times(4, (i) => `a${i}: id`)} } } }`,
    `{ datasets { nodes { ${times(5, (i) => `a${i}: id`)} } } }`,
    "5 aliases",
  ],
  [
    "aliases through fragments",
    "{ datasets { nodes { ...A ...A } } } fragment A on Dataset { a: id b: id }",
    "{ datasets { nodes { ...A ...A ...A } } } fragment A on Dataset { a: id b: id }",
    "6 aliases",
  ],
  [
    "directives",
    "{ datasets { nodes { id @skip(if: false) ...A @skip(if: false) } } } fragment A on Dataset { id @skip(if: false) ... @skip(if: false) { id } }",
    "{ datasets { nodes { id @skip(if: false) ...A @skip(if: false) ...A } } } fragment A on Dataset { id @skip(if: false) ... @skip(if: false) { id } }",
    "6 directives",
  ],
  [
    "directives of nobody",
    "{ __typename }",
    `query ($a: Int ${times(5, (i) => `@d${i}`)}) { datasets(first: $a) { totalCount } }`,
    "5 directives",
  ],
  ["root fields", `{ ${times(5, () => "__typename")} }`, `{ ${times(6, () => "__typename")} }`, "6 fields"],
  [
    "root fields through fragments",
    "{ ...A } fragment A on Query { __typename }",
    `{ ...A ...A ...A } fragment A on Query { __typename ... { __typename } }`,
    "6 fields",
  ],
  [
    "cost",
    "{ datasets(first: 99) { nodes { runs(last: 2) { nodes { runId } } } } }",
    "{ datasets(first: 99) { nodes { runs(last: 9) { nodes { runId } } } } }",
    "the limit is 1000",
  ],
  [
    "cost of pages by default",
    "{ datasets { nodes { runs(first: 9) { totalCount } } } }",
    "{ datasets { nodes { runs { nodes { runId } } } } }",
    "2602 values",
  ],
  [
    "cost through fragments",
    "{ datasets { nodes { ...A } } } fragment A on Dataset { id }",
    "{ datasets { nodes { ...A } } } fragment A on Dataset { runs { ...B } } fragment B on WalkforwardRunConnection { nodes { runId } }",
    "2602 values",
  ],
  [
    "cost of lists",
    "{ datasets { nodes { runs(first: 1) { nodes { folds { foldNumber } } } } } }",
    "{ datasets(first: 90) { nodes { runs(first: 1) { nodes { folds { foldNumber } } } } } }",
    "1172 values",
  ],
  [
    "cost of a list that says how long it may be",
    '{ measurement(name: "x") @skip(if: true) { role } __typename }',
    '{ measurement(name: "x") { role } }',
    "1001 values",
  ],
  [
    "introspection",
    "{ __schema { types { name } } }",
    "{ __schema { types { fields { args { name } } } } }",
    "the limit is 1000",
  ],
  [
    "nodes",
    `{ nodes(ids: [${times(40, () => NOBODY)}]) { ... on Dataset { runs(first: 20) { nodes { id } } } } }`,
    `{ nodes(ids: [${times(40, () => '""')}]) { ... on Dataset { runs(first: 50) { nodes { id } } } } }`,
    "the limit is 1000",
  ],
  [
    "a page",
    "{ datasets(first: 100) { nodes { id } } }",
    "{ datasets(first: 101) { nodes { id } } }",
    "`first` is 101: ask for 0 to 100 rows",
  ],
  [
    "a page from the end",
    "{ datasets(last: 100) { nodes { id } } }",
    "{ datasets(last: 101) { nodes { id } } }",
    "`last` is 101: ask for 0 to 100 rows",
  ],
];

test.each(CASES)(
  "%s: what is just within the limit is answered, what is beyond it is refused before any SQL",
  async (...row) => {
    const [, allowed, refused, word] = row;
    expect(await server.send(allowed), allowed).not.toHaveProperty("errors");
    server.statements();
    const { data, errors } = await server.send(refused);
    expect(errors, refused).toHaveLength(1);
    expect(errors?.[0]?.message).toContain(word);
    expect(errors?.[0]?.extensions.code).toBe(word.startsWith("`") ? "BAD_USER_INPUT" : "QUERY_TOO_EXPENSIVE");
    expect(data ?? null).toBeNull();
    expect(server.statements()).toEqual([]);
  },
);

test("what graphql-js is to answer may cost less, however it comes to that", async () => {
  const small = await startServer(database, { limits: { slowCost: 1_000 } });
  const query = "{ datasets { nodes { runs { nodes { runId } } } } }";
  const post = (headers: Record<string, string>, text: string) =>
    fetch(small.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query: text }),
    }).then((response) => response.json() as Promise<Answer<unknown>>);
  expect(await post({}, query)).not.toHaveProperty("errors");
  small.statements();
  for (const asked of [
    post({ accept: "application/json;q=1" }, query),
    post({}, query.replace(/\}$/, "__schema { __typename } }")),
  ]) {
    expect((await asked).errors?.[0]?.extensions.code).toBe("QUERY_TOO_EXPENSIVE");
  }
  expect(small.statements()).toEqual([]);
  await small.close();
});

test("introspection is within the defaults, and as deep as docs/limits.md says", () => {
  const query = getIntrospectionQuery();
  expect(() => parseWithin({ ...LIMITS, depth: 14 }, query)).toThrow("15 fields deep");
  expect(() => parseWithin({ ...LIMITS, depth: 15 }, query)).not.toThrow();
  expect(DOCS).toContain("15 fields deep");
});

test("a field that is asked for too often to be validated is no mistake of the client's", async () => {
  const usual = await startServer(database);
  const { errors } = await usual.send(`{ datasets(first: 1) { nodes { ${times(980, () => "symbol")} } } }`);
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["QUERY_TOO_EXPENSIVE"]);
  await usual.close();
});

test("a mutation that asks too much of what it wrote is refused, and nothing is written", async () => {
  const upsert = `mutation ($input: UpsertDatasetInput!, $runs: Int) {
    upsertDataset(input: $input) { dataset { datasetSlug runs(first: $runs) { nodes { ${times(10, () => "foldCount")} } } } userErrors { code } }
  }`;
  const input = {
    datasetId: "11111111-2222-3333-4444-555555555555",
    datasetSlug: "much",
    ohlcvMeasurement: "a",
    indicatorMeasurement: "b",
  };
  const { errors } = await server.send(upsert, { input, runs: 100 });
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["QUERY_TOO_EXPENSIVE"]);
  expect(await database.query("SELECT FROM stage1_datasets WHERE dataset_slug = 'much'")).toEqual([]);
  const { upsertDataset } = await server.data<{ upsertDataset: unknown }>(upsert, { input, runs: 5 });
  expect(upsertDataset).toMatchObject({ dataset: { datasetSlug: "much" } });
});

test("what is included by a variable counts, and what is skipped does not", async () => {
  const query = `query ($all: Boolean!, $few: Int = 1) {
    datasets(first: $few) { nodes { id } }
    more: datasets @include(if: $all) { nodes { runs { nodes { id } } } }
    most: datasets @skip(if: $all) { nodes { id } }
  }`;
  expect(await server.send(query, { all: false })).not.toHaveProperty("errors");
  expect((await server.send(query, { all: true })).errors?.[0]?.extensions.code).toBe("QUERY_TOO_EXPENSIVE");
  expect((await server.send(query, { all: false, few: 101 })).errors?.[0]?.message).toContain("`first` is 101");
});

async function post(body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  const answer = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  return { status: response.status, error: answer.errors?.[0] };
}

test("a body and its variables are refused by their size in bytes, before any SQL", async () => {
  const query = "query ($search: String) { datasets(filter: { search: $search }) { totalCount } }";
  const body = (search: string) => JSON.stringify({ query, variables: { search } });
  const padded = (size: number) => body("x").padEnd(size, " ");
  expect(await post(padded(SMALL.bodyBytes))).toEqual({ status: 200 });
  // {"search":"…"} has 13 characters around the name; é has two bytes.
  expect(await post(body("é".repeat(493)))).toEqual({ status: 200 });
  server.statements();
  const tooLong = {
    status: 413,
    error: { message: expect.stringContaining("10000 bytes"), extensions: { code: "BAD_USER_INPUT" } },
  };
  expect(await post(padded(SMALL.bodyBytes + 1))).toEqual(tooLong);
  // In chunks, as what has no length to look at.
  const chunks = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 20; i += 1) controller.enqueue(Buffer.from(padded(1_000)));
      controller.close();
    },
  });
  const chunked = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: chunks,
    duplex: "half",
  } as RequestInit);
  expect(chunked.status).toBe(413);
  expect(await post(body("é".repeat(494)))).toEqual({
    status: 413,
    error: { message: expect.stringContaining("1001 bytes"), extensions: { code: "QUERY_TOO_EXPENSIVE" } },
  });
  const twice = await fetch(`${server.url}?x=1`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: body("é".repeat(494)),
  });
  expect(twice.status).toBe(413);
  const url = new URL(server.url);
  url.searchParams.set("query", query);
  url.searchParams.set("variables", JSON.stringify({ search: "x".repeat(1_000) }));
  expect((await fetch(url)).status).toBe(413);
  expect(server.statements()).toEqual([]);
});

test("what is no text, is compressed, or holds several operations is refused", async () => {
  expect(
    await post(Buffer.from('{"query":"{ dataset(by: { datasetSlug: "\xff" }) { id } }"}', "latin1")),
  ).toMatchObject({
    status: 400,
    error: { message: expect.stringContaining("UTF-8") },
  });
  expect(await post("x", { "content-encoding": "gzip" })).toMatchObject({ status: 415 });
  const { status, error } = await post('[{"query":"{ __typename }"},{"query":"{ __typename }"}]');
  expect([status, error?.extensions.code]).toEqual([400, "BAD_USER_INPUT"]);
});

describe("the client's queries, which must stay far inside the defaults", () => {
  const queries = readFileSync(new URL("client-queries.graphql", import.meta.url), "utf8")
    .split(/^(?=(?:query|mutation) )/m)
    .filter((text) => /^(?:query|mutation) /.test(text))
    .map((text) => [/\w+ (\w+)/.exec(text)?.[1] ?? "", text] as const);
  let tight: TestServer;
  beforeAll(async () => {
    const share = (name: keyof typeof RANGES, part: number) => Math.floor(LIMITS[name] * part);
    tight = await startServer(database, {
      limits: {
        queryTokens: share("queryTokens", 1 / 5),
        depth: share("depth", 2 / 3),
        aliases: share("aliases", 1 / 5),
        directives: share("directives", 1 / 5),
        rootFields: share("rootFields", 1 / 5),
        cost: share("cost", 1 / 20),
        pageSize: share("pageSize", 1 / 5),
      },
    });
  });
  afterAll(() => tight.close());

  test.each(queries)("%s", async (_, query) => {
    const { errors } = await tight.send(query, {
      datasetId: "11111111-2222-3333-4444-555555555555",
      runId: "11111111-2222-3333-4444-555555555555",
      datasetSlug: "none",
      name: "none",
      input: {
        datasetId: "11111111-2222-3333-4444-555555555555",
        datasetSlug: "a",
        ohlcvMeasurement: "a",
        indicatorMeasurement: "b",
      },
    });
    expect(errors).toBeUndefined();
  });
});

test("docs/limits.md has each limit, with its default and its range", () => {
  const rows = [...DOCS.matchAll(/^\| `(STAGE1_\w+)` +\| ([\d,]+) +\| ([\d,]+)–([\d,]+) +\|/gm)];
  const documented = rows.map(([, name, ...numbers]) => [
    name,
    ...numbers.map((text) => Number(text.replaceAll(",", ""))),
  ]);
  expect(documented).toEqual(
    Object.values(RANGES).map(({ variable, fallback, min, max }) => [variable, fallback, min, max]),
  );
});

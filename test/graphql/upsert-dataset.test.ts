import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

interface Payload {
  dataset: Record<string, unknown> | null;
  userErrors: { code: string; field: string | null; message: string }[];
}

async function upsert(input: Record<string, unknown>): Promise<Payload> {
  const { upsertDataset } = await server.data<{ upsertDataset: Payload }>(
    `mutation ($input: UpsertDatasetInput!) { upsertDataset(input: $input) {
       dataset { datasetId datasetSlug symbol granularity source ohlcvMeasurement indicatorMeasurement ohlcvRowCount
         indicatorRowCount ohlcvFirstTs ohlcvLastTs indicatorFirstTs indicatorLastTs isComplete metadata createdAt updatedAt }
       userErrors { code field message } } }`,
    { input },
  );
  return upsertDataset;
}

const required = (name: string, datasetId: string = crypto.randomUUID()) => ({
  datasetId,
  datasetSlug: name,
  ohlcvMeasurement: `${name}_ohlcv`,
  indicatorMeasurement: `${name}_ind`,
});

const rows = () => database.query("SELECT * FROM stage1_datasets ORDER BY dataset_id");

test("a new dataset takes the defaults for what is left out, and reads back as it was sent", async () => {
  const datasetId = "AAAAAAAA-2222-3333-4444-555555555555";
  const { dataset, userErrors } = await upsert({
    ...required("btc_new", datasetId),
    ohlcvRowCount: 3_000_000_000,
    ohlcvFirstTs: "2025-01-01T01:00:00.000001+01:00",
    ohlcvLastTs: "2025-01-01T00:00:00.000001Z",
    metadata: { unit: "bars", nested: { list: [1, null, "ä"] } },
  });
  expect(userErrors).toEqual([]);
  expect(dataset).toMatchObject({
    datasetId: datasetId.toLowerCase(),
    source: "laptop_imgui",
    symbol: null,
    ohlcvRowCount: 3_000_000_000,
    indicatorRowCount: 0,
    ohlcvFirstTs: "2025-01-01T00:00:00.000001Z",
    isComplete: true,
    metadata: { unit: "bars", nested: { list: [1, null, "ä"] } },
  });
});

test("what is left out stays, null clears, metadata is merged, and null empties it", async () => {
  const base = required("eth_kept");
  await upsert({ ...base, symbol: "ETHUSDT", granularity: "1h", ohlcvRowCount: 7, metadata: { a: 1, b: { c: 1 } } });
  const second = await upsert({ ...base, symbol: null, metadata: { b: 2, d: 3 } });
  expect(second.dataset).toMatchObject({
    symbol: null,
    granularity: "1h",
    ohlcvRowCount: 7,
    metadata: { a: 1, b: 2, d: 3 },
  });
  const third = await upsert({ ...base, source: null, ohlcvRowCount: null, metadata: null });
  expect(third.dataset).toMatchObject({ source: null, ohlcvRowCount: 0, granularity: "1h", metadata: {} });
});

test("a slug that another dataset holds is a user error, and neither dataset changes", async () => {
  await upsert(required("taken"));
  const other = required("mine");
  await upsert({ ...other, symbol: "BEFORE" });
  const before = await rows();
  const renamed = await upsert({ ...other, datasetSlug: "taken", symbol: "AFTER" });
  expect(renamed).toEqual({
    dataset: null,
    userErrors: [
      {
        code: "SLUG_TAKEN",
        field: "datasetSlug",
        message: expect.stringMatching(/^datasetSlug "taken" is the slug of another/),
      },
    ],
  });
  expect((await upsert(required("taken"))).userErrors).toMatchObject([{ code: "SLUG_TAKEN" }]);
  expect(await rows()).toEqual(before);
});

interface AuditRow {
  token: string | null;
  operation: string;
  ids: string[];
  request_id: string;
}

test("each write leaves one row that says which operation, which ids and which request; a refused one leaves none", async () => {
  await database.query("TRUNCATE stage1_audit");
  const [first, second, taken] = [required("audited_1"), required("audited_2"), required("audited_1")];
  const fields = "dataset { datasetSlug } userErrors { code }";
  const answer = await server.data<Record<string, Payload>>(
    `mutation ($a: UpsertDatasetInput!, $b: UpsertDatasetInput!, $c: UpsertDatasetInput!, $d: UpsertDatasetInput!) {
       a: upsertDataset(input: $a) { ${fields} } b: upsertDataset(input: $b) { ${fields} }
       c: upsertDataset(input: $c) { ${fields} } d: upsertDataset(input: $d) { ${fields} } }`,
    {
      a: first,
      b: { ...second, datasetId: second.datasetId.toUpperCase() },
      c: taken,
      d: { ...first, ohlcvRowCount: -1 },
    },
  );
  expect(Object.values(answer).map(({ userErrors }) => userErrors.map(({ code }) => code))).toEqual([
    [],
    [],
    ["SLUG_TAKEN"],
    ["INVALID_VALUE"],
  ]);
  await upsert(first);
  const audit = await database.query<AuditRow>(
    "SELECT token, operation, ids::text[], request_id FROM stage1_audit ORDER BY audit_id",
  );
  const written = { token: null, operation: "upsertDataset", request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) };
  expect(audit).toEqual([
    { ...written, ids: [first.datasetId] },
    { ...written, ids: [second.datasetId] },
    { ...written, ids: [first.datasetId] },
  ]);
  const [one, two, three] = audit.map((row) => row.request_id);
  expect(one).toBe(two);
  expect(three).not.toBe(one);
});

const bad: [string, Record<string, unknown>, string[]][] = [
  ["an empty slug", { datasetSlug: "" }, ["datasetSlug"]],
  ["128 characters", { datasetSlug: "a".repeat(128) }, ["datasetSlug"]],
  ["a space", { ohlcvMeasurement: "a b" }, ["ohlcvMeasurement"]],
  ["a newline at the end", { ohlcvMeasurement: "ab\n" }, ["ohlcvMeasurement"]],
  ["a letter beyond ASCII", { indicatorMeasurement: "ä" }, ["indicatorMeasurement"]],
  ["a dot at an end", { datasetSlug: ".a", ohlcvMeasurement: "a." }, ["datasetSlug", "ohlcvMeasurement"]],
  ["two dots together", { datasetSlug: "a..b" }, ["datasetSlug"]],
  [
    "QuestDB's own tables",
    { ohlcvMeasurement: "telemetry", indicatorMeasurement: "SYS.x" },
    ["ohlcvMeasurement", "indicatorMeasurement"],
  ],
  ["negative counts", { ohlcvRowCount: -1, indicatorRowCount: -5 }, ["ohlcvRowCount", "indicatorRowCount"]],
  ["NUL in text", { symbol: "a\0b" }, ["symbol"]],
  ["half a surrogate pair", { source: "\ud800" }, ["source"]],
  ["NUL deep in metadata", { metadata: { a: [{ b: "\0" }] } }, ["metadata"]],
  ["NUL in a key of metadata", { metadata: { "\0": 1 } }, ["metadata"]],
  [
    "a first bar after the last",
    { ohlcvFirstTs: "2025-01-02T00:00:00Z", ohlcvLastTs: "2025-01-01T23:59:59.999999Z" },
    ["ohlcvFirstTs"],
  ],
];

test.for(bad)("%s is a user error that names the field, and nothing is written", async ([, fields, names]) => {
  const before = await rows();
  const { dataset, userErrors } = await upsert({ ...required("refused"), ...fields });
  expect(dataset).toBeNull();
  expect(userErrors.map(({ code, field }) => [code, field])).toEqual(names.map((name) => ["INVALID_VALUE", name]));
  for (const { field, message } of userErrors) expect(message).toMatch(new RegExp(`^${field} must `));
  expect(await rows()).toEqual(before);
});

test("a first bar is compared with the stored last bar where only one is sent", async () => {
  const base = required("half_sent");
  await upsert({ ...base, indicatorLastTs: "2025-01-01T00:00:00Z" });
  expect((await upsert({ ...base, indicatorFirstTs: "2025-01-02T00:00:00Z" })).userErrors).toMatchObject([
    { field: "indicatorFirstTs" },
  ]);
  expect((await upsert({ ...base, indicatorFirstTs: "2025-01-01T00:00:00Z" })).userErrors).toEqual([]);
});

test("metadata nested beyond what can be stored is refused, not a crash", async () => {
  let metadata: Record<string, unknown> = {};
  for (let i = 0; i < 500; i += 1) metadata = { a: metadata };
  expect((await upsert({ ...required("deep"), metadata })).userErrors).toMatchObject([
    { code: "INVALID_VALUE", field: "metadata" },
  ]);
});

test("values of the wrong type are refused before anything is sent to the database", async () => {
  server.statements();
  for (const fields of [
    { datasetId: "not-a-uuid" },
    { ohlcvRowCount: 2 ** 53 },
    { ohlcvRowCount: 1.5 },
    { ohlcvRowCount: "7" },
    { ohlcvFirstTs: "yesterday" },
    { metadata: [] },
    { datasetSlug: null },
    { unheardOf: 1 },
  ]) {
    const answer = await server.send(
      "mutation ($input: UpsertDatasetInput!) { upsertDataset(input: $input) { dataset { id } } }",
      {
        input: { ...required("typed"), ...fields },
      },
    );
    expect(answer.errors?.[0]?.extensions.code, JSON.stringify(fields)).toBe("BAD_USER_INPUT");
  }
  expect(server.statements()).toEqual([]);
});

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/).filter((text) => !/^telemetry/i.test(text));
const instant = fc.integer({ min: 0, max: 4_000_000_000 });
const toText = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000", ".000007");
const input = fc
  .record(
    {
      symbol: fc.option(fc.string()),
      granularity: fc.option(fc.string({ unit: "grapheme" })),
      source: fc.option(fc.string()),
      ohlcvRowCount: fc.option(fc.maxSafeNat()),
      indicatorRowCount: fc.option(fc.maxSafeNat()),
      ohlcv: fc.tuple(instant, instant),
      metadata: fc.option(fc.dictionary(fc.string(), fc.jsonValue())),
    },
    { requiredKeys: [] },
  )
  .map(({ ohlcv, ...rest }) =>
    ohlcv ? { ...rest, ohlcvFirstTs: toText(Math.min(...ohlcv)), ohlcvLastTs: toText(Math.max(...ohlcv)) } : rest,
  )
  .filter((fields) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(fields)));

test("an upsert sent twice leaves what once leaves, whatever it holds", async () => {
  await fc.assert(
    fc.asyncProperty(name, fc.uuid(), input, async (slug, datasetId, fields) => {
      const sent = { ...required(`p_${slug}`, datasetId), ...fields };
      const once = await upsert(sent);
      const twice = await upsert(sent);
      expect(once.userErrors).toEqual([]);
      // updatedAt says when the row was last written, so it alone moves
      expect({ ...twice.dataset, updatedAt: 0 }).toEqual({ ...once.dataset, updatedAt: 0 });
      await database.query("DELETE FROM stage1_datasets WHERE dataset_id = $1", [datasetId]);
    }),
    { numRuns: 40 },
  );
});

test("stored metadata that is no object is merged as the object that the API shows, and left alone where none is sent", async () => {
  const stored: [string, Record<string, unknown>][] = [
    ["null", {}],
    ["[1, 2]", { value: [1, 2] }],
    ['"plain"', { value: "plain" }],
    ['"{\\"x\\": 1}"', { x: 1 }],
    ["7", { value: 7 }],
  ];
  for (const [i, [json, shown]] of stored.entries()) {
    const base = required(`odd_${i}`);
    await upsert(base);
    await database.query("UPDATE stage1_datasets SET metadata = $2 WHERE dataset_id = $1", [base.datasetId, json]);
    expect((await upsert(base)).dataset, json).toMatchObject({ metadata: shown });
    expect((await upsert({ ...base, metadata: { k: 1 } })).dataset?.["metadata"], json).toEqual({ ...shown, k: 1 });
  }
});

test("a rule that somebody added to the table is a user error of its own, and the log has the cause", async () => {
  await upsert({ ...required("ruled_1"), symbol: "RULED" });
  const stored = required("ruled_3");
  await upsert(stored);
  const rules: [string, string, Record<string, unknown>][] = [
    ["CREATE UNIQUE INDEX own_rule ON stage1_datasets (symbol) WHERE symbol = 'RULED'", "23505", { symbol: "RULED" }],
    [
      "CREATE UNIQUE INDEX own_rule ON stage1_datasets (ohlcv_measurement)",
      "23505",
      { ohlcvMeasurement: "ruled_1_ohlcv" },
    ],
    ["ALTER TABLE stage1_datasets ADD CONSTRAINT own_rule CHECK (symbol <> 'NO') NOT VALID", "23514", { symbol: "NO" }],
    [
      "ALTER TABLE stage1_datasets ADD CONSTRAINT own_rule EXCLUDE (granularity WITH =) WHERE (granularity = 'ruled')",
      "23P01",
      { granularity: "ruled" },
    ],
  ];
  for (const [rule, code, fields] of rules) {
    await database.query(rule);
    if (code === "23P01") await upsert({ ...required("ruled_2"), ...fields });
    const before = await rows();
    const logged = server.internalErrors.length;
    for (const base of [required("ruled_new"), stored]) {
      expect(await upsert({ ...base, ...fields }), rule).toEqual({
        dataset: null,
        userErrors: [
          {
            code: "INVALID_VALUE",
            field: null,
            message: expect.stringMatching(/^The values break a rule that was added/),
          },
        ],
      });
    }
    expect(await rows(), rule).toEqual(before);
    const causes = server.internalErrors.splice(logged);
    expect(causes, rule).toMatchObject([
      { code, message: expect.stringContaining("own_rule") },
      { code, message: expect.stringContaining("own_rule") },
    ]);
    // Who sends a slug that is taken is told so, whatever other rules there are.
    expect((await upsert({ ...required("ruled_1"), symbol: "ELSE" })).userErrors).toMatchObject([
      { code: "SLUG_TAKEN" },
    ]);
    await database.query(
      rule.startsWith("CREATE") ? "DROP INDEX own_rule" : "ALTER TABLE stage1_datasets DROP CONSTRAINT own_rule",
    );
  }
});

test("a slug is taken also by the word of an index of somebody's own", async () => {
  await upsert(required("twice_indexed"));
  await database.query("CREATE UNIQUE INDEX own_slugs ON stage1_datasets (dataset_slug text_pattern_ops)");
  expect((await upsert(required("twice_indexed"))).userErrors).toMatchObject([{ code: "SLUG_TAKEN" }]);
  await database.query("DROP INDEX own_slugs");
});

test("20 requests that write one new dataset at once all arrive", async () => {
  const base = required("at_once");
  const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
  const answers = await Promise.all(keys.map((key) => upsert({ ...base, metadata: { [key]: true } })));
  expect(answers.flatMap(({ userErrors }) => userErrors)).toEqual([]);
  expect((await upsert(base)).dataset).toMatchObject({ metadata: Object.fromEntries(keys.map((key) => [key, true])) });
});

test("datasets that swap their slugs at once are each written or refused by name, and none fails", async () => {
  const [a, b] = [required("swap_a"), required("swap_b")];
  await upsert(a);
  await upsert(b);
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, i) => upsert({ ...(i % 2 ? a : b), datasetSlug: i % 4 < 2 ? "swap_a" : "swap_b" })),
  );
  for (const { userErrors } of answers) expect(userErrors.every((error) => error.code === "SLUG_TAKEN")).toBe(true);
  expect(server.internalErrors).toEqual([]);
});

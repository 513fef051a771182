import { deflateSync, gzipSync } from "node:zlib";
import { createRandom } from "../graphql/random/random.ts";
import { oddHttp } from "./nasty-http.ts";
import { largeQueries, oddValues } from "./nasty-queries.ts";
import { post, postOperation, type WireRequest } from "./wire.ts";

const QUERY = "{ datasets(first: 1) { totalCount } }";
const LARGE = 10_000_000;
const UUID = "00000000-0000-0000-0000-000000000000";

/** Requests that servers have stumbled over: of each limit both sides, and of each part of HTTP what is no such part. */
export function nastyRequests(): WireRequest[] {
  return [...bodies(), ...largeQueries(), ...oddValues(), ...members(), ...wrongUpserts(), ...oddHttp()];
}

function bodies(): WireRequest[] {
  const random = createRandom(1);
  const noise = Buffer.from(Array.from({ length: 4096 }, () => random.int(256)));
  const long = (text: string, length: number) => Buffer.alloc(length, text);
  const inside = (length: number) => `{"query":"{ __typename }","variables":{"a":"${"x".repeat(length)}"}}`;
  const half = (what: string, body: string, headers: Record<string, string>): WireRequest => ({
    ...post(what, body, headers),
    leaves: true,
  });
  return [
    post("10 MB of noise", Buffer.concat(Array.from({ length: LARGE / 4096 }, () => noise))),
    post("10 MB of brackets", long("[", LARGE)),
    post("10 MB of a variable", inside(LARGE)),
    post("10 MB of blanks", long(" ", LARGE)),
    post("10 MB in chunks", inside(LARGE), { "transfer-encoding": "chunked" }),
    post("1 MB and one byte", inside(1_048_577 - 52)),
    post("a little less than 1 MB", inside(1_000_000 - 100)),
    post("900 KB of brackets", long("[", 900_000)),
    post("900 KB of objects in objects", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`),
    post(
      "variables nested 100,000 levels deep",
      `{"query":"${"{__typename}"}","variables":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
    ),
    half("half a body", '{"query":"{ __ty', { "content-length": "1000" }),
    half("half a large body", "x".repeat(70_000), { "content-length": "100000" }),
    half("half a body, in chunks", '{"query":"{ __ty', { "transfer-encoding": "chunked" }),
    half("half a zipped body", "\x1f\x8b\x08", { "content-length": "1000", "content-encoding": "gzip" }),
    ...["", " ", "null", "[]", "7", '"x"', "{}", "{", "[{}]", "\ufeff{}", `${JSON.stringify({ query: QUERY })}x`].map(
      (body) => post(`the body ${JSON.stringify(body)}`, body),
    ),
    post("a batch", JSON.stringify([{ query: QUERY }, { query: QUERY }])),
    post("a batch of 10,000", `[${Array.from({ length: 10_000 }, () => '{"query":"{__typename}"}').join()}]`),
    post("UTF-16", Buffer.from(JSON.stringify({ query: QUERY }), "utf16le")),
    post("a byte order mark", `\ufeff${JSON.stringify({ query: QUERY })}`),
    post(
      "bytes that are no UTF-8",
      Buffer.from('{"query":"{ measurement(name: \\"\xff\xfe\xc0\x80\\") { role } }"}', "latin1"),
    ),
    post("half a character of UTF-8", Buffer.from('{"query":"{ __typename } # \xe2\x82"}', "latin1")),
    post("a NUL byte", '{"query":"{ __typename }\0"}'),
    post("a key twice", '{"query":"{ x }","query":"{ __typename }"}'),
    post(
      "a number past a double",
      '{"query":"query ($a: Int) { datasets(first: $a) { totalCount } }","variables":{"a":1e400}}',
    ),
    post("zipped", gzipSync(JSON.stringify({ query: QUERY })), { "content-encoding": "gzip" }),
    post("deflated", deflateSync(JSON.stringify({ query: QUERY })), { "content-encoding": "deflate" }),
    post("not zipped", JSON.stringify({ query: QUERY }), { "content-encoding": "gzip" }),
    post("zipped half", gzipSync(JSON.stringify({ query: QUERY })).subarray(0, 20), { "content-encoding": "gzip" }),
    post("a zip bomb of 50 MB", gzipSync(long(" ", 50_000_000)), { "content-encoding": "gzip" }),
    post("an unknown encoding", JSON.stringify({ query: QUERY }), { "content-encoding": "x" }),
  ];
}

/** For each field of a dataset a value of the right type that is wrong. */
function wrongUpserts(): WireRequest[] {
  const sound = { datasetId: UUID, datasetSlug: "nasty", ohlcvMeasurement: "nasty", indicatorMeasurement: "nasty" };
  const wrong = {
    datasetSlug: [".", "a\0", "x".repeat(128), "\ud800"],
    ohlcvMeasurement: ["", "a b", "sys.x"],
    indicatorMeasurement: ["é", "a\n", "telemetry"],
    symbol: ["\0", "\ud800"],
    granularity: ["a\0", "x\udfff"],
    source: ["\0b", "\udfff\ud800"],
    ohlcvRowCount: [-1, -(2 ** 53) + 1],
    indicatorRowCount: [-1, -(2 ** 53) + 1],
    ohlcvFirstTs: ["9999-12-31T23:59:59Z"],
    indicatorFirstTs: ["9999-12-31T23:59:59Z"],
    metadata: [
      { a: "\0" },
      { "\ud800": 1 },
      { a: [[{ b: "\udfff" }]] },
      JSON.parse(`{"a":${"[".repeat(150)}${"]".repeat(150)}}`),
    ],
  };
  const last = "2025-01-01T00:00:00Z";
  return Object.entries(wrong).flatMap(([field, values]) =>
    values.map((value) =>
      postOperation(`an upsert with a wrong ${field}`, {
        query: `mutation ($input: UpsertDatasetInput!) { upsertDataset(input: $input) { userErrors { code field message } } }`,
        variables: { input: { ...sound, ohlcvLastTs: last, indicatorLastTs: last, [field]: value } },
      }),
    ),
  );
}

/** `query`, `variables`, `operationName` and `extensions` of types that they do not have. */
function members(): WireRequest[] {
  const values = [
    "",
    "x",
    "Nobody",
    "\0",
    "__proto__",
    "x".repeat(100_000),
    7,
    true,
    null,
    [],
    [[]],
    {},
    { a: { b: [] } },
  ];
  const named = "query Q { __typename } query __proto__ { __typename }";
  return [
    ...["query", "variables", "operationName", "extensions", "id", "documentId", "__proto__"].flatMap((key) =>
      values.map((value) =>
        post(
          `${key}: ${JSON.stringify(value).slice(0, 40)}`,
          `{"query":${JSON.stringify(named)},${JSON.stringify(key)}:${JSON.stringify(value)}}`,
        ),
      ),
    ),
    post(
      "variables that are an object's own",
      '{"query":"query ($a: Int) { __typename }","variables":{"__proto__":{"a":1},"constructor":1,"toString":2}}',
    ),
    post("a persisted query", '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}'),
    ...[7, "x", [], [1], { x: 1 }, { datasetId: "x" }, { __proto__: null, datasetId: UUID }].map((input) =>
      postOperation("a mutation's input of another shape", {
        query: "mutation ($input: UpsertDatasetInput!) { upsertDataset(input: $input) { userErrors { code } } }",
        variables: { input },
      }),
    ),
  ];
}

import { deflateSync, gzipSync } from "node:zlib";
import { createRandom } from "../graphql/random/random.ts";
import { aliases, circle, deep, fragments, manyVariables } from "./shapes.ts";
import { get, getOperation, post, postOperation, raw, type WireRequest } from "./wire.ts";

const QUERY = "{ datasets(first: 1) { totalCount } }";
const LARGE = 10_000_000;
const UUID = "00000000-0000-0000-0000-000000000000";
const base64url = (text: string | Buffer) => Buffer.from(text).toString("base64url");

/** Requests that servers have stumbled over: of each limit both sides, and of each part of HTTP what is no such part. */
export function nastyRequests(): WireRequest[] {
  return [...bodies(), ...largeQueries(), ...oddValues(), ...members(), ...urls(), ...headers(), ...bytes()];
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

function largeQueries(): WireRequest[] {
  const around = (open: string, inner: string, close: string, times: number) =>
    `${open.repeat(times)}${inner}${close.repeat(times)}`;
  const doubled = (levels: number): string =>
    levels === 0 ? "totalCount" : `nodes { runs { ${doubled(levels - 1)} } } nodes { runs { ${doubled(levels - 1)} } }`;
  const queries: [string, string][] = [
    ["2,000 levels of fields", around("{ a ", "{ a }", "}", 2000)],
    ["100,000 levels of fields", around("{a", "{a}", "}", 100_000)],
    ["5,000 levels of inline fragments", around("{ ... ", "{ __typename }", "}", 5000)],
    ["lists within lists", `{ datasets(filter: ${around("[", "", "]", 20_000)}) { totalCount } }`],
    ["objects within objects", `{ datasets(filter: ${around("{search:", "1", "}", 20_000)}) { totalCount } }`],
    ["a type of lists", `query ($a: ${around("[", "Int", "]", 20_000)}) { __typename }`],
    ["10,000 aliases", aliases(10_000, "__typename")],
    ["10,000 aliases of a list", aliases(10_000, "datasets(first: 1) { totalCount }")],
    ["100 aliases", aliases(100, "__typename")],
    ["101 aliases", aliases(101, "__typename")],
    ["20 fields at the root", aliases(20, "datasets(first: 1) { totalCount }")],
    ["21 fields at the root", aliases(21, "datasets(first: 1) { totalCount }")],
    ["200 lists of each row", `{ datasets { nodes ${aliases(200, "runs(first: 1) { totalCount }")} } }`],
    ["10,000 times a field", `{ ${"__typename ".repeat(10_000)} }`],
    ["600 fields that are to be merged", `{ ${"datasets(first: 1) { totalCount } ".repeat(600)} }`],
    [
      "600 fields that conflict",
      `{ ${Array.from({ length: 600 }, (_, i) => `a: datasets(first: ${i}) { totalCount }`).join(" ")} }`,
    ],
    ["fields that meet again on each level", `{ datasets { ${doubled(7)} } }`],
    ["fragments that double 25 times", fragments(25, 2)],
    ["10,000 spreads of a fragment", `{ ${"...F ".repeat(10_000)} } fragment F on Query { __typename }`],
    ["a fragment in itself", circle(1)],
    ["fragments in a circle", circle(3)],
    ["1,000 fragments in a circle", circle(1000)],
    [
      "2,000 fragments that nobody spreads",
      `{ __typename } ${Array.from({ length: 2000 }, (_, i) => `fragment F${i} on Query { __typename }`).join(" ")}`,
    ],
    ["10,000 directives", `{ __typename ${"@skip(if: false) ".repeat(10_000)} }`],
    ["10,000 unknown directives", `{ __typename ${"@x ".repeat(10_000)} }`],
    ["5,000 arguments", `{ datasets(${"first: 1 ".repeat(5000)}) { totalCount } }`],
    ["5,000 unknown fields", aliases(5000, "datasetz")],
    ["1,000 operations", Array.from({ length: 1000 }, (_, i) => `query Q${i} { __typename }`).join(" ")],
    ["a comment of 500 KB", `{ __typename } #${"x".repeat(500_000)}`],
    ["a name of 100 KB", `{ ${"x".repeat(100_000)} }`],
    ["an alias of 100 KB", `{ ${"x".repeat(100_000)}: datasets(first: 1) { totalCount } }`],
    ["a text of 500 KB", `{ datasets(filter: { search: "${"x".repeat(500_000)}" }) { totalCount } }`],
    ["a block text of 500 KB", `{ datasets(filter: { search: """${"\\n x".repeat(100_000)}""" }) { totalCount } }`],
    ["a number of 100 KB", `{ datasets(first: ${"9".repeat(100_000)}) { totalCount } }`],
    ["a subscription", "subscription { datasets { totalCount } }"],
    ["a schema", "type Query { a: Int } extend schema @x { query: Query }"],
    ["only a fragment", "fragment F on Query { __typename }"],
    ["@defer and @stream", "{ ... @defer { __typename } datasets { nodes @stream { id } } }"],
    ["@skip without a value", "{ __typename @skip(if: null) @include }"],
    ["introspection in a circle", `{ __schema { types ${around("{ fields { type ", "{ name }", "} }", 12)} } }`],
    ["nothing", ""],
    ["blanks", " \n,\t"],
    ["a NUL", "{ __typename }\0"],
  ];
  return [
    ...queries.map(([what, query]) => postOperation(what, { query })),
    ...[10, 14, 15, 16, 60, 200].map((levels) => postOperation(`${levels} levels of runs`, deep(levels))),
    ...[100, 5000].map((count) => postOperation(`${count} variables`, manyVariables(count))),
    ...[1000, 1001, 20_000].map((length) =>
      postOperation(`${length} ids`, {
        query: "query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        variables: {
          ids: Array.from({ length }, (_, i) => base64url(`Dataset:${UUID.slice(0, 28)}${String(i).padStart(8, "0")}`)),
        },
      }),
    ),
    postOperation("100,000 filters", {
      query: "query Q($s: [RunStatus!]) { runs(first: 1, filter: { status: $s }) { totalCount } }",
      variables: { s: Array.from({ length: 100_000 }, () => "FAILED") },
    }),
  ];
}

/** Each text, number and cursor that a list may be asked with. */
function oddValues(): WireRequest[] {
  const ask = (what: string, query: string, value: unknown) =>
    postOperation(`${what} ${JSON.stringify(value)?.slice(0, 60)}`, { query, variables: { v: value } });
  const texts = [
    "\0",
    "a\0b",
    "\ud800",
    "x\udfff",
    "\ud800\ud800",
    "\n",
    "%",
    "\\",
    "x".repeat(200_000),
    "",
    7,
    null,
    [],
    {},
    ["x", "y"],
  ];
  const numbers = [-1, 0, 1000, 1001, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e308, 0.5, "1", true, [1], null];
  const takesText = [
    "query ($v: String!) { measurement(name: $v) { role } }",
    "query ($v: String) { datasets(filter: { search: $v }) { totalCount } }",
    "query ($v: String) { datasets(filter: { symbol: $v, granularity: $v, source: $v }) { totalCount } }",
    "query ($v: String) { runs(filter: { search: $v, targetColumn: $v }) { totalCount } }",
    "query ($v: String) { datasetHierarchy(filter: { search: $v }) { totalCount } }",
    "query ($v: String!) { dataset(by: { datasetSlug: $v }) { id } }",
    `query ($v: String!) { run(by: { measurement: { datasetId: "${UUID}", predictionMeasurement: $v } }) { id } }`,
    "query ($v: ID!) { node(id: $v) { id } }",
    "query ($v: String!) { __type(name: $v) { name } }",
    "query ($v: UUID) { simulations(filter: { datasetId: $v, runId: $v }) { totalCount } }",
    "query ($v: DateTime) { runs(filter: { createdAfter: $v, createdBefore: $v }) { totalCount } }",
    "query ($v: String) { datasets(after: $v) { totalCount } }",
  ];
  const takesNumber = ["first", "last", "offset"].map(
    (name) => `query ($v: Int) { datasets(${name}: $v) { totalCount nodes { id } } }`,
  );
  const cursors = [
    ...["", "x", "====", "\0", "[]", "null", '["x"]'],
    ...[
      "[]",
      "null",
      "7",
      '"x"',
      '["x"]',
      '["x",7]',
      "[[]]",
      '{"0":"x"}',
      '["\\ud800"]',
      '["\\u0000"]',
      "[".repeat(10_000),
    ].map((text) => base64url(text)),
    base64url(Buffer.from([0xff, 0xfe, 0])),
    "A".repeat(300_000),
  ];
  return [
    ...takesText.flatMap((query) => texts.map((value) => ask(query, query, value))),
    ...takesNumber.flatMap((query) => numbers.map((value) => ask(query, query, value))),
    ...cursors.map((cursor) =>
      ask("the cursor", "query ($v: String) { runs(before: $v, last: 2) { nodes { id } } }", cursor),
    ),
  ];
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

function urls(): WireRequest[] {
  const targets = [
    ...[
      "/graphql",
      "/graphql?",
      "/graphql?query",
      "/graphql?query=",
      "/graphql?query=%",
      "/graphql?query=%ff%fe",
      "/graphql?query=%00",
    ],
    ...[
      "/graphql?query=%7B__typename%7D&query=x",
      "/graphql?query=%7B__typename%7D&variables=",
      "/graphql?query=%7B__typename%7D&variables={",
    ],
    ...["null", "7", "[]", '"x"', "%7B%22__proto__%22:1%7D"].map(
      (value) => `/graphql?query=%7B__typename%7D&variables=${value.replaceAll('"', "%22")}`,
    ),
    ...[
      "/graphql?query=%7B__typename%7D&operationName=%00",
      "/graphql?query=%7B__typename%7D&extensions=7",
      "/graphql?query=mutation%7Bx%7D",
    ],
    ...[
      "/",
      "//graphql",
      "/graphql/",
      "/graphql/x",
      "/graphql%2f",
      "/../graphql",
      "/graphql;x",
      "/health",
      "/graphql?x=/health",
      "/favicon.ico",
      "/%",
      "/%00",
      "//[",
      "/\\",
      "/?x",
    ],
    `/graphql?query=%7B__typename%7D&x=${"x".repeat(7000)}`,
    `/graphql?query=${"x".repeat(20_000)}`,
    `/graphql?${"a=1&".repeat(3000)}`,
    `/graphql?query=${encodeURIComponent("{a".repeat(2000))}`,
  ];
  const methods = ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"];
  return [
    ...targets.map((target) => get(`GET ${target.slice(0, 60)}`, target)),
    ...methods.flatMap((method) =>
      ["/graphql", "/", `/graphql?query=${encodeURIComponent(QUERY)}`].map((target) => ({
        ...get(`${method} ${target}`, target),
        method,
      })),
    ),
    { ...get("a GET with a body", "/graphql"), body: Buffer.from(JSON.stringify({ query: QUERY })) },
    getOperation("a mutation by GET", {
      query: `mutation { upsertDataset(input: { datasetId: "${UUID}", datasetSlug: "x", ohlcvMeasurement: "x", indicatorMeasurement: "x" }) { userErrors { code } } }`,
    }),
    get("a browser", "/graphql", { accept: "text/html" }),
    get("a browser with an odd query", "/graphql?query=%3C/script%3E%00&variables=x", {
      accept: "text/html,*/*;q=0.1",
    }),
  ];
}

function headers(): WireRequest[] {
  const body = { query: QUERY };
  const types = [
    "",
    "x",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/json; charset=\xff",
    "application/jsonx",
    "application/json;;;",
    "application/graphql",
  ];
  const accepts = [
    "",
    "x",
    "*/*;q=0",
    "text/html",
    "image/*",
    "text/event-stream",
    "multipart/mixed",
    "application/json;q=x",
    "application/json, application/json",
    "a/b,".repeat(200),
    "application/graphql-response+json;q=1",
  ];
  const others: [string, string][] = [
    ...["*", "x", '"', "W/", '""', ",".repeat(5000), "\xff"].map((value): [string, string] => ["if-none-match", value]),
    ...["no-store", "no-store, x=\xff", ""].map((value): [string, string] => ["cache-control", value]),
    ...["", "a b", "[::1", "1.2.3.400", "x".repeat(5000), "\xff", "a:99999", "user@host", "a/b", ":1"].map(
      (value): [string, string] => ["host", value],
    ),
    ...["100-continue", "x"].map((value): [string, string] => ["expect", value]),
    ["upgrade", "websocket"],
    ["connection", "upgrade, keep-alive, x"],
    ["cookie", "x".repeat(10_000)],
    ["x-long", "x".repeat(20_000)],
    ["content-encoding", ""],
    ["content-encoding", "identity"],
    ["accept-encoding", "gzip;q=x"],
    ["range", "bytes=0-1,5-"],
    ["origin", "null"],
    ["authorization", "Bearer \xff"],
    ["x-http-method-override", "DELETE"],
  ];
  return [
    ...types.map((type) => postOperation(`content-type: ${type}`, body, { "content-type": type })),
    ...accepts.map((accept) => postOperation(`accept: ${accept.slice(0, 40)}`, body, { accept })),
    ...accepts.map((accept) => getOperation(`GET, accept: ${accept.slice(0, 40)}`, { query: "{" }, { accept })),
    ...others.map(([name, value]) => postOperation(`${name}: ${value.slice(0, 40)}`, body, { [name]: value })),
    ...others.map(([name, value]) => getOperation(`GET, ${name}: ${value.slice(0, 40)}`, body, { [name]: value })),
  ];
}

/** What is no HTTP, or asks two servers for different things. */
function bytes(): WireRequest[] {
  const json = JSON.stringify({ query: QUERY });
  const head = (...lines: string[]) =>
    `${["POST /graphql HTTP/1.1", "Host: localhost", "Content-Type: application/json", ...lines].join("\r\n")}\r\n\r\n`;
  return [
    raw("nothing", ""),
    raw("noise", Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 89) % 256))),
    raw("TLS", Buffer.from("16030100a5010000a10303", "hex")),
    raw("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    raw("HTTP/0.9", "GET /graphql\r\n\r\n"),
    raw("HTTP/1.0", "GET /graphql?query={__typename} HTTP/1.0\r\n\r\n"),
    raw("HTTP/9.9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
    raw("half a request", "POST /graphql HTTP/1.1\r\nHost: loc"),
    raw("half a body", `${head("Content-Length: 500")}{"query":`),
    raw("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    raw("no host", "GET /graphql?query={__typename} HTTP/1.1\r\nConnection: close\r\n\r\n"),
    raw("two lengths", `${head("Content-Length: 5", `Content-Length: ${json.length}`)}${json}`),
    raw("a length below zero", `${head("Content-Length: -5")}${json}`),
    raw("a length that is no number", `${head("Content-Length: x")}${json}`),
    raw("a length that is too short", `${head("Content-Length: 10", "Connection: close")}${json}`),
    raw("an endless length", `${head("Content-Length: 99999999999999999999")}${json}`),
    raw("chunks and a length", `${head(`Content-Length: ${json.length}`, "Transfer-Encoding: chunked")}0\r\n\r\n`),
    raw("a chunk of no length", `${head("Transfer-Encoding: chunked")}x\r\n${json}\r\n0\r\n\r\n`),
    raw("a chunk that ends too early", `${head("Transfer-Encoding: chunked")}ff\r\n${json}`),
    raw("an unknown transfer encoding", `${head("Transfer-Encoding: x", "Connection: close")}${json}`),
    raw(
      "a body that is expected",
      `${head(`Content-Length: ${json.length}`, "Expect: 100-continue", "Connection: close")}${json}`,
    ),
    raw(
      "1,000 headers",
      `${head(...Array.from({ length: 1000 }, (_, i) => `X-${i}: x`), "Content-Length: 0", "Connection: close")}`,
    ),
    raw("a header of 1 MB", `${head(`X: ${"x".repeat(1_000_000)}`)}`),
    raw("a header with a NUL", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n"),
    raw("a header on two lines", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n"),
    raw("a target with a NUL", "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    raw(
      "a target that is no ASCII",
      Buffer.from("GET /graphql?query=\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "latin1"),
    ),
    ...[
      "*",
      "graphql",
      "http://x",
      "http://x/graphql?query={__typename}",
      "https://[::1]:1/graphql",
      "ftp://x/",
      "?",
      "http://",
      "javascript:1",
    ].map((target) =>
      raw(
        `the target ${target}`,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n`,
      ),
    ),
    raw("CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    raw(
      "an upgrade",
      "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    ),
    raw("100 requests at once", "GET /graphql?query={__typename} HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100)),
  ];
}

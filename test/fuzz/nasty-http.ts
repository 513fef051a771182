import { get, getOperation, postOperation, raw, type WireRequest } from "./wire.ts";

const QUERY = "{ datasets(first: 1) { totalCount } }";
const UUID = "00000000-0000-0000-0000-000000000000";

/** URLs, methods, headers and bytes that a server seldom sees. */
export function oddHttp(): WireRequest[] {
  return [...urls(), ...headers(), ...bytes()];
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

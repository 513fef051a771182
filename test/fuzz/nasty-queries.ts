import { aliases, circle, deep, fragments, manyVariables } from "./shapes.ts";
import { postOperation, type WireRequest } from "./wire.ts";

const UUID = "00000000-0000-0000-0000-000000000000";
const base64url = (text: string | Buffer) => Buffer.from(text).toString("base64url");

/** Of each limit on a query both sides; and queries that take long to read, to check, or to answer. */
export function largeQueries(): WireRequest[] {
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
export function oddValues(): WireRequest[] {
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

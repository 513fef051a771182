import { isDeepStrictEqual } from "node:util";
import { type DocumentNode, execute, isObjectType, Kind, parse, print, validate, visit } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Db } from "../../src/db/pool.ts";
import { codeOf } from "../../src/errors.ts";
import { compile as compileQuery } from "../../src/graphql/executor.ts";
import { schema } from "../../src/graphql/schema.ts";
import { createDatabase, LIMITS, type TestDatabase } from "../harness.ts";
import { Coverage } from "./coverage.ts";
import { answer, type Compile, differ, differenceOf } from "./differential.ts";
import { insertOddLineage } from "./odd-lineage.ts";
import { readPool } from "./random/pool.ts";
import type { Faults, Pool } from "./random/values.ts";
import { type RandomQuery, randomQuery } from "./random-query.ts";
import { reduce } from "./reduce.ts";
import { withAllLeaves, withoutAdded } from "./superset.ts";

// DOCUMENTS=20000 npx vitest run test/graphql/executor.test.ts: more of them; FIRST=20000 goes on from there.
const DOCUMENTS = Number(process.env["DOCUMENTS"] ?? 150);
const FIRST = Number(process.env["FIRST"] ?? 0);
const KINDS: readonly Faults[] = ["none", "none", "refused", "none", "invalid"];

let database: TestDatabase;
let db: Db;
let pool: Pool;
beforeAll(async () => {
  database = await createDatabase();
  await insertOddLineage(database);
  db = steady(database);
  pool = await readPool(async <Data>(query: string, variables = {}) => {
    const { data, errors } = await answer(schema, db, parse(query), undefined, variables);
    if (errors) throw new Error(JSON.stringify(errors));
    return data as Data;
  });
});
afterAll(() => database.drop());

/** graphql-js in the executor's place, over another document or other variables, and with another answer. */
function standIn({
  document: changed = (document: DocumentNode) => document,
  variables: sent = (variables: Record<string, unknown>) => variables,
  text: written = (text: string) => text,
  before = async (_: Db): Promise<unknown> => undefined,
} = {}): Compile {
  return (_, original, operationName) => {
    const document = changed(original);
    return {
      async execute(context, variables = {}) {
        await before(context.db);
        const result = await execute({
          schema,
          document,
          operationName: operationName ?? null,
          variableValues: sent(variables),
          contextValue: context,
        });
        return result.errors ? undefined : written(JSON.stringify(result));
      },
    };
  };
}

const compile: Compile = (...of) => {
  const query = compileQuery(...of, { ...LIMITS, cost: Number.POSITIVE_INFINITY });
  return (
    query && {
      execute: (...asked) =>
        query.execute(...asked).then(
          (parts) => parts.join(""),
          (error: unknown) => {
            // What graphql-js reports too is left to it; so is what the executor knows that it cannot do.
            if (error instanceof Error && (FLAWS.includes(error.name) || codeOf(error)?.startsWith("42"))) throw error;
            return undefined;
          },
        ),
    }
  );
};
/** Errors that nobody throws on purpose. */
const FLAWS = ["TypeError", "ReferenceError", "RangeError"];

test(
  "what the executor answers is what graphql-js answers, and where that reports errors it leaves the answer to it",
  async () => {
    const coverage = new Coverage(schema);
    const answered = new Coverage(schema);
    const counts = { documents: 0, answered: 0, left: 0, failed: 0 };
    // Some more, where these happen not to reach everything.
    const enough = (seed: number) => seed >= FIRST + DOCUMENTS && seed % 10 === 0 && missing(coverage).length === 0;
    for (let seed = FIRST; !enough(seed) && seed < FIRST + 4 * DOCUMENTS; seed++) {
      const query = randomQuery(schema, seed, pool, KINDS[seed % KINDS.length] ?? "none");
      const document = parse(query.text);
      const errors = validate(schema, document);
      if (errors.length > 0 && KINDS[seed % KINDS.length] === "invalid") continue; // never reaches an executor
      expect(
        errors.map(({ message }) => message),
        `seed ${seed}: ${query.text}`,
      ).toEqual([]);
      counts.documents++;
      const outcomes = await outcomesOf(compile, document, query);
      for (const [i, { kind, difference, expected }] of outcomes.entries()) {
        if (difference !== undefined) throw new Error(await report(seed, document, query, difference));
        const introspection = /__schema|__type\b/.test(query.text);
        if (!introspection || kind === "failed") counts[kind]++;
        if (kind === "failed") continue;
        const sent = setsOf(query)[i] ?? {};
        coverage.addDocument(document, sent);
        if (kind === "answered") answered.addDocument(document, sent);
        const { data } = expected as { data: unknown };
        coverage.addAnswer(document, query.operationName, data);
        if (seed % 4 === 0) {
          const more = await answer(schema, db, withAllLeaves(schema, document), query.operationName, sent);
          expect(withoutAdded(more.data), `seed ${seed}, with every leaf selected: ${query.text}`).toEqual(data);
        }
      }
    }
    console.info(JSON.stringify(counts));
    expect(counts.failed).toBeGreaterThan(counts.documents / 20);
    // Some documents ask for a `node`; some rows are so odd that their values are left to graphql-js.
    expect(counts.answered / (counts.answered + counts.left)).toBeGreaterThan(0.5);
    expect(missing(coverage), `not used by ${counts.documents} documents`).toEqual([]);
    // A source that is wrong in SQL, or always NULL, would show here.
    const isField = (name: string) => /^\w+\.\w+$/.test(name) && isObjectType(schema.getType(name.split(".")[0] ?? ""));
    const never = missing(answered).filter(
      (name) => isField(name) && !/^(?:__|Mutation|Upsert|UserError|Validation)/.test(name),
    );
    expect(LEFT_ON_PURPOSE, "left to graphql-js each time").toEqual(expect.arrayContaining(never));
  },
  60_000 + DOCUMENTS * 200,
);

/** No row can have them: the database's constraints forbid it. */
const LEFT_ON_PURPOSE = ["Query.__schema", "Query.__type", "Query.node", "Query.nodes", "Query.validation"];
const UNREACHABLE = ["TradeSide.UNKNOWN"];
const missing = (coverage: Coverage) => coverage.missing().filter((name) => !UNREACHABLE.includes(name));

/** Both sets of variables at once: nothing of one execution may show in another. */
async function outcomesOf(compiler: Compile, document: DocumentNode, query: RandomQuery) {
  return Promise.all(setsOf(query).map(differ(schema, db, compiler, document, query.operationName)));
}

function setsOf({ variables, otherVariables }: RandomQuery): RandomQuery["variables"][] {
  return isDeepStrictEqual(variables, otherVariables) ? [variables] : [variables, otherVariables];
}

async function report(seed: number, document: DocumentNode, query: RandomQuery, difference: string): Promise<string> {
  const differs = async (smaller: DocumentNode) =>
    (await outcomesOf(compile, smaller, query).catch(() => [])).find((outcome) => outcome.difference !== undefined)
      ?.difference;
  const smallest = await reduce(schema, document, async (smaller) => (await differs(smaller)) !== undefined);
  return [
    `seed ${seed}: ${difference}`,
    `reduced: ${(await differs(smallest)) ?? "does not differ any more"}`,
    print(smallest),
    `operationName: ${query.operationName}`,
    `variables: ${JSON.stringify(query.variables)}`,
    `or: ${JSON.stringify(query.otherVariables)}`,
  ].join("\n");
}

/** The report of `validation` says when it was made: here it is made once. */
function steady(inner: Db): Db {
  const made = new Map<string, Promise<unknown[]>>();
  return {
    async query<Row>(text: string, values?: readonly unknown[]) {
      if (!text.includes(" AS checked_at")) return inner.query<Row>(text, values);
      const rows = made.get(text) ?? inner.query(text, values);
      made.set(text, rows);
      return structuredClone(await rows) as Row[];
    },
  };
}

/** Takes out every directive. */
const withoutConditions = (document: DocumentNode) => visit(document, { Directive: () => null });

/** Keeps the first of the selections that have one key, as if there were nothing to merge. */
const unmerged = (document: DocumentNode) =>
  visit(document, {
    SelectionSet(set) {
      const keys = new Set<string>();
      const selections = set.selections.filter((selection) => {
        if (selection.kind !== Kind.FIELD) return true;
        const key = (selection.alias ?? selection.name).value;
        return !keys.has(key) && keys.add(key);
      });
      return { ...set, selections };
    },
  });

const BROKEN: readonly [name: string, broken: Compile, found: RegExp][] = [
  [
    "a lost alias",
    standIn({ document: (document) => visit(document, { Field: ({ alias, ...field }) => field }) }),
    /keys/,
  ],
  ["another order of keys", standIn({ text: (text) => JSON.stringify(reversed(JSON.parse(text))) }), /keys/],
  ["a null", standIn({ text: (text) => text.replace(/:(?:"[^"]*"|\d+|true)([,}])/, ":null$1") }), /null, expected/],
  ["a null that is not", standIn({ text: (text) => text.replace(":null", ":{}") }), /expected null/],
  ["a skipped @include", standIn({ document: withoutConditions }), /keys/],
  ["fields that are not merged", standIn({ document: unmerged }), /keys/],
  ["a row too few", standIn({ text: (text) => text.replace(/\},\{[^{}]*\}\]/, "}]") }), /items, expected/],
  ["variables of another time", (...of) => remembering(standIn()(...of)), /expected/],
  ["a statement too many", standIn({ before: (inner) => inner.query("SELECT 1") }), /statements/],
  ["a key twice", standIn({ text: (text) => text.replace(/"(\w+)":(\d+|true|false)/, '"$1":0,"$1":$2') }), /twice/],
  [
    "an answer in spite of errors",
    (...of) => answering(standIn()(...of)),
    /^answered .* (where there are errors|failed)/,
  ],
];

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

function remembering(compiled: ReturnType<Compile>): ReturnType<Compile> {
  let first: Record<string, unknown> | undefined;
  return (
    compiled && {
      execute(context, variables) {
        first ??= variables;
        return compiled.execute(context, first);
      },
    }
  );
}

function answering(compiled: ReturnType<Compile>): ReturnType<Compile> {
  return compiled && { execute: async (...asked) => (await compiled.execute(...asked)) ?? '{"data":null}' };
}

test.each(BROKEN)("%s is found", async (_, broken, found) => {
  const differences: string[] = [];
  for (let seed = 0; seed < 40 && differences.length === 0; seed++) {
    const query = randomQuery(schema, seed, pool, seed % 3 === 2 ? "refused" : "none");
    const outcomes = await outcomesOf(broken, parse(query.text), query);
    differences.push(...outcomes.flatMap(({ difference }) => difference ?? []));
  }
  expect(differences[0]).toMatch(found);
});

test("numbers count as they are read by a client, and as they are written", () => {
  const expected = { data: { a: [0, 1.5, null] } };
  expect(differenceOf('{"data": {"a": [0, 1.50, null]}}', expected)).toBeUndefined();
  expect(differenceOf('{"data":{"a":[-0,1.5,null]}}', expected)).toBe("at /data/a/0: -0, expected 0");
  expect(differenceOf('{"data":{"a":[0,1.5,1e400]}}', expected)).toBe("at /data/a/2: Infinity, expected null");
  expect(differenceOf('{"data":{"a":[0,1.5]}}', expected)).toBe("at /data/a: 2 items, expected 3");
  expect(differenceOf('{"data":{"a":[0,1.5,NaN]}}', expected)).toMatch(/no JSON/);
});

test("a document that fails is shown as the little of it that fails", async () => {
  const document = parse(randomQuery(schema, 4, pool, "none").text);
  const fails = async (smaller: DocumentNode) => print(smaller).includes("@skip");
  expect(await fails(document)).toBe(true);
  const smallest = await reduce(schema, document, fails);
  expect(validate(schema, smallest)).toEqual([]);
  expect(await fails(smallest)).toBe(true);
  expect(print(smallest).length).toBeLessThan(print(document).length / 10);
});

import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type DocumentNode, execute, GraphQLError, type GraphQLSchema, print } from "graphql";
import type { Db } from "../../src/db/pool.ts";
import { ClientError } from "../../src/errors.ts";
import type { Context } from "../../src/graphql/context.ts";
import { NO_CALL } from "../harness.ts";

/** A document compiled for repeated execution. */
interface Compiled {
  execute(
    context: Pick<Context, "db" | "call">,
    variables: Record<string, unknown> | undefined,
  ): Promise<string | undefined>;
}

/** What is held against graphql-js; undefined: the document is left to it. */
export type Compile = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
) => Compiled | undefined;

export interface Outcome {
  /** `failed`: graphql-js reports errors. `left`: it alone answers. `answered`: both do. */
  readonly kind: "failed" | "left" | "answered";
  /** How the two differ, for a person. */
  readonly difference: string | undefined;
  readonly expected: unknown;
}

/** Answers by graphql-js. What is wrong with the request is in `errors`; throws what is wrong with the server. */
export async function answer(
  schema: GraphQLSchema,
  db: Db,
  document: DocumentNode,
  operationName: string | undefined,
  variables: Record<string, unknown>,
): Promise<{ data?: unknown; errors?: unknown[] }> {
  const result = await execute({
    schema,
    document,
    operationName: operationName ?? null,
    variableValues: variables,
    contextValue: { db, call: NO_CALL, logRefusal() {} } satisfies Context,
  });
  const defect = result.errors?.map(causeOf).find((cause) => cause !== undefined && !(cause instanceof ClientError));
  if (defect !== undefined) throw new Error(`no client's mistake: ${print(document)}`, { cause: defect });
  return JSON.parse(JSON.stringify(result)) as { data?: unknown; errors?: unknown[] };
}

/** What a resolver threw; undefined where graphql-js itself found the error. */
function causeOf({ originalError }: GraphQLError): unknown {
  return originalError instanceof GraphQLError ? causeOf(originalError) : originalError;
}

/** Holds answers to one document against graphql-js's, which is asked anew for each. */
export function differ(
  schema: GraphQLSchema,
  db: Db,
  compile: Compile,
  document: DocumentNode,
  operationName: string | undefined,
): (variables: Record<string, unknown>) => Promise<Outcome> {
  const compiled = compile(schema, document, operationName);
  /** What comes of it where the statement of this number fails, as where the database goes away. */
  const broken = async (variables: Record<string, unknown>, failing: number): Promise<string | undefined> => {
    const text = await compiled?.execute({ db: counting(db, failing).db, call: NO_CALL }, variables);
    return text === undefined ? undefined : `answered ${cut(text)} where statement ${failing} failed`;
  };
  return async (variables) => {
    const ofGraphqlJs = counting(db);
    const expected = await answer(schema, ofGraphqlJs.db, document, operationName, variables);
    const own = counting(db);
    const before = JSON.stringify(variables);
    let actual: string | undefined;
    try {
      actual = await compiled?.execute({ db: own.db, call: NO_CALL }, variables);
    } catch (error) {
      return { kind: "left", difference: `threw ${error instanceof Error ? error.stack : error}`, expected };
    }
    const kind = expected.errors ? "failed" : actual === undefined ? "left" : "answered";
    const outcome = (difference?: string) => ({ kind, difference, expected }) as const;
    if (JSON.stringify(variables) !== before) return outcome("the variables were changed");
    if (actual === undefined) return outcome();
    if (expected.errors)
      return outcome(`answered ${cut(actual)} where there are errors: ${cut(JSON.stringify(expected))}`);
    const difference = differenceOf(actual, expected);
    if (difference === undefined && own.statements() > ofGraphqlJs.statements()) {
      return outcome(`${own.statements()} statements, where graphql-js sends ${ofGraphqlJs.statements()}`);
    }
    if (difference !== undefined || own.statements() === 0) return outcome(difference);
    // Another statement each time, and yet always the same one of the same answer.
    return outcome(await broken(variables, 1 + (actual.length % own.statements())));
  };
}

/** The first difference between a JSON text and what it should say; keys count in their order. */
export function differenceOf(text: string, expected: unknown): string | undefined {
  let actual: unknown;
  try {
    actual = JSON.parse(text);
  } catch (error) {
    return `no JSON: ${error instanceof Error ? error.message : error}: ${cut(text)}`;
  }
  const twice = keyThatComesTwice(text);
  if (twice !== undefined) return `the key ${twice} comes twice in one object: ${cut(text)}`;
  if (JSON.stringify(actual) === JSON.stringify(expected) && isDeepStrictEqual(actual, expected)) return undefined;
  return firstDifference(actual, expected, "");
}

function firstDifference(actual: unknown, expected: unknown, path: string): string | undefined {
  const shown = () => `at ${path || "the top"}: ${show(actual)}, expected ${show(expected)}`;
  if (typeof actual !== "object" || typeof expected !== "object" || actual === null || expected === null) {
    return Object.is(actual, expected) ? undefined : shown();
  }
  if (Array.isArray(actual) !== Array.isArray(expected)) return shown();
  const [keys, wanted] = [Object.keys(actual), Object.keys(expected)];
  if (keys.join("\n") !== wanted.join("\n")) {
    return Array.isArray(actual)
      ? `at ${path || "the top"}: ${keys.length} items, expected ${wanted.length}`
      : `at ${path || "the top"}: the keys ${keys.join(", ")}, expected ${wanted.join(", ")}`;
  }
  for (const key of keys) {
    const inner = (of: object) => Object.getOwnPropertyDescriptor(of, key)?.value as unknown;
    const difference = firstDifference(inner(actual), inner(expected), `${path}/${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function show(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return cut(JSON.stringify(value) ?? "nothing");
}

function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** `JSON.parse` would take the last one and say nothing. */
function keyThatComesTwice(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (key !== undefined) {
      const name = JSON.parse(key) as string;
      if (open.at(-1)?.has(name)) return name;
      open.at(-1)?.add(name);
    }
  }
  return undefined;
}

/**
 * Counts statements, and runs them one after the other: which loads share a statement would otherwise depend on which of two
 * statements happens to be answered first. `failing`: the number of the one that fails.
 */
function counting(db: Db, failing?: number): { db: Db; statements(): number } {
  let statements = 0;
  let last: Promise<unknown> = Promise.resolve();
  return {
    db: {
      query<Row>(text: string, values?: readonly unknown[]) {
        statements++;
        const fails = statements === failing;
        const rows = last.then(() => (fails ? Promise.reject(new Error("no database")) : db.query<Row>(text, values)));
        last = rows.catch(() => {}).then(() => setImmediate());
        return rows;
      },
    },
    statements: () => statements,
  };
}

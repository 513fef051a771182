import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type SelectionSetNode,
  visit,
} from "graphql";
import { collectFields } from "graphql/execution/collectFields.js";
import type { Db } from "../db/pool.ts";
import { type Framed, UNSAID } from "../domain/json.ts";
import { Params } from "../domain/sql.ts";
import { ClientError } from "../errors.ts";
import type { Context } from "./context.ts";
import { checkCost } from "./cost.ts";
import { fragmentsOf, type QueryLimits } from "./query-limits.ts";
import { type Bind, LeftToGraphQLJs, MAX_FIELDS, StatementCompiler } from "./statement.ts";

type Variables = Record<string, unknown>;
/** What writes the statement's expression and what stands around it; the answer, where nothing is read; or why neither can be. */
type Compiled = ((bind: Bind) => Framed) | string | LeftToGraphQLJs;

/** A query that is ready to be executed any number of times. */
export interface CompiledQuery {
  /** How many fields it selects, each fragment as often as it is spread; at most as many as a statement may have. */
  readonly fields: number;
  /** Of its operation. */
  readonly name: string | undefined;
  /**
   * The answer as JSON text, `{"data":…}`, in parts that can be sent one after the other, without a copy of them joined.
   * There is no partial answer: rejects with what was thrown, or with `LeftToGraphQLJs`. Then graphql-js is to execute the
   * query, and to report the errors. What is beyond the limits is not begun.
   */
  execute(context: Pick<Context, "db">, variables: Readonly<Variables> | undefined): Promise<readonly string[]>;
}

/**
 * Prepares an operation of a valid document; undefined where it is no query.
 *
 * The answer is exactly graphql-js's (`test/graphql/executor.test.ts` holds one against the other), but PostgreSQL writes it: the
 * whole query is one statement, which sees one moment of the database, and whose only value is the answer's text, but for the
 * literals that it begins and ends with.
 */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
  limits: QueryLimits,
): CompiledQuery | undefined {
  const operation = getOperationAST(document, operationName);
  const root = schema.getQueryType();
  if (operation?.operation !== "query" || !root) return undefined;
  const fragments = fragmentsOf(document);
  // What is selected depends on the variables that @skip and @include read, and on no others.
  const switches = switchesOf(document);
  const compiled = new Map<string, Compiled>();
  const compileFor = (variables: Variables): Compiled => {
    const fields = collectFields(schema, fragments, variables, root, operation.selectionSet);
    try {
      return new StatementCompiler(schema, fragments, variables).root(root, fields);
    } catch (error) {
      if (error instanceof LeftToGraphQLJs) return error;
      throw error;
    }
  };

  return {
    name: operation.name?.value,
    fields: Math.min(fieldsIn(operation, fragments), MAX_FIELDS),
    async execute({ db }, given) {
      const { coerced: variables } = getVariableValues(schema, operation.variableDefinitions ?? [], given ?? {});
      if (!variables) throw new LeftToGraphQLJs();
      checkCost(schema, operation, fragments, limits, variables);
      const key = switches.map((name) => String(variables[name])).join();
      let write = compiled.get(key);
      if (write === undefined) {
        if (compiled.size >= MAX_COMBINATIONS) compiled.clear();
        write = compileFor(variables);
        compiled.set(key, write);
      }
      if (write instanceof LeftToGraphQLJs) throw write;
      if (typeof write === "string") return [write];

      const bind: Bind = { variables, params: new Params(), isPlain: true };
      const { before, expression, after } = write(bind);
      const { json, size } = await read(db, expression, bind);
      if (size !== null && size > MAX_BYTES) {
        throw new ClientError(
          "QUERY_TOO_EXPENSIVE",
          "The answer would be too large: ask for less at once, or for smaller pages.",
        );
      }
      if (json === null || json.includes(UNSAID) || holdsLongNumber(json)) throw new LeftToGraphQLJs();
      return [before, json, after];
    },
  };
}

/** Of what @skip and @include read. */
const MAX_COMBINATIONS = 4;

const MAX_BYTES = 100_000_000;

/** Not the text where it is too large: what is longer than a string can be ends the process in `pg`. */
async function read(
  db: Db,
  json: string,
  { params, isPlain }: Bind,
): Promise<{ json: string | null; size: number | null }> {
  const [row] = await db.query<{ json: string | null; size: number | null }>(
    `SELECT octet_length(json) AS size, CASE WHEN octet_length(json) <= ${MAX_BYTES} THEN json END AS json
     FROM (SELECT ${json} AS json OFFSET 0) AS answer`,
    params.values,
    { prepare: isPlain },
  );
  return row ?? { json: null, size: null };
}

/**
 * Whether somewhere are 300 digits in a row: a number that may be more than a double can hold. Looks at every 150th
 * character and, where that is a digit, around it: a regular expression would take as long as PostgreSQL's statement.
 */
function holdsLongNumber(json: string): boolean {
  const isDigit = (i: number) => json.charCodeAt(i) >= 48 && json.charCodeAt(i) <= 57;
  for (let i = 149; i < json.length; i += 150) {
    if (!isDigit(i)) continue;
    let [from, to] = [i, i];
    while (isDigit(from - 1)) from -= 1;
    while (isDigit(to + 1)) to += 1;
    if (to - from >= 299) return true;
  }
  return false;
}

function fieldsIn(
  { selectionSet }: { readonly selectionSet?: SelectionSetNode | undefined },
  fragments: Record<string, FragmentDefinitionNode>,
  counted = new Map<string, number>(),
): number {
  let fields = 0;
  for (const node of selectionSet?.selections ?? []) {
    if (node.kind === Kind.FIELD) fields += 1;
    if (node.kind !== Kind.FRAGMENT_SPREAD) {
      fields += fieldsIn(node, fragments, counted);
      continue;
    }
    const name = node.name.value;
    const spread = counted.get(name) ?? fieldsIn(fragments[name] ?? {}, fragments, counted);
    counted.set(name, spread);
    fields += spread;
  }
  return fields;
}

function switchesOf(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive({ name, arguments: args = [] }) {
      if (name.value !== "skip" && name.value !== "include") return;
      for (const { value } of args) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

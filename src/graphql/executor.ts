import {
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  visit,
} from "graphql";
import { collectFields, collectSubfields } from "graphql/execution/collectFields.js";
import type { Context } from "./context.ts";
import { leafWriter } from "./leaf-writer.ts";

type Variables = Record<string, unknown>;

/** A query that is ready to be executed any number of times. */
export interface CompiledQuery {
  /**
   * The answer as JSON text, `{"data":…}`. There is no partial answer: rejects with what a resolver threw, or with
   * `LeftToGraphQLJs`. Then graphql-js is to execute the query, and to report the errors.
   */
  execute(context: Context, variables: Readonly<Variables> | undefined): Promise<string>;
}

/** This executor has no words for the answer: an error that graphql-js finds by itself, introspection, a `node`. */
class LeftToGraphQLJs extends Error {}

/**
 * Prepares an operation of a valid document; undefined where it is no query.
 *
 * The answer is exactly graphql-js's (`test/graphql/executor.test.ts` holds one against the other), found level by level
 * instead of row by row: one field of all rows, then the next field. So a page of a thousand rows is a loop for each of its fields,
 * with no object and no promise for each value, and the text is written straight from the rows.
 */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): CompiledQuery | undefined {
  const operation = getOperationAST(document, operationName);
  const root = schema.getQueryType();
  if (operation?.operation !== "query" || !root) return undefined;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  }
  // What is selected depends on the variables that @skip and @include read, and on no others.
  const switches = switchesOf(document);
  const selections = new Map<string, Selection | undefined>();

  return {
    async execute(context, given) {
      const { coerced: variables } = getVariableValues(schema, operation.variableDefinitions ?? [], given ?? {});
      if (!variables) throw new LeftToGraphQLJs();
      const key = switches.map((name) => String(variables[name])).join();
      if (!selections.has(key)) {
        const fields = collectFields(schema, fragments, variables, root, operation.selectionSet);
        selections.set(key, select({ schema, fragments, operation, variables }, root, fields));
      }
      const selection = selections.get(key);
      if (!selection) throw new LeftToGraphQLJs();
      const [text] = await writeObjects(selection, [undefined], { context, variables });
      return `{"data":${text}}`;
    },
  };
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

/** What stands in every `info` of a query. */
interface Scope {
  readonly schema: GraphQLSchema;
  readonly fragments: Record<string, FragmentDefinitionNode>;
  readonly operation: OperationDefinitionNode;
  readonly variables: Variables;
}

/** One request. */
interface Run {
  readonly context: Context;
  readonly variables: Variables;
}

/** The fields below one type, in the order of the answer. */
type Selection = readonly Field[];

interface Field {
  /** `{"key":` of the first field, `,"key":` of the others. */
  readonly prefix: string;
  /** The field's JSON for each of the parents, in their order. */
  write(parents: readonly unknown[], run: Run): Promise<Texts>;
}

type Texts = readonly string[];
/** JSON for each of some values, in their order. */
type Write = (values: readonly unknown[], run: Run) => Texts | Promise<Texts>;

/** undefined where something is selected that this executor leaves alone. */
function select(
  scope: Scope,
  parentType: GraphQLObjectType,
  fields: ReadonlyMap<string, readonly FieldNode[]>,
): Selection | undefined {
  const selection: Field[] = [];
  for (const [key, nodes] of fields) {
    const write = fieldWriter(scope, parentType, nodes);
    if (!write) return undefined;
    selection.push({ prefix: `${selection.length === 0 ? "{" : ","}"${key}":`, write });
  }
  return selection;
}

function fieldWriter(
  scope: Scope,
  parentType: GraphQLObjectType,
  nodes: readonly FieldNode[],
): Field["write"] | undefined {
  const [node] = nodes;
  if (node?.name.value === "__typename") {
    const text = JSON.stringify(parentType.name);
    return async (parents) => parents.map(() => text);
  }
  const field = node && parentType.getFields()[node.name.value];
  const write = field && typeWriter(scope, field.type, nodes);
  if (!field || !write) return undefined;
  const { resolve = defaultFieldResolver } = field;
  return async (parents, run) => {
    if (parents.length === 0) return []; // graphql-js would not look at the arguments either
    // One object for all parents, by which a resolver knows that they are asked for the same.
    const args = getArgumentValues(field, node, run.variables);
    const info = resolveInfo(scope, parentType, field, nodes, run);
    return write(await settled(parents, (parent) => resolve(parent, args, run.context, info)), run);
  };
}

function resolveInfo(
  { schema, fragments, operation }: Scope,
  parentType: GraphQLObjectType,
  { name: fieldName, type: returnType }: GraphQLField<unknown, unknown>,
  fieldNodes: readonly FieldNode[],
  { variables: variableValues }: Run,
): GraphQLResolveInfo {
  const path = { prev: undefined, key: fieldName, typename: parentType.name }; // of a level, not of a row
  const rootValue = undefined;
  return {
    schema,
    fragments,
    operation,
    parentType,
    fieldName,
    returnType,
    fieldNodes,
    variableValues,
    path,
    rootValue,
  };
}

/** What a resolver returns for each of the parents. Where nothing has to be waited for, there is no promise for each. */
async function settled(
  parents: readonly unknown[],
  resolve: (parent: unknown) => unknown,
): Promise<readonly unknown[]> {
  const values: unknown[] = [];
  let pending = false;
  try {
    for (const parent of parents) {
      const value = resolve(parent);
      pending ||= value instanceof Promise;
      values.push(value);
    }
  } catch (error) {
    // Those before it may fail too, with nobody to hear it.
    await Promise.allSettled(values);
    throw error;
  }
  return pending ? Promise.all(values) : values;
}

function typeWriter(scope: Scope, type: GraphQLOutputType, nodes: readonly FieldNode[]): Write | undefined {
  if (isNonNullType(type)) {
    const write = typeWriter(scope, type.ofType, nodes);
    return write && ((values, run) => (values.some(isNull) ? fail() : write(values, run)));
  }
  const write = presentWriter(scope, type, nodes);
  return write && ((values, run) => (values.some(isNull) ? withNulls(values, write, run) : write(values, run)));
}

const isNull = (value: unknown) => value === null || value === undefined;

function fail(): never {
  throw new LeftToGraphQLJs();
}

async function withNulls(values: readonly unknown[], write: Write, run: Run): Promise<Texts> {
  const present = await write(
    values.filter((value) => !isNull(value)),
    run,
  );
  let next = 0;
  return values.map((value) => (isNull(value) ? "null" : (present[next++] ?? fail())));
}

/** Writes values of which none is null. */
function presentWriter(scope: Scope, type: GraphQLOutputType, nodes: readonly FieldNode[]): Write | undefined {
  if (isLeafType(type)) {
    const write = leafWriter(type);
    return (values) => values.map(write);
  }
  if (isListType(type)) {
    const write = typeWriter(scope, type.ofType, nodes);
    return write && ((values, run) => writeLists(values, write, run));
  }
  if (!isObjectType(type)) return undefined;
  const { schema, fragments, variables } = scope;
  const selection = select(scope, type, collectSubfields(schema, fragments, { ...variables }, type, nodes));
  return selection && ((values, run) => writeObjects(selection, values, run));
}

/** All items of all lists at once. */
async function writeLists(lists: readonly unknown[], write: Write, run: Run): Promise<Texts> {
  const arrays = lists.map((list) => (Array.isArray(list) ? (list as unknown[]) : fail()));
  const items = arrays.flat();
  const texts = await write(items, run);
  let next = 0;
  return arrays.map(({ length }) => {
    next += length;
    return `[${texts.slice(next - length, next).join()}]`;
  });
}

/** The fields of all objects begin at once, so that what they load is loaded together. */
async function writeObjects(selection: Selection, objects: readonly unknown[], run: Run): Promise<Texts> {
  if (selection.length === 0) return objects.map(() => "{}");
  const columns = await Promise.all(selection.map((field) => field.write(objects, run)));
  const texts = objects.map(() => "");
  for (const [i, { prefix }] of selection.entries()) {
    const column = columns[i] ?? fail();
    for (let row = 0; row < texts.length; row += 1) texts[row] += prefix + column[row];
  }
  return texts.map((text) => `${text}}`);
}

import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
} from "graphql";
import { ClientError } from "../errors.ts";

/** What a query may be at most. docs/limits.md says what each is for. */
export interface QueryLimits {
  readonly queryTokens: number;
  /** Fields within fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  readonly rootFields: number;
  /** See `checkCost`. */
  readonly cost: number;
  /** The cost of what graphql-js answers, which takes this process a hundred times as long for each value. */
  readonly slowCost: number;
  /** Rows of one page. The schema's own limit holds too. */
  readonly pageSize: number;
  /** Bytes of the variables as JSON. */
  readonly variablesBytes: number;
}

/** Fragments by their names. */
type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/** Of an operation or a part of it, a fragment counted as often as it is spread. */
interface Measures {
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** At the top of this part. */
  readonly fields: number;
}

/**
 * Parses what is within the limits that can be seen without variables. To be called before the rules of validation, some of
 * which compare each field with each. Throws GraphQLError, ClientError.
 */
export function parseWithin(limits: QueryLimits, text: string): DocumentNode {
  const document = parseTokens(text, limits.queryTokens);
  const fragments = fragmentsOf(document);
  const known = new Map<string, Measures>();
  for (const definition of document.definitions) {
    if (!("selectionSet" in definition)) continue;
    const { depth, aliases, directives, fields } = measure(definition, fragments, known);
    if (depth > limits.depth) throw tooMuch(`is ${depth} fields deep`, limits.depth);
    check("aliases", aliases, limits.aliases);
    check("directives", directives, limits.directives);
    if (definition.kind === Kind.OPERATION_DEFINITION) check("fields at its root", fields, limits.rootFields);
  }
  return document;
}

export function fragmentsOf({ definitions }: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const node of definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  return fragments;
}

/** Throws ClientError where the variables take more than `limits.variablesBytes`. */
export function checkVariables(limits: QueryLimits, variables: unknown): void {
  const bytes = variables === undefined ? 0 : Buffer.byteLength(JSON.stringify(variables));
  if (bytes > limits.variablesBytes) {
    throw new ClientError(
      "QUERY_TOO_EXPENSIVE",
      `The variables take ${bytes} bytes, and the limit is ${limits.variablesBytes}: send less at once.`,
      413,
    );
  }
}

function parseTokens(text: string, maxTokens: number): DocumentNode {
  try {
    return parse(text, { maxTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError && /more tha[nt] \d+ tokens/.test(error.message))) throw error;
    throw tooMuch(`has more than ${maxTokens} words and signs`, maxTokens);
  }
}

function check(what: string, count: number, limit: number): void {
  if (count > limit) throw tooMuch(`has ${count} ${what}`, limit);
}

function tooMuch(what: string, limit: number): ClientError {
  return new ClientError(
    "QUERY_TOO_EXPENSIVE",
    `The query ${what}, and the limit is ${limit}: ask in several requests.`,
  );
}

const NOTHING: Measures = { depth: 0, aliases: 0, directives: 0, fields: 0 };

function measure(
  part: OperationDefinitionNode | FragmentDefinitionNode | SelectionNode,
  fragments: Fragments,
  known: Map<string, Measures>,
): Measures {
  let [depth, aliases, directives, fields] = [0, 0, part.directives?.length ?? 0, 0];
  if (part.kind === Kind.FRAGMENT_SPREAD) {
    const name = part.name.value;
    const fragment = fragments[name];
    if (!known.has(name) && fragment) {
      known.set(name, NOTHING); // within itself, which validation refuses
      known.set(name, measure(fragment, fragments, known));
    }
    const spread = known.get(name) ?? NOTHING;
    return { ...spread, directives: directives + spread.directives };
  }
  if (part.kind === Kind.OPERATION_DEFINITION) {
    for (const variable of part.variableDefinitions ?? []) directives += variable.directives?.length ?? 0;
  }
  for (const selection of part.selectionSet?.selections ?? []) {
    const inner = measure(selection, fragments, known);
    depth = Math.max(depth, inner.depth);
    aliases += inner.aliases;
    directives += inner.directives;
    fields += inner.fields;
  }
  if (part.kind !== Kind.FIELD) return { depth, aliases, directives, fields };
  return { depth: depth + 1, aliases: aliases + (part.alias ? 1 : 0), directives, fields: 1 };
}

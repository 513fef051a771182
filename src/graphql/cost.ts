import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type ValueNode,
} from "graphql";
import { ClientError } from "../errors.ts";
import { badSize, DEFAULT_PAGE } from "./connection.ts";
import type { QueryLimits } from "./query-limits.ts";

type Variables = Readonly<Record<string, unknown>>;
type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;

/** What a list that is no page is taken to hold: the folds of a run, the fields of a type. */
const LIST = 10;

/**
 * Throws ClientError where the answer to an operation of a valid document could have more values than the limit
 * (QUERY_TOO_EXPENSIVE), or a page more rows (BAD_USER_INPUT). Each field counts once for each row that it is asked of: as many
 * rows as the pages around it may hold, so that the cost is known before anything is read; as many as another list has at
 * most, where its source says so, and else ten. Introspection counts too.
 *
 * @param variables - as coerced
 * @param isSlow - whether graphql-js answers it
 */
export function checkCost(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  limits: QueryLimits,
  variables: Variables,
  isSlow = false,
): void {
  const root = schema.getRootType(operation.operation);
  if (!root) return;
  const count = new Count(schema, fragments, variables, limits.pageSize);
  const cost = count.selection(root, operation.selectionSet, undefined);
  const bySlowness = isSlow && limits.slowCost < limits.cost;
  const limit = bySlowness ? limits.slowCost : limits.cost;
  if (cost <= limit) return;
  const which = bySlowness ? " for what SQL alone cannot answer (a mutation, `node`, introspection)" : "";
  throw new ClientError(
    "QUERY_TOO_EXPENSIVE",
    `The answer could have ${cost} values, and the limit${which} is ${limit}: ask for smaller pages, or for fewer fields.`,
  );
}

class Count {
  readonly #schema: GraphQLSchema;
  readonly #fragments: Fragments;
  readonly #variables: Variables;
  readonly #pageSize: number;
  /** Of each fragment, by its name and the size of the page that it is spread in. */
  readonly #known = new Map<string, number>();

  constructor(schema: GraphQLSchema, fragments: Fragments, variables: Variables, pageSize: number) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variables = variables;
    this.#pageSize = pageSize;
  }

  /** @param page - how many rows each list has directly below, where `type` is a connection */
  selection(type: GraphQLCompositeType, { selections }: SelectionSetNode, page: number | undefined): number {
    let sum = 0;
    for (const node of selections) {
      if (!this.#isIncluded(node.directives ?? [])) continue;
      if (node.kind === Kind.FIELD) sum += this.#field(type, node, page);
      else if (node.kind === Kind.INLINE_FRAGMENT) {
        sum += this.selection(this.#named(node.typeCondition?.name.value) ?? type, node.selectionSet, page);
      } else sum += this.#fragment(node.name.value, page);
    }
    return sum;
  }

  #fragment(name: string, page: number | undefined): number {
    const key = `${name} ${page}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const fragment = this.#fragments[name];
    const type = this.#named(fragment?.typeCondition.name.value);
    const cost = fragment && type ? this.selection(type, fragment.selectionSet, page) : 0;
    this.#known.set(key, cost);
    return cost;
  }

  #field(parent: GraphQLCompositeType, node: FieldNode, page: number | undefined): number {
    const field = fieldOf(parent, node.name.value);
    const type = field && getNamedType(field.type);
    if (!node.selectionSet || !field || !isCompositeType(type)) return 1;
    const isConnection = field.args.some(({ name }) => name === "first");
    const below = this.selection(type, node.selectionSet, isConnection ? this.#sizeOfPage(node) : undefined);
    return 1 + below * (isListType(getNullableType(field.type)) ? (page ?? this.#sizeOfList(field, node)) : 1);
  }

  #sizeOfPage(node: FieldNode): number {
    let size = DEFAULT_PAGE;
    for (const name of ["first", "last"]) {
      const value = this.#argument(node, name);
      if (typeof value !== "number") continue;
      if (value > this.#pageSize) throw badSize(name, value, this.#pageSize);
      size = value;
    }
    return Math.max(size, 0);
  }

  #sizeOfList({ extensions }: GraphQLField<unknown, unknown>, node: FieldNode): number {
    const { max } = (extensions as { readonly source?: { readonly max?: number } }).source ?? {};
    if (max !== undefined) return max;
    const ids = this.#argument(node, "ids");
    return Array.isArray(ids) ? ids.length : LIST;
  }

  #isIncluded(directives: NonNullable<FieldNode["directives"]>): boolean {
    return directives.every(({ name, arguments: args = [] }) => {
      const condition = args[0] && this.#value(args[0].value);
      return name.value === "skip" ? condition !== true : name.value !== "include" || condition !== false;
    });
  }

  #argument(node: FieldNode, name: string): unknown {
    const argument = node.arguments?.find((candidate) => candidate.name.value === name);
    return argument && this.#value(argument.value);
  }

  /** Of what is looked at here: numbers, conditions, and how long a list is. */
  #value(node: ValueNode): unknown {
    if (node.kind === Kind.VARIABLE) return this.#variables[node.name.value];
    if (node.kind === Kind.INT) return Number(node.value);
    if (node.kind === Kind.BOOLEAN) return node.value;
    return node.kind === Kind.LIST ? node.values : undefined;
  }

  #named(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : this.#schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}

function fieldOf(parent: GraphQLCompositeType, name: string): GraphQLField<unknown, unknown> | undefined {
  for (const meta of [SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef]) if (meta.name === name) return meta;
  return "getFields" in parent ? parent.getFields()[name] : undefined;
}

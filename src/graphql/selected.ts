import { type FieldNode, type GraphQLField, type GraphQLResolveInfo, getNamedType, isObjectType } from "graphql";
import { collectSubfields } from "graphql/execution/collectFields.js";

declare module "graphql" {
  interface GraphQLFieldExtensions<_TSource, _TContext, _TArgs> {
    /** The columns of the row that the resolver reads. Those of `expose` are known. */
    readonly columns?: readonly string[];
    /** Set by Pothos: the property that `expose` shows. */
    readonly pothosExposedField?: string;
  }
}

/** What a page has to bring for the fields that are selected below its connection. */
interface Selected {
  readonly columns: readonly string[];
  /** Whether a cursor is asked for. */
  readonly positions: boolean;
}

type Nodes = readonly FieldNode[];

// The same nodes stand for all parents of a field, and in a compiled query for all requests.
const known = new WeakMap<Nodes, Selected>();

/** What is selected below a field whose type is a connection. */
export function selectedBelow(info: GraphQLResolveInfo): Selected {
  const selected = known.get(info.fieldNodes) ?? inConnection(info);
  known.set(info.fieldNodes, selected);
  return selected;
}

/** The columns of the row that are selected below a field whose type is that of one row. */
export function selectedOf(info: GraphQLResolveInfo): readonly string[] {
  const selected = known.get(info.fieldNodes) ?? { columns: columnsIn(info, top(info)), positions: false };
  known.set(info.fieldNodes, selected);
  return selected.columns;
}

function inConnection(info: GraphQLResolveInfo): Selected {
  const columns = new Set<string>();
  let positions = false;
  for (const field of below(info, top(info))) {
    const fields = field.definition.name === "nodes" ? [] : below(info, field).map(({ definition }) => definition.name);
    positions ||= fields.some((name) => /^(?:cursor|startCursor|endCursor)$/.test(name));
    const rows = field.definition.name === "edges" ? below(info, field) : [field];
    for (const row of rows) {
      if (/^nodes?$/.test(row.definition.name)) for (const column of columnsIn(info, row)) columns.add(column);
    }
  }
  return { columns: [...columns].sort(), positions };
}

function columnsIn(info: GraphQLResolveInfo, row: Field): string[] {
  const columns = below(info, row).flatMap(({ definition: { extensions } }) =>
    extensions.pothosExposedField === undefined ? (extensions.columns ?? []) : [extensions.pothosExposedField],
  );
  return [...new Set(columns)].sort();
}

interface Field {
  readonly definition: Pick<GraphQLField<unknown, unknown>, "name" | "type" | "extensions">;
  readonly nodes: Nodes;
}

/** The field itself. */
function top({ fieldName: name, returnType: type, fieldNodes: nodes }: GraphQLResolveInfo): Field {
  return { definition: { name, type, extensions: {} }, nodes };
}

/** The fields selected below a field, whatever their aliases, without `__typename`. */
function below({ schema, fragments, variableValues }: GraphQLResolveInfo, { definition, nodes }: Field): Field[] {
  const type = getNamedType(definition.type);
  if (!isObjectType(type)) return [];
  const selected = [...collectSubfields(schema, fragments, variableValues, type, nodes).values()];
  return selected.flatMap((own) => {
    const field = type.getFields()[own[0]?.name.value ?? ""];
    return field ? [{ definition: field, nodes: own }] : [];
  });
}

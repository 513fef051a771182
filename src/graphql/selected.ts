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

/** @param info - of a field whose type is a connection */
export function selectedBelow(info: GraphQLResolveInfo): Selected {
  const selected = known.get(info.fieldNodes) ?? find(info);
  known.set(info.fieldNodes, selected);
  return selected;
}

function find(info: GraphQLResolveInfo): Selected {
  const columns = new Set<string>();
  let positions = false;
  const addColumns = (row: Field) => {
    for (const { definition } of below(info, row)) {
      const { columns: read = [], pothosExposedField: exposed } = definition.extensions;
      for (const column of exposed === undefined ? read : [exposed]) columns.add(column);
    }
  };
  for (const field of below(info, { definition: { type: info.returnType }, nodes: info.fieldNodes })) {
    const { name } = field.definition;
    if (name === "nodes") addColumns(field);
    if (name === "edges") {
      for (const ofEdge of below(info, field)) {
        if (ofEdge.definition.name === "node") addColumns(ofEdge);
        if (ofEdge.definition.name === "cursor") positions = true;
      }
    }
    if (name === "pageInfo") {
      positions ||= below(info, field).some(({ definition }) => /^(?:start|end)Cursor$/.test(definition.name));
    }
  }
  return { columns: [...columns].sort(), positions };
}

interface Field {
  readonly definition: GraphQLField<unknown, unknown>;
  readonly nodes: Nodes;
}

/** The fields selected below a field, whatever their aliases, without `__typename`. */
function below(
  { schema, fragments, variableValues }: GraphQLResolveInfo,
  { definition, nodes }: { definition: Pick<Field["definition"], "type">; nodes: Nodes },
): Field[] {
  const type = getNamedType(definition.type);
  if (!isObjectType(type)) return [];
  const selected = [...collectSubfields(schema, fragments, variableValues, type, nodes).values()];
  return selected.flatMap((own) => {
    const field = type.getFields()[own[0]?.name.value ?? ""];
    return field ? [{ definition: field, nodes: own }] : [];
  });
}

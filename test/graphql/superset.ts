import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";

const ADDED = "added_";

/**
 * The document with every leaf of every object selected besides, under keys that `withoutAdded` takes out of the answer again:
 * then it must be the answer to the document itself, also from resolvers that read only what is selected.
 */
export function withAllLeaves(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  const info = new TypeInfo(schema);
  const leave = (set: { selections: readonly unknown[] }) => {
    const type = info.getParentType();
    if (!isObjectType(type) || type.name.startsWith("__")) return undefined;
    const leaves = Object.values(type.getFields()).filter(
      (field) => !isCompositeType(getNamedType(field.type)) && !field.args.some(isRequiredArgument),
    );
    return { ...set, selections: [...set.selections, ...leaves.map(({ name }) => added(name))] };
  };
  return visit(document, visitWithTypeInfo(info, { SelectionSet: { leave } }));
}

function added(name: string): FieldNode {
  return {
    kind: Kind.FIELD,
    alias: { kind: Kind.NAME, value: `${ADDED}${name}` },
    name: { kind: Kind.NAME, value: name },
  };
}

/** The answer without what was added. */
export function withoutAdded(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data), (_, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith(ADDED)));
  });
}

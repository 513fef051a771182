import { type GraphQLLeafType, GraphQLString, isEnumType } from "graphql";

/** Writes a value of a scalar or an enum, which is not null, as JSON. */
type LeafWriter = (value: unknown) => string;

declare module "graphql" {
  interface GraphQLScalarTypeExtensions {
    /** What `JSON.stringify(serialize(value))` is, by a shorter way. */
    readonly writeJson?: LeafWriter;
  }
}

/** Throws what the type's `serialize` throws. */
export function leafWriter(type: GraphQLLeafType): LeafWriter {
  const serialized: LeafWriter = (value) => JSON.stringify(type.serialize(value));
  if (isEnumType(type)) return remembered(serialized);
  if (type === GraphQLString) return (value) => (typeof value === "string" ? JSON.stringify(value) : serialized(value));
  return type.extensions.writeJson ?? serialized;
}

/** For the few values of an enum. */
function remembered(write: LeafWriter): LeafWriter {
  const texts = new Map<unknown, string>();
  return (value) => {
    const text = texts.get(value) ?? write(value);
    texts.set(value, text);
    return text;
  };
}

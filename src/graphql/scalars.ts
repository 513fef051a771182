import { GraphQLError, type ValueNode, valueFromASTUntyped } from "graphql";
import { formatTimestamp, parseTimestamp } from "../domain/timestamp.ts";
import { builder } from "./builder.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function inputError(message: string, node?: ValueNode): GraphQLError {
  return new GraphQLError(message, { nodes: node ?? null, extensions: { code: "BAD_USER_INPUT" } });
}

/** An id as the database holds it, in lower case; undefined for text that is none. */
export function parseUuid(value: unknown): string | undefined {
  return typeof value === "string" && UUID.test(value) ? value.toLowerCase() : undefined;
}

builder.scalarType("UUID", {
  description:
    "An id: 32 hexadecimal digits in groups of 8-4-4-4-12, such as `11111111-2222-3333-4444-555555555555`. Not only the " +
    "versions of RFC 4122: ids are hashed from names. Written in any case, returned in lower case.",
  serialize: (value) => String(value),
  parseValue(value) {
    const id = parseUuid(value);
    if (id === undefined) throw inputError("A UUID is 32 hexadecimal digits in groups of 8-4-4-4-12.");
    return id;
  },
});

builder.scalarType("DateTime", {
  description:
    "An instant, as RFC 3339 in UTC with up to six decimals: `2025-01-01T00:00:00.000001Z`. Input may have any offset. A " +
    "stored year past 9999, always a mistake of an exporter's unit, is returned as ISO 8601 writes it: `+057216-01-01T00:00:00Z`.",
  serialize: (value) => formatTimestamp(String(value)),
  parseValue(value) {
    const instant = typeof value === "string" ? parseTimestamp(value) : undefined;
    if (instant === undefined) {
      throw inputError("A DateTime is RFC 3339 with an offset and at most six decimals, such as 2025-01-01T00:00:00Z.");
    }
    return instant;
  },
});

builder.scalarType("SafeInt", {
  description:
    "A whole number of up to 2⁵³ − 1 in size, as a JSON number, which every client reads without loss. (A stored count " +
    "beyond that is returned as the nearest number that a double can hold.)",
  serialize: (value) => Number(value),
  parseValue(value) {
    if (typeof value !== "number" || !Number.isSafeInteger(value)) {
      throw inputError("A SafeInt is a whole number between −(2⁵³ − 1) and 2⁵³ − 1.");
    }
    return value;
  },
  parseLiteral(node) {
    const value = node.kind === "IntValue" ? Number(node.value) : Number.NaN;
    if (!Number.isSafeInteger(value))
      throw inputError("A SafeInt is a whole number between −(2⁵³ − 1) and 2⁵³ − 1.", node);
    return value;
  },
});

builder.scalarType("JSONObject", {
  description:
    "A JSON object. A number that is not finite is null. Of stored JSON that is no object: a text that contains one is that " +
    "object, and anything else stands under the key `value`. Nested deeper than 500 levels it is `{ value: null }`.",
  serialize: (text) => jsonObject(JSON.parse(String(text))),
  parseValue(value) {
    if (!isObject(value)) throw inputError("A JSONObject is a JSON object: { … }.");
    return value;
  },
  parseLiteral(node, variables) {
    if (node.kind !== "ObjectValue") throw inputError("A JSONObject is an object: { … }.", node);
    return valueFromASTUntyped(node, variables) as Record<string, unknown>;
  },
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** PostgreSQL stores JSON that is nested deeper than it can be written again here. */
const MAX_DEPTH = 500;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function jsonObject(stored: unknown): Record<string, unknown> {
  if (isDeeper(stored, MAX_DEPTH)) return { value: null };
  if (isObject(stored)) return stored;
  if (stored === null) return {};
  if (typeof stored === "string") {
    try {
      const inner: unknown = JSON.parse(stored);
      if (isObject(inner)) return inner;
    } catch {
      // plain text: shown as such below
    }
  }
  return { value: stored };
}

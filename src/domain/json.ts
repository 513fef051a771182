import type { Column } from "./sql.ts";

/**
 * How a column's value is written as JSON: `token` without escapes (ids, names of enums), `object` as the scalar JSONObject
 * shows stored JSON, `names` as a list of texts.
 */
export type JsonKind = "text" | "token" | "integer" | "float" | "boolean" | "timestamp" | "object" | "names";

/** A part of a text: an expression, or what stands there as it is. */
export type Piece = string | { readonly literal: string };

export function literal(text: string): Piece {
  return { literal: text };
}

/** A text without anything to escape, in its quotes. */
export function quoted(value: string): readonly Piece[] {
  return [literal('"'), value, literal('"')];
}

/**
 * A column's value as JSON text, as the API shows it. NULL where it cannot be said in SQL, or where there is no value and
 * none is not allowed: whatever is joined to it is NULL then, too.
 */
export function jsonOf(kind: JsonKind, column: Column, isNullable: boolean): readonly Piece[] {
  const value = typeof column === "string" ? column : column.jsonb;
  if (kind === "token" && !isNullable) return quoted(value);
  const json = WRITERS[kind](value);
  if (!isNullable || kind === "names") return [json];
  // An object that cannot be said in SQL is NULL too, and is for graphql-js.
  if (kind === "object")
    return [`CASE WHEN coalesce(jsonb_typeof(${value}), 'null') = 'null' THEN 'null' ELSE ${json} END`];
  return [`coalesce(${json}, 'null')`];
}

// Each function in a statement costs time before the first row, also where it is never called: few, and none for the odd.
const WRITERS: Readonly<Record<JsonKind, (value: string) => string>> = {
  text: (value) => `to_json(${value})::text`,
  token: (value) => joined(quoted(value)),
  integer: (value) => `(${value})::text`,
  float: (value) => `(${value} + 0)::text`, // 0 for -0
  boolean: (value) => `(${value})::text`,
  timestamp: timestampOf,
  // A text that may contain an object is read by graphql-js: what is odd in it, jsonb would not keep.
  object: (value) => `CASE WHEN ${value} IS NULL THEN '{}' WHEN ${isShallow(value)} THEN CASE jsonb_typeof(${value})
    WHEN 'object' THEN ${value}::text
    WHEN 'null' THEN '{}'
    WHEN 'string' THEN CASE WHEN ${value} #>> '{}' !~ '^\\s*\\{' THEN '{"value": ' || ${value}::text || '}' END
    ELSE '{"value": ' || ${value}::text || '}' END END`,
  names: (value) => `CASE WHEN ${value} IS NULL OR jsonb_typeof(${value}) = 'null' THEN '[]'
    WHEN jsonb_typeof(${value}) = 'array' AND NOT jsonb_path_exists(${value}, 'strict $[*] ? (@.type() != "string")')
    THEN ${value}::text END`,
};

/** As formatTimestamp(). The years that RFC 3339 knows are written here, where the session is in UTC. */
function timestampOf(value: string): string {
  return `CASE WHEN ${value} >= '0001-01-01 00:00+00' AND ${value} < '10000-01-01 00:00+00'
    THEN replace(to_json(${value})::text, '+00:00"', 'Z"') ELSE stage1_timestamp_json(${value}) END`;
}

/**
 * Not nested deeper than the 500 levels of the scalar JSONObject: each takes eight bytes, or else a bracket. What is
 * compressed can be larger than it seems.
 */
function isShallow(value: string): string {
  return `(pg_column_size(${value}) < 4000 AND pg_column_compression(${value}) IS NULL
      OR length(${value}::text) - length(translate(${value}::text, '{[', '')) <= 500)`;
}

/** An expression of the pieces one after the other. */
export function joined(pieces: readonly Piece[]): string {
  const parts: string[] = [];
  let literal = "";
  for (const piece of [...pieces, undefined]) {
    if (typeof piece === "object") {
      literal += piece.literal;
      continue;
    }
    if (literal !== "") parts.push(`'${literal.replaceAll("'", "''")}'`);
    literal = "";
    if (piece !== undefined) parts.push(`(${piece})`);
  }
  return parts.length > 0 ? concatenated(parts) : "''";
}

/** An expression, with the texts that stand before and after its value. */
export interface Framed {
  readonly before: string;
  readonly expression: string;
  readonly after: string;
}

/** As `joined`, but without the literals at both ends: around a long text, each `||` would copy all of it once more. */
export function framed(pieces: readonly Piece[]): Framed {
  const isExpression = (piece: Piece) => typeof piece === "string";
  const from = pieces.findIndex(isExpression);
  if (from < 0) return { before: textOf(pieces), expression: "''", after: "" };
  const to = pieces.findLastIndex(isExpression) + 1;
  return {
    before: textOf(pieces.slice(0, from)),
    expression: joined(pieces.slice(from, to)),
    after: textOf(pieces.slice(to)),
  };
}

/** What literals say. */
function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === "string" ? "" : piece.literal)).join("");
}

/** By halves: each `||` copies both its sides, so that a long text at the start would be copied once for each part. */
function concatenated(parts: readonly string[]): string {
  if (parts.length <= 2) return parts.join(" || ");
  const middle = Math.ceil(parts.length / 2);
  return `(${concatenated(parts.slice(0, middle))}) || (${concatenated(parts.slice(middle))})`;
}

/**
 * Stands for a row that cannot be said in SQL. No JSON holds this character; and where all rows are one text, it costs less
 * than to count those that are NULL, for which PostgreSQL would write each row twice.
 */
export const UNSAID = "\u0001";

/** A row's JSON, where NULL would be taken for none. */
export function saidOrNot(row: string): string {
  return `coalesce(${row}, chr(${UNSAID.charCodeAt(0)}))`;
}

/** The only row of `rows`, a query of one column that is never NULL; null where there is none. Two rows are an error. */
export function oneOf(rows: string): string {
  return `coalesce((${rows}), 'null')`;
}

/** All rows of `rows`, a query of one column `j` that is never NULL, in its order; NULL where there are more than `max`. */
export function listOf(rows: string, max?: number): readonly Piece[] {
  const list = "coalesce(string_agg(j, ','), '')";
  const few = max === undefined ? list : `CASE WHEN count(*) <= ${Number(max)} THEN ${list} END`;
  return [literal("["), `(SELECT ${few} FROM (${rows}) AS list)`, literal("]")];
}

/** As the API's opaque texts are encoded. */
export function base64url(text: string): string {
  return `translate(encode(convert_to(${text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')`;
}

import type { Column } from "./sql.ts";

/**
 * How a column's value is written as JSON: `token` without escapes (ids, names of enums), `object` as the scalar JSONObject
 * shows stored JSON, `names` as a list of texts.
 */
export type JsonKind = "text" | "token" | "integer" | "float" | "boolean" | "timestamp" | "object" | "names";

/**
 * An expression of a column's value as JSON text, as the API shows it. NULL where it cannot be said in SQL, or where there
 * is no value and none is not allowed: whatever is joined to it is NULL then, too.
 */
export function jsonOf(kind: JsonKind, column: Column, isNullable: boolean): string {
  const value = typeof column === "string" ? column : column.jsonb;
  const json = WRITERS[kind](value);
  if (kind === "object" || kind === "names" || !isNullable) return json;
  return `CASE WHEN ${value} IS NULL THEN 'null' ELSE ${json} END`;
}

const WRITERS: Readonly<Record<JsonKind, (value: string) => string>> = {
  text: (value) => `to_json(${value})::text`,
  token: (value) => `'"' || ${value} || '"'`,
  integer: (value) => `(${value})::text`,
  float: (value) => `(${value} + 0)::text`, // 0 for -0
  boolean: (value) => `(${value})::text`,
  // As formatTimestamp(): years of more than four digits with a sign and six. Years before 1 are left to it.
  timestamp: (value) => `CASE
    WHEN ${value} >= '0001-01-01 00:00+00' AND ${value} < '10000-01-01 00:00+00' THEN '"' || ${isoOf(`${value}::text`)} || '"'
    WHEN NOT isfinite(${value}) THEN '"' || ${value}::text || '"'
    WHEN ${value} > '0001-01-01 00:00+00'
    THEN '"+' || lpad(split_part(${value}::text, '-', 1), 6, '0')
         || ${isoOf(`substr(${value}::text, strpos(${value}::text, '-'))`)} || '"' END`,
  // A text that may contain an object is read by graphql-js: what is odd in it, jsonb would not keep.
  object: (value) => `CASE WHEN ${value} IS NULL THEN '{}' WHEN ${isShallow(value)} THEN CASE jsonb_typeof(${value})
    WHEN 'object' THEN ${value}::text
    WHEN 'null' THEN '{}'
    WHEN 'string' THEN CASE WHEN ${value} #>> '{}' !~ '^\\s*\\{' THEN jsonb_build_object('value', ${value})::text END
    ELSE jsonb_build_object('value', ${value})::text END END`,
  names: (value) => `CASE WHEN ${value} IS NULL OR jsonb_typeof(${value}) = 'null' THEN '[]'
    WHEN jsonb_typeof(${value}) = 'array' AND NOT jsonb_path_exists(${value}, 'strict $[*] ? (@.type() != "string")')
    THEN ${value}::text END`,
};

/** `2025-01-01 00:00:00.5+00` as `2025-01-01T00:00:00.5Z`. */
function isoOf(text: string): string {
  return `translate(left(${text}, -3), ' ', 'T') || 'Z'`;
}

/**
 * Not nested deeper than the 500 levels of the scalar JSONObject: each takes eight bytes, or else a bracket. What is
 * compressed can be larger than it seems.
 */
function isShallow(value: string): string {
  return `(pg_column_size(${value}) < 4000 AND pg_column_compression(${value}) IS NULL
      OR length(${value}::text) - length(translate(${value}::text, '{[', '')) <= 500)`;
}

/** Expressions of text, one after the other; what is no expression is written as it stands. */
export function joined(...pieces: readonly (string | { readonly literal: string })[]): string {
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

/** A row's JSON for a list of rows. */
export function saidOrNot(row: string): string {
  return `coalesce(${row}, chr(${UNSAID.charCodeAt(0)}))`;
}

/** The only row of `rows`, a query of one column `j`; null where there is none. */
export function oneOf(rows: string): string {
  return `(SELECT CASE WHEN count(*) = 0 THEN 'null' ELSE max(j) END FROM (${rows}) AS one)`;
}

/** All rows of `rows`, a query of one column `j`, in its order; NULL where there are more than `max`. */
export function listOf(rows: string, max?: number): string {
  const list = `'[' || coalesce(string_agg(${saidOrNot("j")}, ','), '') || ']'`;
  const few = max === undefined ? list : `CASE WHEN count(*) <= ${Number(max)} THEN ${list} END`;
  return `(SELECT ${few} FROM (${rows}) AS list)`;
}

/** As the API's opaque texts are encoded. */
export function base64url(text: string): string {
  return `translate(encode(convert_to(${text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')`;
}

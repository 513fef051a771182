/** Collects the values of one statement: `add` returns the placeholder to write in their place. */
export class Params {
  readonly values: unknown[] = [];

  add(value: unknown, cast?: string): string {
    this.values.push(value);
    return cast === undefined ? `$${this.values.length}` : `$${this.values.length}::${cast}`;
  }
}

/** A LIKE pattern for texts that contain `part`, in which `%`, `_` and `\` mean themselves. */
export function containing(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`;
}

/** What lists of rows with a time of creation can be narrowed by. Timestamps as `parseTimestamp` returns them. */
export interface TimeRange {
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

/** Conditions on one column, both ends exclusive. */
export function within(column: string, range: TimeRange | undefined, params: Params): string[] {
  return [
    ...(range?.after == null ? [] : [`${column} > ${params.add(range.after, "timestamptz")}`]),
    ...(range?.before == null ? [] : [`${column} < ${params.add(range.before, "timestamptz")}`]),
  ];
}

/** `column = value` where a value is given; given as null it means: where there is none. */
export function equal(expression: string, value: unknown, cast: string, params: Params): string[] {
  return value == null ? [] : [`${expression} = ${params.add(value, cast)}`];
}

/** An expression that a column of a row is read by, or a column of JSON, which is read as text: `null` where it holds nothing. */
export type Column = string | { readonly jsonb: string };

/** A column of floats: null where it holds NaN or an infinity, which JSON has not. */
export function finite(column: string): string {
  return `nullif(nullif(nullif(${column}, 'NaN'), 'Infinity'), '-Infinity')`;
}

/** Whether only the id of a row is known: an expression. */
export function placeholder(object: "dataset" | "run" | "simulation", id: string): string {
  return `(EXISTS (SELECT FROM stage1_placeholders p WHERE p.object = '${object}' AND p.id = ${id} AND p.filled_at IS NULL))`;
}

/** Columns by their names. */
export type Columns = Readonly<Record<string, Column>>;

/** A select list of all these columns. */
export function selectList(columns: Columns): string {
  return Object.entries(columns)
    .map(
      ([name, column]) =>
        `${typeof column === "string" ? column : `coalesce(${column.jsonb}, 'null')::text`} AS ${name}`,
    )
    .join(", ");
}

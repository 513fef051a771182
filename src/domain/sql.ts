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

/** A jsonb column as JSON text: `{}` where it holds nothing, be that SQL's null or JSON's. */
export function jsonText(column: string): string {
  return `coalesce(nullif(${column}, 'null'), '{}')::text`;
}

/** A column of floats: null where it holds NaN or an infinity, which JSON has not. */
export function finite(column: string): string {
  return `nullif(nullif(nullif(${column}, 'NaN'), 'Infinity'), '-Infinity')`;
}

/** Columns by their names, each with the expression that it is read by. */
export type Columns = Readonly<Record<string, string>>;

/** A select list of these columns, by default of all. */
export function selectList(columns: Columns, names: readonly string[] = Object.keys(columns)): string {
  return names.map((name) => `${columns[name]} AS ${name}`).join(", ");
}

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

/** A jsonb column in a select list: `{}` where it holds nothing, be that SQL's null or JSON's. */
export function jsonColumn(column: string): string {
  return `coalesce(nullif(${column}, 'null'), '{}') AS ${column.slice(column.indexOf(".") + 1)}`;
}

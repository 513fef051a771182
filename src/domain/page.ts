import type { Db } from "../db/pool.ts";
import { type Columns, Params, selectList } from "./sql.ts";

/** One component of an order: an expression that is never null, and its type. */
export interface SortKey {
  readonly sql: string;
  readonly type: "timestamptz" | "text" | "uuid";
}

/** A table or view whose rows are read. */
export interface Table<Row = unknown> {
  /** Its name, and the letter that it is called by in all expressions. */
  readonly from: string;
  /** The columns of `Row`. */
  readonly columns: Columns;
  /** What tells its rows from each other, where that is one column. */
  readonly key?: string;
  /** Numbers of a row's children. */
  readonly counts?: Columns;
  /** Never set: carries the type of the rows. */
  readonly row?: Row;
}

/** All rows that meet a condition on `values`, which may end in an order: one statement. */
export function readRows<Row>(
  db: Db,
  table: Table<Row>,
  condition: string,
  values: readonly unknown[],
): Promise<Row[]> {
  return db.query<Row>(`SELECT ${selectList(table.columns)} FROM ${table.from} WHERE ${condition}`, values);
}

/** A table or view that is read in pages. All lists go through the functions below; each states only what is its own. */
export interface List<Row, Filter, Field extends string> extends Table<Row> {
  readonly orders: Readonly<Record<Field, readonly SortKey[]>>;
  /** Ends every order, so that it is total: pages neither overlap nor leave out. */
  readonly tiebreak: SortKey;
  where(filter: Filter, params: Params): string[];
  /**
   * Its table is so short that no plan for a filter is a bad one. In a long one, which index serves a filter depends on what
   * it looks for: then it is planned each time.
   */
  readonly isShort?: boolean;
}

export type Direction = "ASC" | "DESC";

/** The values of an order's keys at one row, as PostgreSQL's text. */
export type Position = readonly string[];

export interface PageQuery<Filter, Field extends string> {
  readonly filter: Filter;
  readonly orderBy: { readonly field: Field; readonly direction: Direction };
  readonly limit: number;
  /** The last `limit` rows of the range, not the first. */
  readonly backward: boolean;
  readonly after: Position | undefined;
  readonly before: Position | undefined;
  /** Rows to leave out at the start. Only without `after` and `before`. */
  readonly offset: number;
}

interface PageRow<Row> {
  readonly row: Row;
  readonly position: Position;
}

export interface Page<Row> {
  /** In the list's order, also when read backward. */
  readonly rows: readonly PageRow<Row>[];
  /** There are more rows in the direction of reading, inside the range. */
  readonly more: boolean;
}

/** The lists of several parents: `column` of the list's table holds the parent's id. */
export interface Parents {
  readonly column: string;
  readonly ids: readonly string[];
}

type KeyColumns = Record<`k${number}`, string>;

/** Every key of an order, the one that breaks ties last. */
export function sortKeys<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  field: Field,
): readonly SortKey[] {
  return [...list.orders[field], list.tiebreak];
}

/** One page of a whole list: one statement. */
export async function readPage<Row, Filter, Field extends string>(
  db: Db,
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
): Promise<Page<Row>> {
  const params = new Params();
  const rows = await db.query<Row & KeyColumns>(pageSql(list, query, params, []), params.values);
  return toPage(list, query, rows);
}

/** The same page of each parent's list, in the order of the parents: one statement for all of them. */
export async function readChildPages<Row, Filter, Field extends string>(
  db: Db,
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
  parents: Parents,
): Promise<Page<Row>[]> {
  const params = new Params();
  const ids = params.add(parents.ids, "uuid[]");
  const page = pageSql(list, query, params, [`${parents.column} = parent.id`]);
  const order = sortKeys(list, query.orderBy.field).map((_, i) => `child.k${i} ${readingDirection(query)}`);
  const rows = await db.query<Row & KeyColumns & { parent_ordinal: number }>(
    `SELECT parent.ordinal AS parent_ordinal, child.*
     FROM unnest(${ids}) WITH ORDINALITY AS parent (id, ordinal)
     CROSS JOIN LATERAL (${page}) AS child
     ORDER BY parent.ordinal, ${order.join(", ")}`,
    params.values,
  );
  const ofParent: (Row & KeyColumns)[][] = parents.ids.map(() => []);
  for (const row of rows) ofParent[row.parent_ordinal - 1]?.push(row);
  return ofParent.map((children) => toPage(list, query, children));
}

/** How many rows of a whole list the filter lets through. */
export async function countRows<Row, Filter, Field extends string>(
  db: Db,
  list: List<Row, Filter, Field>,
  filter: Filter,
): Promise<number> {
  const params = new Params();
  const [row] = await db.query<{ count: number }>(countOf(list, filter, params, []), params.values);
  return row?.count ?? 0;
}

/** A query that counts what the filter lets through. */
export function countOf<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  filter: Filter,
  params: Params,
  conditions: readonly string[],
): string {
  return `SELECT count(*) AS count FROM ${list.from} ${conjunction([...conditions, ...list.where(filter, params)])}`;
}

/** How many rows of each parent's list the filter lets through, in the order of the parents: one statement. */
export async function countChildren<Row, Filter, Field extends string>(
  db: Db,
  list: List<Row, Filter, Field>,
  filter: Filter,
  parents: Parents,
): Promise<number[]> {
  const params = new Params();
  const ids = params.add(parents.ids, "uuid[]");
  const count = countOf(list, filter, params, [`${parents.column} = parent.id`]);
  const rows = await db.query<{ count: number }>(
    `SELECT child.count
     FROM unnest(${ids}) WITH ORDINALITY AS parent (id, ordinal)
     CROSS JOIN LATERAL (${count}) AS child
     ORDER BY parent.ordinal`,
    params.values,
  );
  return rows.map((row) => row.count);
}

/** Which rows lie outside a page's range: those up to `after`, or those from `before` on. The row at the cursor counts. */
export interface Outside<Filter, Field extends string> {
  readonly filter: Filter;
  readonly orderBy: { readonly field: Field; readonly direction: Direction };
  readonly side: "start" | "end";
  readonly position: Position;
}

/** Whether each parent's list has a row outside the range, in the order of the parents: one statement. */
export async function anyOutside<Row, Filter, Field extends string>(
  db: Db,
  list: List<Row, Filter, Field>,
  outside: Outside<Filter, Field>,
  parents: Parents | undefined,
): Promise<boolean[]> {
  const params = new Params();
  const ids = parents && params.add(parents.ids, "uuid[]");
  const exists = `${existsOutside(list, outside, params, parents ? [`${parents.column} = parent.id`] : [])} AS present`;
  const rows = await db.query<{ present: boolean }>(
    ids
      ? `SELECT ${exists} FROM unnest(${ids}) WITH ORDINALITY AS parent (id, ordinal) ORDER BY ordinal`
      : `SELECT ${exists}`,
    params.values,
  );
  return rows.map((row) => row.present);
}

/** A condition: there is a row outside the range. */
export function existsOutside<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  { filter, orderBy, side, position }: Outside<Filter, Field>,
  params: Params,
  conditions: readonly string[],
): string {
  const operator = (orderBy.direction === "ASC") === (side === "start") ? "<=" : ">=";
  const where = conjunction([
    ...conditions,
    ...list.where(filter, params),
    comparison(sortKeys(list, orderBy.field), operator, position, params),
  ]);
  return `EXISTS (SELECT FROM ${list.from} ${where})`;
}

function pageSql<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
  params: Params,
  conditions: readonly string[],
): string {
  const keys = sortKeys(list, query.orderBy.field).map((key, i) => `${key.sql} AS k${i}`);
  const rows = rowsOfPage(list, query, params, conditions, 1); // one more tells whether there are more
  return `SELECT ${selectList(list.columns)}, ${keys.join(", ")} ${rows}`;
}

/** The part of a query that finds a page's rows, and so many more, in the order of reading: from `FROM` on. */
export function rowsOfPage<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
  params: Params,
  conditions: readonly string[],
  more: 0 | 1,
): string {
  const keys = sortKeys(list, query.orderBy.field);
  const ascending = query.orderBy.direction === "ASC";
  const where = conjunction([
    ...conditions,
    ...list.where(query.filter, params),
    ...(query.after ? [comparison(keys, ascending ? ">" : "<", query.after, params)] : []),
    ...(query.before ? [comparison(keys, ascending ? "<" : ">", query.before, params)] : []),
  ]);
  const direction = readingDirection(query);
  return [
    `FROM ${list.from} ${where}`,
    `ORDER BY ${keys.map((key) => `${key.sql} ${direction}`).join(", ")}`,
    `LIMIT ${Number(query.limit) + more}`, // not a parameter: the plan depends on it
    query.offset > 0 ? `OFFSET ${params.add(query.offset)}` : "",
  ].join(" ");
}

/**
 * A row comparison, which an index on the keys serves as one range. The first key is compared once more by itself: of keys
 * from several tables, as in the flat view, an index can serve that one alone.
 */
function comparison(keys: readonly SortKey[], operator: string, position: Position, params: Params): string {
  const values = keys.map((key, i) => params.add(position[i], key.type));
  const rows = `(${keys.map((key) => key.sql).join(", ")}) ${operator} (${values.join(", ")})`;
  return `${keys[0]?.sql} ${operator.startsWith("<") ? "<=" : ">="} ${values[0]} AND ${rows}`;
}

function conjunction(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
}

function readingDirection({ orderBy, backward }: PageQuery<unknown, string>): Direction {
  return (orderBy.direction === "ASC") === backward ? "DESC" : "ASC";
}

function toPage<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
  found: readonly (Row & KeyColumns)[],
): Page<Row> {
  const keys = sortKeys(list, query.orderBy.field);
  const rows = found.slice(0, query.limit).map((row) => ({ row, position: keys.map((_, i) => row[`k${i}`] ?? "") }));
  if (query.backward) rows.reverse();
  return { rows, more: found.length > query.limit };
}

import type { Db } from "../db/pool.ts";
import { type Columns, Params, selectList } from "./sql.ts";

/** One component of an order: an expression that is never null, and its type. */
export interface SortKey {
  readonly sql: string;
  readonly type: "timestamptz" | "text" | "uuid";
}

/** What can be read of a row. */
interface Selectable {
  /** The columns of the row's type, of which those are read that are asked for. */
  readonly columns: Columns;
  /** Of these, the ones that every row brings. */
  readonly ids: readonly string[];
  /** Columns that count a row's children: only where they are asked for. */
  readonly counts?: Columns;
}

/** A table or view that is read in pages. All lists go through the functions below; each states only what is its own. */
export interface List<Row, Filter, Field extends string> extends Selectable {
  readonly from: string;
  readonly orders: Readonly<Record<Field, readonly SortKey[]>>;
  /** Ends every order, so that it is total: pages neither overlap nor leave out. */
  readonly tiebreak: SortKey;
  where(filter: Filter, params: Params): string[];
  /** Never set: carries the type of the rows. */
  readonly row?: Row;
}

export type Direction = "ASC" | "DESC";

/** The values of an order's keys at one row, as PostgreSQL's text. */
export type Position = readonly string[];

export interface PageQuery<Filter, Field extends string> {
  readonly filter: Filter;
  readonly orderBy: { readonly field: Field; readonly direction: Direction };
  /** The columns and counts to read, besides the ids. */
  readonly columns: readonly string[];
  /** Whether `positionOf` is going to be asked for. */
  readonly positions: boolean;
  readonly limit: number;
  /** The last `limit` rows of the range, not the first. */
  readonly backward: boolean;
  readonly after: Position | undefined;
  readonly before: Position | undefined;
  /** Rows to leave out at the start. Only without `after` and `before`. */
  readonly offset: number;
}

export interface Page<Row> {
  /** In the list's order, also when read backward. */
  readonly rows: readonly Row[];
  /** There are more rows in the direction of reading, inside the range. */
  readonly more: boolean;
}

/** The lists of several parents: `column` of the list's table holds the parent's id. */
export interface Parents {
  readonly column: string;
  readonly ids: readonly string[];
}

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
  const rows = await db.query<Row>(pageSql(list, query, params, []), params.values, {
    prepare: query.offset === 0 && isUnfiltered(list, query.filter),
  });
  return toPage(query, rows);
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
  const rows = await db.query<Row & { parent_ordinal: number }>(
    `SELECT parent.ordinal AS parent_ordinal, child.*
     FROM unnest(${ids}) WITH ORDINALITY AS parent (id, ordinal)
     CROSS JOIN LATERAL (${page}) AS child
     ORDER BY parent.ordinal, ${order.join(", ")}`,
    params.values,
    { prepare: query.offset === 0 && isUnfiltered(list, query.filter) },
  );
  const ofParent: Row[][] = parents.ids.map(() => []);
  for (const row of rows) ofParent[row.parent_ordinal - 1]?.push(row);
  return ofParent.map((children) => toPage(query, children));
}

/** The select list of these columns and counts, and of the ids, which every row brings; all columns where undefined. */
function selected({ columns, counts, ids }: Selectable, wanted: readonly string[] = Object.keys(columns)): string {
  const all = { ...columns, ...counts };
  return selectList(
    all,
    Object.keys(all).filter((name) => ids.includes(name) || wanted.includes(name)),
  );
}

/** The rows where `column`, of these values' type, is one of them, in any order: one statement. */
export function readRows<Row>(
  db: Db,
  list: Selectable & { readonly from: string; readonly row?: Row },
  wanted: readonly string[] | undefined,
  [column, type]: readonly [column: string, type: "uuid" | "text"],
  values: readonly string[],
): Promise<Row[]> {
  const select = `SELECT ${selected(list, wanted)} FROM ${list.from}`;
  return db.query<Row>(`${select} WHERE ${column} = ANY ($1::${type}[])`, [values], { prepare: true });
}

/** Then the best plan is the same for all values. Which index serves a filter depends on what it looks for. */
function isUnfiltered<Row, Filter, Field extends string>(list: List<Row, Filter, Field>, filter: Filter): boolean {
  return list.where(filter, new Params()).length === 0;
}

/** Where a row of a page stands in its list. Only of a page that was read with `positions`. */
export function positionOf(row: unknown): Position {
  const keys = row as Readonly<Record<string, string>>;
  const position: string[] = [];
  for (let key = keys["k0"]; key !== undefined; key = keys[`k${position.length}`]) position.push(key);
  return position;
}

/** How many rows of a whole list the filter lets through. */
export async function countRows<Row, Filter, Field extends string>(
  db: Db,
  list: List<Row, Filter, Field>,
  filter: Filter,
): Promise<number> {
  const params = new Params();
  const where = conjunction(list.where(filter, params));
  const text = `SELECT count(*) AS count FROM ${list.from} ${where}`;
  const [row] = await db.query<{ count: number }>(text, params.values, { prepare: isUnfiltered(list, filter) });
  return row?.count ?? 0;
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
  const where = conjunction([`${parents.column} = parent.id`, ...list.where(filter, params)]);
  const rows = await db.query<{ count: number }>(
    `SELECT child.count
     FROM unnest(${ids}) WITH ORDINALITY AS parent (id, ordinal)
     CROSS JOIN LATERAL (SELECT count(*) AS count FROM ${list.from} ${where}) AS child
     ORDER BY parent.ordinal`,
    params.values,
    { prepare: isUnfiltered(list, filter) },
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
  const keys = sortKeys(list, outside.orderBy.field);
  const ascending = outside.orderBy.direction === "ASC";
  const operator = ascending === (outside.side === "start") ? "<=" : ">=";
  const where = conjunction([
    ...(parents ? [`${parents.column} = parent.id`] : []),
    ...list.where(outside.filter, params),
    comparison(keys, operator, outside.position, params),
  ]);
  const exists = `EXISTS (SELECT FROM ${list.from} ${where}) AS present`;
  const rows = await db.query<{ present: boolean }>(
    ids
      ? `SELECT ${exists} FROM unnest(${ids}) WITH ORDINALITY AS parent (id, ordinal) ORDER BY ordinal`
      : `SELECT ${exists}`,
    params.values,
    { prepare: isUnfiltered(list, outside.filter) },
  );
  return rows.map((row) => row.present);
}

function pageSql<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
  params: Params,
  conditions: readonly string[],
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
  // PostgreSQL would count for the rows that an offset leaves out, too.
  const { counts: _, ...withoutCounts } = list;
  return [
    `SELECT ${selected(query.offset > 0 ? withoutCounts : list, query.columns)}, ${keys.map((key, i) => `${key.sql} AS k${i}`).join(", ")}`,
    `FROM ${list.from} ${where}`,
    `ORDER BY ${keys.map((key) => `${key.sql} ${direction}`).join(", ")}`,
    // One more tells whether there are more. Not a parameter: the plan depends on it.
    `LIMIT ${Number(query.limit) + 1}`,
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

function toPage<Row>({ limit, backward }: PageQuery<unknown, string>, found: readonly Row[]): Page<Row> {
  const rows = found.slice(0, limit);
  return { rows: backward ? rows.reverse() : rows, more: found.length > limit };
}

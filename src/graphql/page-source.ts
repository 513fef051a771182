import { base64url, literal, type Piece, saidOrNot } from "../domain/json.ts";
import { countOf, existsOutside, type List, type PageQuery, rowsOfPage, sortKeys, type Table } from "../domain/page.ts";
import { Params } from "../domain/sql.ts";
import { ClientError } from "../errors.ts";
import { type ListArgs, toQuery } from "./connection.ts";
import { isPosition, openCursor, SCOPE_LENGTH, scopeOf, scopeTexts } from "./cursor.ts";

/** A list as PostgreSQL reads it for an answer that it writes. */
export interface PageSource {
  readonly table: Table;
  /** @param args - the field's. Throws what `connect` throws, and where a cursor is damaged. */
  bind(args: Readonly<Record<string, unknown>>, params: Params): BoundPage;
}

/** One page of it. All are SQL; those of whole pages stand where `page` is the rows, `n` their place in the order of reading. */
export interface BoundPage {
  /** From `FROM` on: the rows in the order of reading, and one more where `more` tells it. */
  rows(more: boolean): string;
  /** Of a row: what a cursor holds after its scope. */
  readonly position: string;
  /** The cursor of such a position. */
  cursor(position: string): string;
  /** `column` of all rows in the list's order, as a list. `isNumbered`: there is `n`. */
  list(column: string, isNumbered: boolean): Piece[];
  /** `column` of the first or the last row; NULL where there is none. */
  end(which: "first" | "last", column: string): string;
  count(): string;
  hasNextPage(): string;
  hasPreviousPage(): string;
  /** Whether the rows must be numbered for a list. */
  readonly backward: boolean;
  /** Whether one more row has to be read for these two. */
  readonly needsMore: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
  /** What must be true, so that the cursors in the arguments are this list's; undefined: nothing. */
  readonly condition: string | undefined;
  /** Whether one plan is the best for all values. */
  readonly isPlain: boolean;
}

/** Of a list below a parent: the list's column that holds the parent's id, and that id. */
interface Below {
  readonly column: string;
  readonly id: string;
}

/**
 * @param name - as in `connect`: the field's, which the cursors are bound to
 * @param listArgs - what the field's arguments mean
 */
export function pageSource<Row, Filter extends object, Field extends string>(
  name: string,
  list: List<Row, Filter, Field>,
  // Whatever the field's arguments are: graphql-js has checked them.
  listArgs: (args: never) => ListArgs<Filter, Field>,
  below?: Below,
): PageSource {
  return {
    table: list,
    bind(args, params) {
      const given = listArgs(args as never);
      const keys = sortKeys(list, given.orderBy.field);
      const scopes: string[] = [];
      const query = toQuery(given, (cursor, argument) => {
        const { scope, position } = openCursor(cursor, argument);
        if (!isPosition(position, keys)) throw new ClientError("BAD_CURSOR", "A cursor is damaged.");
        scopes.push(scope);
        return position;
      });
      const scope = scopeSql(name, given, params, below);
      // Whose cursor it is depends on the parent, which PostgreSQL has yet to find.
      const ours = scopes.map((sent) => `${scope()} = ${params.add(sent, "text")}`).join(" AND ");
      return { ...bound(list, query, params, scope, below), condition: ours || undefined };
    },
  };
}

/** The scope of cursors, as `scopeOf` makes it. */
function scopeSql<Filter extends object, Field extends string>(
  name: string,
  { orderBy, filter }: ListArgs<Filter, Field>,
  params: Params,
  below: Below | undefined,
): () => string {
  if (!below) return () => params.add(scopeOf(name, undefined, orderBy, filter), "text");
  return () => {
    const [before, after] = scopeTexts(name, orderBy, filter).map((text) => params.add(text, "text"));
    const hashed = `sha256(convert_to(${before} || to_json(${below.id})::text || ${after}, 'UTF8'))`;
    return `left(translate(encode(${hashed}, 'base64'), '+/', '-_'), ${SCOPE_LENGTH})`;
  };
}

function bound<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  query: PageQuery<Filter, Field>,
  params: Params,
  scope: () => string,
  below: Below | undefined,
): Omit<BoundPage, "condition"> {
  const { filter, orderBy, limit, backward, after, before, offset } = query;
  const conditions = below ? [`${below.column} = ${below.id}`] : [];
  const size = Number(limit);
  const shown = `least(count(*), ${size})::int`;
  const more = `(count(*) > ${size})::text`;
  const outside = (side: "start" | "end", position: readonly string[] | undefined) =>
    position === undefined
      ? "'false'"
      : `(${existsOutside(list, { filter, orderBy, side, position }, params, conditions)})::text`;
  // In the list's order; of one row more than the page has, the first or the last is left out.
  const all = (column: string) => `array_agg(${column}${backward ? " ORDER BY page.n DESC" : ""})`;
  const first = backward ? `greatest(count(*) - ${size}, 0)::int + 1` : "1";
  const last = backward ? "count(*)::int" : shown;
  const count = () => `(${countOf(list, filter, params, conditions)})`;
  const ofRow = sortKeys(list, orderBy.field).map(({ sql, type }) =>
    type === "text" ? `to_json(${sql})::text` : `'"' || ${sql} || '"'`,
  );

  return {
    rows: (one) => rowsOfPage(list, query, params, conditions, one ? 1 : 0),
    position: ofRow.join(` || ',' || `),
    cursor: (position) => `'"' || ${base64url(`'["' || ${scope()} || '",' || ${position} || ']'`)} || '"'`,
    list(column, isNumbered) {
      const order = backward ? " ORDER BY page.n DESC" : "";
      const shown = isNumbered ? ` FILTER (WHERE page.n <= ${size})` : "";
      const rows = `coalesce(string_agg(${saidOrNot(column)}, ','${order})${shown}, '')`;
      return [literal("["), rows, literal("]")];
    },
    end: (which, column) => (size === 0 ? "NULL" : `(${all(column)})[${which === "first" ? first : last}]`),
    count,
    backward,
    hasNextPage: () =>
      backward
        ? outside("end", before)
        : before
          ? `CASE WHEN count(*) > ${size} THEN 'true' ELSE ${outside("end", before)} END`
          : more,
    hasPreviousPage() {
      if (backward)
        return after ? `CASE WHEN count(*) > ${size} THEN 'true' ELSE ${outside("start", after)} END` : more;
      if (offset > 0) return `(${shown} > 0 OR ${count()} > 0)::text`;
      return outside("start", after);
    },
    needsMore: { hasNextPage: !backward, hasPreviousPage: backward },
    isPlain: list.isShort === true || list.where(filter, new Params()).length === 0,
  };
}

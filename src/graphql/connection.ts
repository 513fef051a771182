import type { ArgBuilder, ObjectRef } from "@pothos/core";
import {
  anyOutside,
  countChildren,
  countRows,
  type Direction,
  type List,
  type Outside,
  type Page,
  type PageQuery,
  type Position,
  readChildPages,
  readPage,
  sortKeys,
} from "../domain/page.ts";
import { ClientError } from "../errors.ts";
import { builder, type Types } from "./builder.ts";
import type { Context } from "./context.ts";
import { decodeCursor, encodeCursor, scopeOf } from "./cursor.ts";
import { batchLoader } from "./loader.ts";

export const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;

/** What a client wrote to choose a page. */
export interface PageArgs {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  /** Only where a list offers it. */
  offset?: number | null | undefined;
}

/** What a connection's resolver hands to the fields below it. What costs a statement is asked for only when selected. */
export interface Connection<Row> {
  readonly page: Page<Row>;
  cursor(position: readonly string[]): string;
  hasNextPage(): boolean | Promise<boolean>;
  hasPreviousPage(): boolean | Promise<boolean>;
  totalCount(): Promise<number>;
}

const PageInfo = builder.objectRef<Connection<unknown>>("PageInfo").implement({
  description: "Where a page stands in its list.",
  fields: (t) => ({
    hasNextPage: t.boolean({
      description: "Whether rows come after this page.",
      resolve: (connection) => connection.hasNextPage(),
    }),
    hasPreviousPage: t.boolean({
      description: "Whether rows come before this page.",
      resolve: (connection) => connection.hasPreviousPage(),
    }),
    startCursor: t.string({
      nullable: true,
      description: "The cursor of the first row; null on an empty page.",
      resolve: ({ page, cursor }) => (page.rows[0] ? cursor(page.rows[0].position) : null),
    }),
    endCursor: t.string({
      nullable: true,
      description: "The cursor of the last row; null on an empty page.",
      resolve({ page, cursor }) {
        const last = page.rows.at(-1);
        return last ? cursor(last.position) : null;
      },
    }),
  }),
});

/** The types `…Connection` and `…Edge` of a row type. */
export function connectionType<Row>(name: string, node: ObjectRef<Types, Row>, plural: string) {
  const edge = builder.objectRef<{ cursor: string; node: Row }>(`${name}Edge`).implement({
    description: `One of the ${plural} of a page, with its place in the list.`,
    fields: (t) => ({
      cursor: t.exposeString("cursor", { description: "Pass it as `after` or `before` to go on from here." }),
      node: t.field({ type: node, description: "The row itself.", resolve: (parent) => parent.node as never }),
    }),
  });
  return builder.objectRef<Connection<Row>>(`${name}Connection`).implement({
    description: `A page of ${plural}.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: "The rows of the page, each with its cursor.",
        resolve: ({ page, cursor }) => page.rows.map(({ row, position }) => ({ cursor: cursor(position), node: row })),
      }),
      nodes: t.field({
        type: [node],
        description: "The rows of the page.",
        resolve: ({ page }) => page.rows.map(({ row }) => row) as never,
      }),
      pageInfo: t.field({
        type: PageInfo,
        description: "Where the page stands in the list.",
        resolve: (connection) => connection,
      }),
      totalCount: t.field({
        type: "SafeInt",
        description: "How many rows the whole list has. Counted only when it is asked for.",
        resolve: (connection) => connection.totalCount(),
      }),
    }),
  });
}

/** The four arguments of every connection. */
export function pageArgs(arg: ArgBuilder<Types>) {
  return {
    first: arg.int({
      description: `How many rows from the start of the range: at most ${MAX_PAGE}, by default ${DEFAULT_PAGE}.`,
    }),
    after: arg.string({ description: "Only rows after this cursor." }),
    last: arg.int({
      description: `How many rows from the end of the range, at most ${MAX_PAGE}. Not together with \`first\`.`,
    }),
    before: arg.string({ description: "Only rows before this cursor." }),
  };
}

/** What a client wrote beside a list, checked except for its page. */
export interface ListArgs<Filter, Field extends string> {
  readonly args: PageArgs;
  readonly filter: Filter;
  readonly orderBy: { readonly field: Field; readonly direction: Direction };
}

/** Resolver of a list of everything. `name` is the field's, which the cursors are bound to. */
export async function connect<Row, Filter extends object, Field extends string>(
  { db }: Context,
  name: string,
  list: List<Row, Filter, Field>,
  { args, filter, orderBy }: ListArgs<Filter, Field>,
): Promise<Connection<Row>> {
  const scope = scopeOf(name, undefined, orderBy, filter);
  const query = pageQuery(list, { args, filter, orderBy }, scope);
  return connection(scope, query, await readPage(db, list, query), {
    totalCount: () => countRows(db, list, filter),
    outside: async (outside) => (await anyOutside(db, list, outside, undefined))[0] ?? false,
  });
}

/**
 * Resolver of a list that belongs to a parent, batched over all parents of the request. `column` of the list's table
 * holds the parent's id.
 */
export function childConnection<Row, Filter extends object, Field extends string>(
  name: string,
  list: List<Row, Filter, Field>,
  column: string,
) {
  const pages = batchLoader<Page<Row>, PageQuery<Filter, Field>>((db, ids, query) =>
    readChildPages(db, list, query, { column, ids }),
  );
  const counts = batchLoader<number, Filter>((db, ids, filter) => countChildren(db, list, filter, { column, ids }));
  const outsides = batchLoader<boolean, Outside<Filter, Field>>((db, ids, outside) =>
    anyOutside(db, list, outside, { column, ids }),
  );
  return {
    async connect(
      context: Context,
      parentId: string,
      { args, filter, orderBy }: ListArgs<Filter, Field>,
    ): Promise<Connection<Row>> {
      const scope = scopeOf(name, parentId, orderBy, filter);
      const query = pageQuery(list, { args, filter, orderBy }, scope);
      return connection(scope, query, await pages(context, query).load(parentId), {
        totalCount: () => counts(context, filter).load(parentId),
        outside: (outside) => outsides(context, outside).load(parentId),
      });
    },
    /** How many rows the parent has in all. */
    count: (context: Context, parentId: string): Promise<number> => counts(context, {} as Filter).load(parentId),
  };
}

function connection<Row, Filter, Field extends string>(
  scope: string,
  { filter, orderBy, backward, after, before, offset }: PageQuery<Filter, Field>,
  page: Page<Row>,
  ask: { totalCount(): Promise<number>; outside(outside: Outside<Filter, Field>): Promise<boolean> },
): Connection<Row> {
  const beyond = (side: "start" | "end", position: readonly string[] | undefined) =>
    position === undefined ? false : ask.outside({ filter, orderBy, side, position });
  return {
    page,
    cursor: (position) => encodeCursor(scope, position),
    hasNextPage: () => (!backward && page.more) || beyond("end", before),
    async hasPreviousPage() {
      if (backward && page.more) return true;
      if (offset > 0) return page.rows.length > 0 || (await ask.totalCount()) > 0;
      return beyond("start", after);
    },
    totalCount: ask.totalCount,
  };
}

/** Throws ClientError: BAD_USER_INPUT for arguments that do not go together, BAD_CURSOR. */
function pageQuery<Row, Filter, Field extends string>(
  list: List<Row, Filter, Field>,
  { args, filter, orderBy }: ListArgs<Filter, Field>,
  scope: string,
): PageQuery<Filter, Field> {
  const keys = sortKeys(list, orderBy.field);
  return toQuery({ args, filter, orderBy }, (cursor, argument) => decodeCursor(cursor, argument, scope, keys));
}

/** `open` reads a cursor. Throws as `pageQuery`. */
export function toQuery<Filter, Field extends string>(
  { args, filter, orderBy }: ListArgs<Filter, Field>,
  open: (cursor: string, argument: "after" | "before") => Position,
): PageQuery<Filter, Field> {
  const { first, after, last, before, offset } = args;
  if (first != null && last != null) throw bad("Pass either `first` or `last`, not both.");
  if (offset != null && (after != null || before != null || last != null)) {
    throw bad("`offset` goes with `first` alone: leave out `after`, `before` and `last`.");
  }
  if (offset != null && offset < 0) throw bad("`offset` must not be negative.");
  return {
    filter,
    orderBy,
    limit: size("first", first) ?? size("last", last) ?? DEFAULT_PAGE,
    backward: last != null,
    after: after == null ? undefined : open(after, "after"),
    before: before == null ? undefined : open(before, "before"),
    offset: offset ?? 0,
  };
}

function size(argument: "first" | "last", value: number | null | undefined): number | undefined {
  if (value == null) return undefined;
  if (value < 0 || value > MAX_PAGE) throw badSize(argument, value, MAX_PAGE);
  return value;
}

export function badSize(argument: string, value: number, max: number): ClientError {
  return bad(`\`${argument}\` is ${value}: ask for 0 to ${max} rows, and page on with a cursor.`);
}

function bad(message: string): ClientError {
  return new ClientError("BAD_USER_INPUT", message);
}

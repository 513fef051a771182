import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";
import { collectSubfields } from "graphql/execution/collectFields.js";
import {
  base64url,
  type Framed,
  framed,
  type JsonKind,
  jsonOf,
  listOf,
  literal,
  oneOf,
  type Piece,
  quoted,
  saidOrNot,
} from "../domain/json.ts";
import type { Table } from "../domain/page.ts";
import type { Params } from "../domain/sql.ts";
import type { BoundPage, PageSource } from "./page-source.ts";
import { inOrder, type Json, piecesOf, writerOf } from "./pieces.ts";

declare module "graphql" {
  interface GraphQLFieldExtensions<_TSource, _TContext, _TArgs> {
    readonly source?: Source;
    /** Set by Pothos: the column that `expose` shows. */
    readonly pothosExposedField?: string;
  }
}

type Args = Readonly<Record<string, unknown>>;

/** Where PostgreSQL finds what a field shows, beside its resolver, which finds the same. */
export type Source =
  /** A column or a count of the row. */
  | { readonly column: string }
  /** The id among all types. */
  | { readonly globalId: true }
  /** The one row that meets a condition; undefined: the field's arguments are for graphql-js. */
  | { readonly one: Table; readonly where: (args: Args, params: Params) => string | undefined }
  /** All rows that meet a condition, which ends in their order; those above `max` are for graphql-js. */
  | { readonly all: Table; readonly where: (args: Args, params: Params) => string; readonly max?: number }
  | { readonly page: PageSource };

/** What cannot be said in SQL: an error, introspection, a `node`, a value that is too odd. */
export class LeftToGraphQLJs extends Error {
  override readonly name = "LeftToGraphQLJs";
}

/** A request's part of a statement. */
export interface Bind {
  readonly variables: Record<string, unknown>;
  readonly params: Params;
  /** One plan is the best for all values. */
  isPlain: boolean;
}

type Nodes = readonly FieldNode[];
type Fields = ReadonlyMap<string, Nodes>;

/** More fields than that, most likely of fragments within fragments, are left to graphql-js. */
export const MAX_FIELDS = 500;

/**
 * Makes a statement of what is selected, once for all requests: what depends on a request's variables is written when it
 * comes. Throws LeftToGraphQLJs.
 */
export class StatementCompiler {
  readonly #schema: GraphQLSchema;
  readonly #fragments: Record<string, FragmentDefinitionNode>;
  readonly #variables: Record<string, unknown>;
  #fields = 0;

  /** @param variables - those that @skip and @include read */
  constructor(
    schema: GraphQLSchema,
    fragments: Record<string, FragmentDefinitionNode>,
    variables: Record<string, unknown>,
  ) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variables = { ...variables };
  }

  /** What writes the whole answer; or the answer itself, where nothing is read for it. */
  root(type: GraphQLObjectType, fields: Fields): ((bind: Bind) => Framed) | string {
    this.#fields += fields.size;
    const literals = [...fields].map(([key]) => `"${key}":"${type.name}"`);
    if ([...fields.values()].every(isTypeName)) return `{"data":{${literals.join()}}}`;
    const json = inOrder([[literal('{"data":')], this.#row(undefined, type, fields), [literal("}")]]);
    return (bind) => framed(piecesOf(json, bind));
  }

  /** @param parent - of the row that the field is of */
  #field(parent: Table | undefined, type: GraphQLObjectType, nodes: Nodes): Json<Bind> {
    const [node = fail()] = nodes;
    const field = fieldOf(type, nodes);
    const { source, pothosExposedField: exposed } = field.extensions;
    if (parent && exposed !== undefined) return leaf(field, parent, exposed);
    if (!source) return fail();
    if ("column" in source) return leaf(field, parent ?? fail(), source.column);
    if ("globalId" in source) return globalId(type, parent?.key ?? fail());
    if ("page" in source) return this.#page(field, node, nodes, source.page);
    const rowType = objectType(field.type);
    const table = "all" in source ? source.all : source.one;
    const row = writerOf(this.#row(table, rowType, this.#below(rowType, nodes)));
    return (bind) => {
      const where = source.where(getArgumentValues(field, node, bind.variables), bind.params) ?? fail();
      const rows = `SELECT ${saidOrNot(row(bind))} AS j FROM ${table.from} WHERE ${where}`;
      return "all" in source ? listOf(rows, source.max) : [oneOf(rows)];
    };
  }

  #page(field: GraphQLField<unknown, unknown>, node: FieldNode, nodes: Nodes, source: PageSource): Json<Bind> {
    const connection = objectType(field.type);
    const fields = this.#below(connection, nodes);
    const json = objectOf<Writing>(fields, (own) => this.#ofPage(connection, own, source.table));
    const hasPageInfo = [...fields.values()].some(([own]) => own?.name.value === "pageInfo");
    return (bind) => {
      const page = source.bind(getArgumentValues(field, node, bind.variables), bind.params);
      bind.isPlain &&= page.isPlain;
      const columns: string[] = [];
      const writing: Writing = {
        bind,
        page,
        more: false,
        isNumbered: page.backward || hasPageInfo,
        reads: false,
        column(sql) {
          writing.reads = true;
          columns.push(sql);
          return `page.x${columns.length - 1}`;
        },
      };
      const { before, expression, after } = framed(piecesOf(json, writing));
      const answer = (sql: string) => [
        literal(before),
        page.condition ? `CASE WHEN ${page.condition} THEN ${sql} END` : sql,
        literal(after),
      ];
      if (!writing.reads) return answer(expression); // a count, say
      const list = [
        ...(writing.isNumbered ? ["row_number() OVER () AS n"] : []),
        ...columns.map((sql, i) => `${sql} AS x${i}`),
      ].join(", ");
      const alias = source.table.from.split(" ").at(-1);
      // Only what is on the page is written: an offset or a sort would have it written for the rows before.
      const rows = `(SELECT ${alias}.* ${page.rows(writing.more)}) AS ${alias}`;
      return answer(`(SELECT ${expression} FROM (SELECT ${list} FROM ${rows}) AS page HAVING true)`); // HAVING: summed up, also where it has no row
    };
  }

  /** A field of a connection. */
  #ofPage(type: GraphQLObjectType, nodes: Nodes, table: Table): Json<Writing> {
    if (isTypeName(nodes)) return typeName(type);
    const field = fieldOf(type, nodes);
    if (field.name === "totalCount") return ({ page }) => [`${page.count()}::text`];
    const inner = objectType(field.type);
    const fields = this.#below(inner, nodes);
    if (field.name === "pageInfo") {
      return objectOf(fields, (own) => (isTypeName(own) ? typeName(inner) : ofPageInfo(fieldOf(inner, own).name)));
    }
    const row =
      field.name === "nodes"
        ? this.#rowOfPage(table, inner, fields)
        : writerOf(objectOf<Writing>(fields, (own) => this.#ofEdge(inner, own, table)));
    return (writing) => writing.page.list(writing.column(row(writing)), writing.isNumbered);
  }

  #ofEdge(type: GraphQLObjectType, nodes: Nodes, table: Table): Json<Writing> {
    if (isTypeName(nodes)) return typeName(type);
    const field = fieldOf(type, nodes);
    if (field.name === "cursor") return ({ page }) => [page.cursor(page.position)];
    const inner = objectType(field.type);
    const row = this.#rowOfPage(table, inner, this.#below(inner, nodes));
    return (writing) => [row(writing)];
  }

  #rowOfPage(table: Table, type: GraphQLObjectType, fields: Fields): (writing: Writing) => string {
    const row = writerOf(this.#row(table, type, fields));
    return ({ bind }) => row(bind);
  }

  #row(table: Table | undefined, type: GraphQLObjectType, fields: Fields): Json<Bind> {
    return objectOf(fields, (nodes) => (isTypeName(nodes) ? typeName(type) : this.#field(table, type, nodes)));
  }

  #below(type: GraphQLObjectType, nodes: Nodes): Fields {
    const fields = collectSubfields(this.#schema, this.#fragments, this.#variables, type, nodes);
    this.#fields += fields.size;
    return this.#fields > MAX_FIELDS ? fail() : fields;
  }
}

/** A page that is being written. */
interface Writing {
  readonly bind: Bind;
  readonly page: BoundPage;
  /** Whether one row more than the page's is to be read. */
  more: boolean;
  /** Whether its rows are numbered. */
  readonly isNumbered: boolean;
  /** Whether its rows are needed at all. */
  reads: boolean;
  /** Adds a column to the page's rows, and returns how it is called where the page is summed up. */
  column(sql: string): string;
}

function ofPageInfo(name: string): Json<Writing> {
  return (writing) => {
    const { page } = writing;
    if (name === "hasNextPage" || name === "hasPreviousPage") {
      writing.more ||= page.needsMore[name];
      writing.reads = true;
      return [page[name]()];
    }
    const position = page.end(name === "startCursor" ? "first" : "last", writing.column(page.position));
    return [`coalesce(${page.cursor(position)}, 'null')`];
  };
}

/** The fields as a JSON object. */
function objectOf<Given>(fields: Fields, jsonOfField: (nodes: Nodes) => Json<Given>): Json<Given> {
  const parts = [...fields].flatMap(([key, nodes], i) => [
    [literal(`${i === 0 ? "{" : ","}"${key}":`)],
    jsonOfField(nodes),
  ]);
  return inOrder([...parts, [literal(parts.length === 0 ? "{}" : "}")]]);
}

const KINDS: Readonly<Record<string, JsonKind>> = {
  String: "text",
  UUID: "token",
  SafeInt: "integer",
  Int: "integer",
  Float: "float",
  Boolean: "boolean",
  DateTime: "timestamp",
  JSONObject: "object",
};

function leaf({ type }: GraphQLField<unknown, unknown>, table: Table, column: string): readonly Piece[] {
  const value = table.columns[column] ?? table.counts?.[column] ?? fail();
  const named = getNamedType(type);
  const kind = isListType(getNullableType(type))
    ? named.name === "String"
      ? "names"
      : fail()
    : isEnumType(named)
      ? "token"
      : (KINDS[named.name] ?? fail());
  return jsonOf(kind, value, !isNonNullType(type));
}

/** As the resolver of `Node.id` makes it. */
function globalId(type: GraphQLObjectType, column: string): readonly Piece[] {
  return quoted(base64url(`'${type.name}:' || ${column}`));
}

function isTypeName([node]: Nodes): boolean {
  return node?.name.value === "__typename";
}

function typeName(type: GraphQLObjectType): readonly Piece[] {
  return [literal(JSON.stringify(type.name))];
}

function fieldOf(type: GraphQLObjectType, [node]: Nodes): GraphQLField<unknown, unknown> {
  return type.getFields()[node?.name.value ?? ""] ?? fail();
}

function objectType(type: GraphQLOutputType): GraphQLObjectType {
  const named = getNamedType(type);
  return isObjectType(named) ? named : fail();
}

function fail(): never {
  throw new LeftToGraphQLJs();
}

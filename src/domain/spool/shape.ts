import type { FuncCall, InsertStmt, Node } from "libpg-query";
import { type Literal, MARK, NUMBER } from "./lexer.ts";
import { jsonText, numberText } from "./numbers.ts";
import { castOf, isNow, nameOf, plainIndexed, plainTarget, typeOfCast } from "./parse-tree.ts";
import { Refusal } from "./refusal.ts";
import { ONLY, statementOf } from "./statement.ts";
import { type ColumnTypes, type SpoolTable, spoolTable, UPSERT } from "./tables.ts";

/** What all statements of one shape do, judged once: our own statement, which takes their values as parameters. */
export interface Shape {
  readonly table: SpoolTable;
  /**
   * Writes many rows: parameter number i is the text[] of column number i. Where `single`, parameters are texts and it
   * writes one row.
   */
  readonly sql: string;
  readonly single: boolean;
  /** The parameters of a row, from the values of a statement. */
  readonly slots: readonly Slot[];
  /** Slots of the columns by which a row is found again; of the object's id; of its slug; of what it needs, in the order of `table.needs`. */
  readonly key: readonly { readonly slot: number; readonly type: string }[];
  readonly id: number | undefined;
  readonly slug: number | undefined;
  readonly needs: readonly (number | undefined)[];
}

interface Slot {
  /** Which value of the statement. */
  readonly value: number;
  readonly as: "json" | "number" | "text";
}

/**
 * Judges a shape as the lexer cut it out, by PostgreSQL's parser. Everything that is not known to be harmless is refused:
 * what is run is written anew from what was understood, and no text of the spool is part of it. Throws Refusal.
 */
export function judge(shape: string, columns: ColumnTypes): Shape {
  let number = 0;
  const kinds: string[] = [];
  const text = Buffer.from(shape, "latin1")
    .toString()
    .replaceAll(new RegExp(`${MARK}(.)`, "g"), (_, kind: string) => {
      kinds.push(kind);
      number += 1;
      return ` $${number} `;
    });
  const judge = new Judge(kinds, columns);
  const statement = statementOf(text);
  return "call" in statement ? judge.call(statement.call) : judge.shape(statement.insert);
}

interface Value {
  /** SQL of the value, in which `v` is the row of parameters. */
  readonly sql: string;
  readonly slot: Slot | undefined;
  /** Differs from one replay to the next. */
  readonly volatile: boolean;
}

const FLOATS = new Set(["double precision", "real"]);
const INTEGERS = new Set(["bigint", "integer", "smallint"]);
const JSON_TYPES = new Set(["json", "jsonb"]);

class Judge {
  readonly #kinds: readonly string[];
  readonly #columns: ColumnTypes;
  readonly #slots: Slot[] = [];
  /** Values outside the row: they differ from statement to statement, so that each is run by itself. */
  #single = false;

  constructor(kinds: readonly string[], columns: ColumnTypes) {
    this.#kinds = kinds;
    this.#columns = columns;
  }

  shape(insert: InsertStmt): Shape {
    const table = this.#table(insert);
    const types = this.#columns.get(table.name) ?? new Map<string, string>();
    const refuse = (why: string): never => {
      throw new Refusal(why, table);
    };
    const rest = Object.keys(insert).filter(
      (key) => !["relation", "cols", "selectStmt", "onConflictClause", "override"].includes(key),
    );
    if (rest.length > 0 || insert.override !== "OVERRIDING_NOT_SET") refuse(ONLY);

    const names = (insert.cols ?? []).map((node) => plainTarget(node)?.name ?? refuse(ONLY));
    if (names.length === 0) refuse("it does not name its columns");
    const values = this.#row(insert.selectStmt) ?? refuse(ONLY);
    if (values.length !== names.length) refuse(`${names.length} columns, but ${values.length} values`);
    const inserted = names.map((name, i) => {
      const type = types.get(name) ?? refuse(`${table.name} has no column ${name}`);
      if (names.indexOf(name) !== i) refuse(`the column ${name} is there twice`);
      const node = values[i];
      return (node && this.#value(node, type)) ?? refuse(`the value of ${name} is not a plain one`);
    });

    const conflict = insert.onConflictClause;
    if (conflict?.action !== "ONCONFLICT_UPDATE" || conflict.whereClause) throw new Refusal(ONLY, table);
    const { indexElems = [], whereClause, conname } = conflict.infer ?? {};
    if (whereClause || conname || indexElems.length === 0) refuse("its ON CONFLICT does not name the key's columns");
    const key = indexElems.map((node) => plainIndexed(node) ?? refuse("its ON CONFLICT does not name columns alone"));
    const keySlots = key.map((name) => ({
      slot: inserted[names.indexOf(name)]?.slot ?? refuse(`it gives no ${name}`),
      type: types.get(name) ?? "",
    }));

    const set = (conflict.targetList ?? []).map((node) => {
      const target = plainTarget(node) ?? refuse(ONLY);
      const type = types.get(target.name) ?? refuse(`${table.name} has no column ${target.name}`);
      const assigned = target.val && this.#assigned(target.val, table, { names, inserted, types, type });
      return { name: target.name, ...(assigned ?? refuse(`its SET gives ${target.name} more than a plain value`)) };
    });
    if (set.length === 0) refuse(ONLY);

    const slotOf = (column: string) => {
      const slot = inserted[names.indexOf(column)]?.slot;
      return slot && this.#slots.indexOf(slot);
    };
    return {
      table,
      sql: this.#statement(table, names, inserted, key, set),
      single: this.#single,
      slots: this.#slots,
      key: keySlots.map(({ slot, type }) => ({ slot: this.#slots.indexOf(slot), type })),
      id: slotOf(table.id),
      slug: table.slug === undefined ? undefined : slotOf(table.slug),
      needs: table.needs.map(([column]) => slotOf(column)),
    };
  }

  /** A call of the function that writes a dataset. An unknown id with a known slug is led to the stored dataset, as triggers do. */
  call({ args = [], funcname: _name, funcformat: _format, location: _location, ...rest }: FuncCall): Shape {
    const table = spoolTable("stage1_datasets");
    if (!table || Object.keys(rest).length > 0) throw new Refusal(ONLY, table);
    if (args.length !== UPSERT.parameters.length) {
      throw new Refusal(`${UPSERT.name} takes ${UPSERT.parameters.length} values, but here are ${args.length}`, table);
    }
    const values = UPSERT.parameters.map((type, i) => {
      const node = args[i];
      const value = node && this.#value(node, type);
      if (!value) throw new Refusal(`value ${i + 1} of ${UPSERT.name} is not a plain one`, table);
      return { ...value, sql: `CAST(${value.sql} AS ${type})` };
    });
    const [id, slug, ...others] = values.map(({ sql }) => sql);
    const slot = values[0]?.slot;
    if (!slot) throw new Refusal(`${UPSERT.name} is given no dataset_id`, table);
    const key = { slot: this.#slots.indexOf(slot), type: "uuid" };
    const parameters = [`stage1_lead_dataset(${id}, ${slug})`, slug, ...others].join(", ");
    return {
      table,
      sql: `SELECT ${UPSERT.name}(${parameters}) FROM ${this.#rows()}`,
      single: false,
      slots: this.#slots,
      key: [key],
      id: key.slot,
      slug: undefined,
      needs: [],
    };
  }

  #table({ relation }: InsertStmt): SpoolTable {
    const table = spoolTable(relation?.relname);
    if (!table) throw new Refusal(`the table ${relation?.relname} is none that a spool writes into`);
    if (relation?.catalogname || relation?.alias || (relation?.schemaname ?? "public") !== "public") {
      throw new Refusal(`it writes into another schema's table, or gives it another name`, table);
    }
    return table;
  }

  #row(select: Node | undefined): Node[] | undefined {
    if (!select || !("SelectStmt" in select)) return undefined;
    const { valuesLists, limitOption: _limit, op: _op, ...rest } = select.SelectStmt;
    const [list] = valuesLists ?? [];
    if (Object.keys(rest).length > 0 || valuesLists?.length !== 1 || !list || !("List" in list)) return undefined;
    return list.List.items ?? [];
  }

  /** A value of the row: a literal, perhaps cast, TO_TIMESTAMP of one, or the time of the replay. */
  #value(node: Node, type: string): Value | undefined {
    if (isNow(node)) return { sql: "now()", slot: undefined, volatile: true };
    if ("TypeCast" in node) {
      const { arg, typeName } = node.TypeCast;
      const cast = castOf(typeName);
      if (!arg || cast === undefined) return undefined;
      const inner = this.#value(arg, cast === "jsonb" || cast === "json" ? cast : typeOfCast(cast));
      return inner && { ...inner, sql: `CAST(${inner.sql} AS ${cast})` };
    }
    if ("FuncCall" in node) {
      const { funcname, args, funcformat: _format, location: _location, ...rest } = node.FuncCall;
      const [argument] = args ?? [];
      if (nameOf(funcname) !== "to_timestamp" || args?.length !== 1 || Object.keys(rest).length > 0) return undefined;
      const seconds = argument && this.#literal(argument, "double precision");
      return seconds && { ...seconds, sql: `to_timestamp(${seconds.sql})` };
    }
    return this.#literal(node, type);
  }

  #literal(node: Node, type: string): Value | undefined {
    if (!("ParamRef" in node)) return undefined;
    const value = (node.ParamRef.number ?? 0) - 1;
    const kind = this.#kinds[value];
    const as = JSON_TYPES.has(type) ? "json" : kind === NUMBER || FLOATS.has(type) ? "number" : "text";
    const slot: Slot = { value, as };
    this.#slots.push(slot);
    const parameter = `v.c${this.#slots.length}`;
    // As PostgreSQL reads a number and then assigns it: 1e3 is a bigint, 1.50 keeps its digits as a text.
    const numeric = INTEGERS.has(type) || (kind === NUMBER && !FLOATS.has(type) && as !== "json");
    return { sql: `${parameter}${numeric ? "::numeric" : ""}::${type}`, slot, volatile: false };
  }

  /** A value of SET: the inserted one, the stored one, the time, or a literal; or COALESCE and || of these. */
  #assigned(node: Node, table: SpoolTable, row: RowContext): { sql: string; volatile: boolean } | undefined {
    if ("ColumnRef" in node) {
      const fields = (node.ColumnRef.fields ?? []).map((field) => ("String" in field ? field.String.sval : undefined));
      const [relation, column = ""] = fields;
      if (fields.length !== 2 || !row.types.has(column)) return undefined;
      if (relation === "excluded") {
        return {
          sql: `EXCLUDED.${quoted(column)}`,
          volatile: row.inserted[row.names.indexOf(column)]?.volatile ?? false,
        };
      }
      return relation === table.name ? { sql: `${table.name}.${quoted(column)}`, volatile: false } : undefined;
    }
    if ("CoalesceExpr" in node) {
      const args = (node.CoalesceExpr.args ?? []).map((arg) => this.#assigned(arg, table, row));
      const known = args.filter((arg) => arg !== undefined);
      if (known.length !== args.length) return undefined;
      return {
        sql: `COALESCE(${known.map(({ sql }) => sql).join(", ")})`,
        volatile: known.some((arg) => arg.volatile),
      };
    }
    if ("A_Expr" in node) {
      const { kind, name, lexpr, rexpr } = node.A_Expr;
      if (kind !== "AEXPR_OP" || nameOf(name) !== "||" || !lexpr || !rexpr) return undefined;
      if (row.type !== "jsonb") return undefined; // a text would grow with each replay
      const [left, right] = [this.#assigned(lexpr, table, row), this.#assigned(rexpr, table, row)];
      // Merged as objects, as upsert_stage1_dataset does: a list would grow too.
      const object = ({ sql }: { sql: string }) => `stage1_json_object(${sql})`;
      return (
        left && right && { sql: `(${object(left)} || ${object(right)})`, volatile: left.volatile || right.volatile }
      );
    }
    const before = this.#slots.length;
    const value = this.#value(node, row.type);
    if (value && this.#slots.length > before) this.#single = true;
    return value;
  }

  /** The parameters, as rows of `v`. */
  #rows(): string {
    const parameters = this.#slots.map((_, i) => `$${i + 1}`);
    const aliases = this.#slots.map((_, i) => `c${i + 1}`).join(", ");
    return this.#single
      ? `(SELECT ${parameters.map((parameter) => `${parameter}::text`).join(", ")}) AS v(${aliases})`
      : `unnest(${parameters.map((parameter) => `${parameter}::text[]`).join(", ")}) AS v(${aliases})`;
  }

  #statement(
    table: SpoolTable,
    names: readonly string[],
    inserted: readonly Value[],
    key: readonly string[],
    set: readonly { name: string; sql: string; volatile: boolean }[],
  ): string {
    const assignments = set.map(({ name, sql }) => {
      return `${quoted(name)} = ${this.#single ? outsideRow(sql) : sql}`;
    });
    // A row that says what is stored already is left alone: its updated_at too, so that a second replay changes nothing. Not
    // so a row of an earlier generation: its trigger makes the master row, where that was lost.
    const lasting = table.hasMaster ? [] : set.filter(({ volatile }) => !volatile);
    const stored = lasting.map(({ name }) => `${table.name}.${quoted(name)}`).join(", ");
    const wanted = lasting.map(({ sql }) => (this.#single ? outsideRow(sql) : sql)).join(", ");
    return [
      `INSERT INTO ${table.name} (${names.map(quoted).join(", ")})`,
      `SELECT ${inserted.map(({ sql }) => sql).join(", ")} FROM ${this.#rows()}`,
      `ON CONFLICT (${key.map(quoted).join(", ")}) DO UPDATE SET ${assignments.join(", ")}`,
      ...(lasting.length > 0 ? [`WHERE (${stored}) IS DISTINCT FROM (${wanted})`] : []),
    ].join(" ");
  }
}

interface RowContext {
  readonly names: readonly string[];
  readonly inserted: readonly Value[];
  readonly types: ReadonlyMap<string, string>;
  /** Of the column that is assigned. */
  readonly type: string;
}

/** SET sees no row of parameters: it names them itself. */
const outsideRow = (sql: string) => sql.replaceAll(/\bv\.c(\d+)/g, "$$$1::text");

/** The parameters of a row, from a statement's values. */
export function rowOf({ slots }: Shape, values: readonly Literal[]): Literal[] {
  return slots.map(({ value, as }) => {
    const literal = values[value] ?? null;
    if (literal === null || as === "text") return literal;
    return as === "json" ? jsonText(literal) : numberText(literal);
  });
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

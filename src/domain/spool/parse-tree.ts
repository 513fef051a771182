// What is read from PostgreSQL's parse tree: each gives undefined for anything but the plain form.

import type { FuncCall, Node, ResTarget, TypeName } from "libpg-query";

/** Types that a value may be cast to, by PostgreSQL's inner names. */
const CASTS = new Map(
  Object.entries({
    ...{ text: "text", varchar: "varchar", uuid: "uuid", json: "json", jsonb: "jsonb", bool: "boolean" },
    ...{ timestamptz: "timestamptz", timestamp: "timestamp", numeric: "numeric" },
    ...{ float8: "float8", float4: "float4", int8: "bigint", int4: "integer", int2: "smallint" },
  }),
);
export function plainTarget(node: Node): { name: string; val: Node | undefined } | undefined {
  if (!("ResTarget" in node)) return undefined;
  const { name, val, indirection }: ResTarget = node.ResTarget;
  return name === undefined || indirection ? undefined : { name, val };
}

/** The only thing that a SELECT does: a call, without a FROM or anything else. */
export function plainCall(node: Node): FuncCall | undefined {
  if (!("SelectStmt" in node)) return undefined;
  const { targetList, limitOption: _limit, op: _op, ...rest } = node.SelectStmt;
  const [target] = targetList ?? [];
  if (Object.keys(rest).length > 0 || targetList?.length !== 1 || !target || !("ResTarget" in target)) return undefined;
  const { val } = target.ResTarget;
  return val && "FuncCall" in val ? val.FuncCall : undefined;
}

export function plainIndexed(node: Node): string | undefined {
  if (!("IndexElem" in node)) return undefined;
  const { name, expr, collation, opclass } = node.IndexElem;
  return expr || collation || opclass ? undefined : name;
}

export function nameOf(names: Node[] | undefined): string | undefined {
  const parts = (names ?? []).map((node) => ("String" in node ? node.String.sval : undefined));
  if (parts[0] === "pg_catalog") parts.shift();
  return parts.length === 1 ? parts[0] : undefined;
}

export function isNow(node: Node): boolean {
  if ("SQLValueFunction" in node) return node.SQLValueFunction.op === "SVFOP_CURRENT_TIMESTAMP";
  if (!("FuncCall" in node)) return false;
  const { funcname, funcformat: _format, location: _location, ...rest } = node.FuncCall;
  return nameOf(funcname) === "now" && Object.keys(rest).length === 0;
}

export function castOf(type: TypeName | undefined): string | undefined {
  if (!type || type.typmods || type.arrayBounds || type.setof || type.pct_type) return undefined;
  return CASTS.get(nameOf(type.names) ?? "");
}

export const typeOfCast = (cast: string) =>
  cast === "float8" ? "double precision" : cast === "float4" ? "real" : cast;

import { type GraphQLArgument, type GraphQLField, isRequiredArgument } from "graphql";
import type { Random } from "./random.ts";
import type { Json, JsonObject, KnownPage, Values } from "./values.ts";

/** The row whose fields are asked for, where the query names it. */
export interface KnownRow {
  readonly id: string;
}

/** What a field is called with. */
export interface Call {
  readonly args: JsonObject;
  /** At most so many rows come back, for lists and connections: an estimate. */
  readonly rows: number;
  /** Cursors are good below this parent alone. */
  readonly boundTo: string | undefined;
  /** The row that the arguments name. */
  readonly row: KnownRow | undefined;
}

/** Rows of a list that says nothing about its length. */
const LIST_ROWS: Readonly<Record<string, number>> = {
  folds: 4,
  buckets: 3,
  measurement: 3,
  checks: 14,
  featureColumns: 0,
  sample: 0,
};
const DEFAULT_ROWS = 10;

/** Arguments for a field of `parentType`. `row`: whose field it is; `room`: how many rows it may bring. */
export function makeCall(
  random: Random,
  values: Values,
  parentType: string,
  field: GraphQLField<unknown, unknown>,
  row: KnownRow | undefined,
  room: number,
): Call {
  const byName = new Map(field.args.map((arg) => [arg.name, arg]));
  if (byName.has("first") && byName.has("after"))
    return page(random, values, `${parentType}.${field.name}`, byName, row, room);
  const args = Object.fromEntries(
    random
      .shuffled(field.args)
      .filter((arg) => isRequiredArgument(arg) || random.chance(0.5))
      .map((arg) => [arg.name, values.make(arg.type, arg.name)]),
  );
  const ids = args["ids"];
  const rows = Array.isArray(ids)
    ? ids.length
    : (LIST_ROWS[field.name] ?? (parentType.startsWith("__") ? DEFAULT_ROWS : 1));
  return { args, rows, boundTo: undefined, row: knownRow(args) };
}

/** `datasetId`, `runId` or `simulationId`, also inside `by`. */
function knownRow(args: JsonObject): KnownRow | undefined {
  for (const key of ["datasetId", "runId", "simulationId"]) {
    const id = args[key];
    if (typeof id === "string") return { id: id.toLowerCase() };
  }
  const by = args["by"];
  return typeof by === "object" && by !== null && !Array.isArray(by) ? knownRow(by as JsonObject) : undefined;
}

function page(
  random: Random,
  values: Values,
  list: string,
  byName: ReadonlyMap<string, GraphQLArgument>,
  row: KnownRow | undefined,
  room: number,
): Call {
  const args: Record<string, Json> = {};
  const known = values.pool.pages.filter((one) => one.list === list && one.parent === row?.id);
  const from: KnownPage | undefined = known.length > 0 && random.chance(0.5) ? random.pick(known) : undefined;
  const give = (name: string, probability: number) => {
    const arg = byName.get(name);
    if (arg && random.chance(probability)) args[name] = values.make(arg.type, name);
  };
  let backward = random.chance(0.3);
  let size: number | null | undefined =
    room >= DEFAULT_ROWS && random.chance(0.15)
      ? undefined
      : random.chance(0.06)
        ? 0
        : 1 + random.int(Math.max(1, Math.min(4, Math.floor(room))));
  if (size === undefined && random.chance(0.3)) size = null;
  if (size == null) backward = false;
  if (size !== undefined) args[backward ? "last" : "first"] = size;
  if (random.chance(0.1)) args[backward ? "first" : "last"] = null;
  if (from) {
    Object.assign(args, from.args);
    const [a, b] = [random.int(from.cursors.length), random.int(from.cursors.length)];
    if (random.chance(0.7)) args["after"] = from.cursors[Math.min(a, b)];
    if (!("after" in args) || random.chance(0.3)) args["before"] = from.cursors[Math.max(a, b)];
  } else {
    give("filter", 0.4);
    give("orderBy", 0.4);
    if (!backward && args["last"] == null) give("offset", 0.6);
    if (random.chance(0.1)) args[random.pick(["after", "before"])] = null;
  }
  if (values.fault()) args[random.pick(["first", "last"])] = random.pick([-1, 1001, 5000, 2]);
  if (values.fault()) args[random.pick(["after", "before"])] = values.strayCursor();
  if (byName.has("offset") && values.fault()) args["offset"] = -1;
  if (values.faults === "invalid") give(random.pick([...byName.keys()]), 0.2);
  const shuffled = Object.fromEntries(random.shuffled(Object.entries(args)));
  return { args: shuffled, rows: size ?? DEFAULT_ROWS, boundTo: from && (row?.id ?? ""), row: undefined };
}

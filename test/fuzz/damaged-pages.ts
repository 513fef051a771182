import { type GraphQLSchema, isObjectType } from "graphql";
import type { Random } from "../graphql/random/random.ts";
import type { Pool } from "../graphql/random/values.ts";
import type { OddValues } from "./odd-values.ts";
import type { Operation } from "./wire.ts";

/** How the one row of a type is asked for. */
const ROW: Readonly<Record<string, (id: string) => string>> = {
  Dataset: (id) => `dataset(by: { datasetId: "${id}" })`,
  WalkforwardRun: (id) => `run(by: { runId: "${id}" })`,
  Simulation: (id) => `simulation(simulationId: "${id}")`,
};

/**
 * A page of a list in the order, with the filter and below the parent that a cursor was made for, so that nothing but the cursor
 * is wrong.
 */
export function damagedPage(schema: GraphQLSchema, random: Random, pool: Pool, odd: OddValues): Operation {
  const { list, parent, args, cursors } = random.pick(pool.pages);
  const [type = "", field = ""] = list.split(".");
  const owner = schema.getType(type);
  const known = isObjectType(owner) ? (owner.getFields()[field]?.args ?? []) : [];
  const backward = random.chance(0.3);
  const cursor = () => odd.cursor(random.pick(cursors));
  const variables: Record<string, unknown> = {
    ...args,
    [backward ? "last" : "first"]: random.int(4),
    [random.pick(["after", "before"])]: cursor(),
  };
  if (random.chance(0.2)) variables["before"] = cursor();
  const given = known.filter(({ name }) => name in variables);
  const declared = given.map((arg) => `$${arg.name}: ${arg.type}`).join(", ");
  const passed = given.map(({ name }) => `${name}: $${name}`).join(", ");
  const page = `${field}(${passed}) { totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor } }`;
  const row = parent === undefined ? undefined : ROW[type]?.(parent);
  return { query: `query Page(${declared}) { ${row ? `${row} { ${page} }` : page} }`, variables };
}

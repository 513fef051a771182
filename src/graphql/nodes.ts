import { type DatasetRow, datasets, datasetsById } from "../domain/dataset.ts";
import { type RunRow, runs, runsById } from "../domain/run.ts";
import { type SimulationRow, simulations, simulationsById } from "../domain/simulation.ts";
import { ClientError } from "../errors.ts";
import { builder } from "./builder.ts";
import type { Context } from "./context.ts";
import { batchLoader, inOrder } from "./loader.ts";
import { parseUuid } from "./scalars.ts";
import type { Source } from "./statement.ts";

// The three levels of the lineage point at each other. Their names and their loads by id are here, so that the files of
// the types need not.
export const Dataset = builder.objectRef<DatasetRow>("Dataset");
export const WalkforwardRun = builder.objectRef<RunRow>("WalkforwardRun");
export const Simulation = builder.objectRef<SimulationRow>("Simulation");

export const datasetById = batchLoader(async (db, ids) =>
  inOrder(ids, await datasetsById(db, ids), (row) => row.dataset_id),
);
export const runById = batchLoader(async (db, ids) => inOrder(ids, await runsById(db, ids), (row) => row.run_id));
export const simulationById = batchLoader(async (db, ids) =>
  inOrder(ids, await simulationsById(db, ids), (row) => row.simulation_id),
);

/** The row that a row points at. */
export const theDataset = (id: string): Source => ({ one: datasets, where: () => `d.dataset_id = ${id}` });
export const theRun = (id: string): Source => ({ one: runs, where: () => `r.run_id = ${id}` });

export const theSimulation = (id: string): Source => ({ one: simulations, where: () => `s.simulation_id = ${id}` });

type NodeRow = DatasetRow | RunRow | SimulationRow;
type TypeName = "Dataset" | "WalkforwardRun" | "Simulation";

const loaders = { Dataset: datasetById, WalkforwardRun: runById, Simulation: simulationById };

function typeOf(row: NodeRow): { type: TypeName; id: string } {
  if ("simulation_id" in row) return { type: "Simulation", id: row.simulation_id };
  if ("run_id" in row) return { type: "WalkforwardRun", id: row.run_id };
  return { type: "Dataset", id: row.dataset_id };
}

export const Node = builder.interfaceRef<NodeRow>("Node").implement({
  description: "Anything that has an id of its own across all types.",
  resolveType: (row) => typeOf(row).type,
  fields: (t) => ({
    id: t.id({
      description: "An id that is unique across all types, for caches and for `node`. Opaque.",
      extensions: { source: { globalId: true } },
      resolve(row) {
        const { type, id } = typeOf(row);
        return Buffer.from(`${type}:${id}`).toString("base64url");
      },
    }),
  }),
});

async function loadNode(context: Context, globalId: string): Promise<NodeRow | null> {
  const [type, id, ...rest] = Buffer.from(globalId, "base64url").toString().split(":");
  const uuid = parseUuid(id);
  if (
    uuid === undefined ||
    rest.length > 0 ||
    !(type === "Dataset" || type === "WalkforwardRun" || type === "Simulation")
  ) {
    throw new ClientError(
      "BAD_USER_INPUT",
      "`id` is not one of this server's: pass the `id` field of a node, unchanged.",
    );
  }
  return (await loaders[type](context, undefined).load(uuid)) ?? null;
}

const MAX_NODES = 1000;

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description: "A dataset, run or simulation by its global id; null where there is none.",
    args: { id: t.arg.id({ required: true, description: "The `id` field of the node." }) },
    resolve: (_, { id }, context) => loadNode(context, id),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: `Datasets, runs and simulations by their global ids, in the order asked for. At most ${MAX_NODES}.`,
    args: { ids: t.arg.idList({ required: true, description: "The `id` fields of the nodes." }) },
    resolve(_, { ids }, context) {
      if (ids.length > MAX_NODES)
        throw new ClientError("BAD_USER_INPUT", `\`ids\` has ${ids.length} entries: ask for at most ${MAX_NODES}.`);
      return ids.map((id) => loadNode(context, id));
    },
  }),
}));

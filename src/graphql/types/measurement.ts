import { type MeasurementUseRow, measurementUses, usesOf, usesOfMeasurement } from "../../domain/measurement.ts";
import { ClientError } from "../../errors.ts";
import { builder } from "../builder.ts";
import { MeasurementRole } from "../enums.ts";
import { checkText } from "../input.ts";
import { loadOrNull } from "../loader.ts";
import {
  Dataset,
  datasetById,
  runById,
  Simulation,
  simulationById,
  theDataset,
  theRun,
  theSimulation,
  WalkforwardRun,
} from "../nodes.ts";
import type { Source } from "../statement.ts";

const MAX_USES = 1000;

const MeasurementUse = builder.objectRef<MeasurementUseRow>("MeasurementUse").implement({
  description: "What a QuestDB table belongs to, with the lineage above it.",
  fields: (t) => ({
    role: t.expose("role", { type: MeasurementRole, description: "What the table holds." }),
    dataset: t.field({
      type: Dataset,
      nullable: true,
      description: "The dataset.",
      extensions: { source: theDataset("u.dataset_id") },
      resolve: (row, _, context) => loadOrNull(datasetById, context, row.dataset_id),
    }),
    run: t.field({
      type: WalkforwardRun,
      nullable: true,
      description: "The run, for predictions and simulations.",
      extensions: { source: theRun("u.run_id") },
      resolve: (row, _, context) => loadOrNull(runById, context, row.run_id),
    }),
    simulation: t.field({
      type: Simulation,
      nullable: true,
      description: "The simulation, for its traces.",
      extensions: { source: theSimulation("u.simulation_id") },
      resolve: (row, _, context) => loadOrNull(simulationById, context, row.simulation_id),
    }),
  }),
});

builder.queryField("measurement", (t) =>
  t.field({
    type: [MeasurementUse],
    description: `Whose QuestDB table is this, and in which role? Empty where nobody's. At most ${MAX_USES} uses.`,
    args: { name: t.arg.string({ required: true, description: "The table's name, in the case it is written in." }) },
    extensions: {
      source: {
        all: measurementUses,
        where: ({ name }, params) => usesOf(params.add(checkText("name", String(name)), "text"), MAX_USES + 1),
        max: MAX_USES,
      } satisfies Source,
    },
    async resolve(_, { name }, context) {
      const uses = await usesOfMeasurement(context.db, checkText("name", name) ?? "", MAX_USES + 1);
      if (uses.length > MAX_USES) {
        throw new ClientError(
          "QUERY_TOO_EXPENSIVE",
          `More than ${MAX_USES} objects share the table \`${name}\`: page through \`simulations\` or \`datasetHierarchy\` instead.`,
        );
      }
      return uses;
    },
  }),
);

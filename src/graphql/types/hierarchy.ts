import { type HierarchyFilter as Filter, hierarchy, type HierarchyRow as Row } from "../../domain/hierarchy.ts";
import { builder } from "../builder.ts";
import { connect, connectionType, type ListArgs, type PageArgs, pageArgs } from "../connection.ts";
import { RunStatus } from "../enums.ts";
import { checkText, searchText } from "../input.ts";
import { pageSource } from "../page-source.ts";
import type { Source } from "../statement.ts";

const HierarchyRow = builder.objectRef<Row>("HierarchyRow").implement({
  description:
    "A leaf of the lineage with all that is above it: a simulation, a run without one, or a dataset without a run. For tables.",
  fields: (t) => ({
    datasetId: t.expose("dataset_id", { type: "UUID", description: "The dataset's key." }),
    datasetSlug: t.exposeString("dataset_slug", { description: "The dataset's slug." }),
    ohlcvMeasurement: t.exposeString("ohlcv_measurement", {
      nullable: true,
      description: "QuestDB table of the OHLCV bars.",
    }),
    indicatorMeasurement: t.exposeString("indicator_measurement", {
      nullable: true,
      description: "QuestDB table of the indicators.",
    }),
    runId: t.expose("run_id", {
      type: "UUID",
      nullable: true,
      description: "The run's key; null where there is no run.",
    }),
    predictionMeasurement: t.exposeString("prediction_measurement", {
      nullable: true,
      description: "QuestDB table of the run's predictions.",
    }),
    serializedConfig: t.exposeString("serialized_config", { nullable: true, description: "The run's clipboard text." }),
    simulationId: t.expose("simulation_id", {
      type: "UUID",
      nullable: true,
      description: "The simulation's key; null where there is none.",
    }),
    questdbNamespace: t.exposeString("questdb_namespace", {
      nullable: true,
      description: "QuestDB table of the simulation's traces.",
    }),
    status: t.expose("status", {
      type: RunStatus,
      nullable: true,
      description: "The simulation's status, or the run's where there is no simulation.",
    }),
    runStatus: t.expose("run_status", {
      type: RunStatus,
      nullable: true,
      description: "The run's status.",
    }),
    simulationStatus: t.expose("simulation_status", {
      type: RunStatus,
      nullable: true,
      description: "The simulation's status.",
    }),
    simulationSerializedConfig: t.exposeString("simulation_serialized_config", {
      nullable: true,
      description: "The simulation's clipboard text.",
    }),
  }),
});

const HierarchyRowConnection = connectionType("HierarchyRow", HierarchyRow, "rows");

const HierarchyFilter = builder.inputType("HierarchyFilter", {
  description: "Rows that meet every condition given. A condition that is null or left out is none.",
  fields: (t) => ({
    datasetId: t.field({ type: "UUID", description: "Of this dataset." }),
    runId: t.field({ type: "UUID", description: "Of this run." }),
    simulationId: t.field({ type: "UUID", description: "Of this simulation." }),
    predictionMeasurement: t.string({ description: "Of runs with this very table of predictions." }),
    questdbNamespace: t.string({ description: "Of simulations with this very table of traces." }),
    status: t.field({ type: [RunStatus], description: "With one of these in `status`. An empty list finds nothing." }),
    search: t.string({
      description: "Part of the slug, or of any QuestDB table's name in the row, in any case. Empty: all.",
    }),
  }),
});

interface HierarchyArgs extends PageArgs {
  filter?: typeof HierarchyFilter.$inferInput | null | undefined;
}

/** The arguments as lists take them. Throws ClientError BAD_USER_INPUT. */
function hierarchyList({ filter, ...args }: HierarchyArgs): ListArgs<Filter, "DATASET_SLUG"> {
  return {
    args,
    filter: {
      ...filter,
      predictionMeasurement: checkText("predictionMeasurement", filter?.predictionMeasurement),
      questdbNamespace: checkText("questdbNamespace", filter?.questdbNamespace),
      search: searchText(filter?.search),
    },
    orderBy: { field: "DATASET_SLUG", direction: "ASC" },
  };
}

builder.queryField("datasetHierarchy", (t) =>
  t.field({
    type: HierarchyRowConnection,
    description: "The whole lineage, flat, by slug.",
    args: {
      ...pageArgs(t.arg),
      filter: t.arg({ type: HierarchyFilter, description: "Only rows that meet all of these." }),
    },
    extensions: { source: { page: pageSource("datasetHierarchy", hierarchy, hierarchyList) } satisfies Source },
    resolve: (_, args, context) => connect(context, "datasetHierarchy", hierarchy, hierarchyList(args)),
  }),
);

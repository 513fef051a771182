import type { ArgBuilder, InputShapeFromFields } from "@pothos/core";
import {
  type RunFilter as Filter,
  type FoldRow,
  featureColumns,
  foldCounts,
  folds,
  foldsOfRuns,
  type RunOrderField as OrderField,
  runByMeasurement,
  runs,
} from "../../domain/run.ts";
import { simulations } from "../../domain/simulation.ts";
import type { Params } from "../../domain/sql.ts";
import { builder, type Types } from "../builder.ts";
import { childConnection, connect, connectionType, type ListArgs, pageArgs } from "../connection.ts";
import { OrderDirection, RunStatus } from "../enums.ts";
import { checkText, searchText, timeRange } from "../input.ts";
import { batchLoader, grouped, inOrder, loadOrNull } from "../loader.ts";
import { Dataset, datasetById, Node, runById, theDataset, WalkforwardRun } from "../nodes.ts";
import { pageSource } from "../page-source.ts";
import type { Source } from "../statement.ts";
import { SimulationConnection, simulationArgs, simulationList } from "./simulation.ts";

const foldsOfRun = batchLoader(async (db, ids) => grouped(ids, await foldsOfRuns(db, ids), (row) => row.run_id));
const foldCount = batchLoader(async (db, ids) =>
  inOrder(ids, await foldCounts(db, ids), (row) => row.run_id).map((row) => row?.count ?? 0),
);
const simulationsOfRun = childConnection("WalkforwardRun.simulations", simulations, "s.run_id");
const SIMULATIONS = pageSource("WalkforwardRun.simulations", simulations, simulationList, {
  column: "s.run_id",
  id: "r.run_id",
});

const WalkforwardFold = builder.objectRef<FoldRow>("WalkforwardFold").implement({
  description: "One step of a walk-forward run: trained on a window of bars, tested on the window after it.",
  fields: (t) => ({
    foldNumber: t.exposeInt("fold_number", { description: "Its place in the run; the desktop counts from 0." }),
    trainStartIdx: t.expose("train_start_idx", {
      type: "SafeInt",
      description: "First bar of the training window, as an index.",
    }),
    trainEndIdx: t.expose("train_end_idx", {
      type: "SafeInt",
      description: "The bar after the training window's last, as an index.",
    }),
    testStartIdx: t.expose("test_start_idx", {
      type: "SafeInt",
      description: "First bar of the test window, as an index.",
    }),
    testEndIdx: t.expose("test_end_idx", {
      type: "SafeInt",
      description: "The bar after the test window's last, as an index.",
    }),
    trainStartTs: t.expose("train_start_ts", {
      type: "DateTime",
      nullable: true,
      description: "The first bar of the training window, as a time; null where the exporter did not say.",
    }),
    trainEndTs: t.expose("train_end_ts", {
      type: "DateTime",
      nullable: true,
      description: "The end of the training window, as a time; null where the exporter did not say.",
    }),
    testStartTs: t.expose("test_start_ts", {
      type: "DateTime",
      nullable: true,
      description: "The first bar of the test window, as a time; null where the exporter did not say.",
    }),
    testEndTs: t.expose("test_end_ts", {
      type: "DateTime",
      nullable: true,
      description: "The end of the test window, as a time; null where the exporter did not say.",
    }),
    samplesTrain: t.expose("samples_train", { type: "SafeInt", description: "Samples trained on." }),
    samplesTest: t.expose("samples_test", { type: "SafeInt", description: "Samples tested on." }),
    bestIteration: t.exposeInt("best_iteration", {
      nullable: true,
      description: "The boosting round that scored best.",
    }),
    bestScore: t.exposeFloat("best_score", {
      nullable: true,
      description: "The score of that round; null also where it is not finite.",
    }),
    thresholds: t.expose("thresholds", {
      type: "JSONObject",
      description: "From which prediction on it signals: `long_optimal`, `short_optimal` and others.",
    }),
    metrics: t.expose("metrics", {
      type: "JSONObject",
      description: "Hit rates, profit factors, counts and sums of signals.",
    }),
  }),
});

WalkforwardRun.implement({
  description: "A model trained and tested fold by fold over a dataset. Its predictions are a QuestDB table.",
  interfaces: [Node],
  fields: (t) => ({
    runId: t.expose("run_id", { type: "UUID", description: "The key of the run." }),
    dataset: t.field({
      type: Dataset,
      nullable: true,
      description: "The dataset that it learned from; null where the run names none.",
      extensions: { source: theDataset("r.dataset_id") },
      resolve: (row, _, context) => loadOrNull(datasetById, context, row.dataset_id),
    }),
    predictionMeasurement: t.exposeString("prediction_measurement", {
      description: "QuestDB table of the predictions. Unique within the dataset.",
    }),
    targetColumn: t.exposeString("target_column", { description: "The column that is predicted." }),
    featureColumns: t.stringList({
      description: "The columns that are learned from, in the model's order.",
      extensions: { source: { column: "feature_columns" } },
      resolve: (row) => featureColumns(row.feature_columns),
    }),
    hyperparameters: t.expose("hyperparameters", { type: "JSONObject", description: "The model's settings." }),
    walkConfig: t.expose("walk_config", {
      type: "JSONObject",
      description: "How the windows walk, in bars: `train_size`, `test_size`, `fold_step` and others.",
    }),
    summaryMetrics: t.expose("summary_metrics", {
      type: "JSONObject",
      description: "Results over all folds, `folds` their number; empty until there are any.",
    }),
    serializedConfig: t.exposeString("serialized_config", {
      nullable: true,
      description: "The clipboard text of the desktop's form, byte for byte: paste it to get the form back.",
    }),
    status: t.expose("status", { type: RunStatus, description: "How far the run has come." }),
    requestedBy: t.exposeString("requested_by", { nullable: true, description: "Who asked for the run." }),
    startedAt: t.expose("started_at", { type: "DateTime", nullable: true, description: "When work began." }),
    completedAt: t.expose("completed_at", {
      type: "DateTime",
      nullable: true,
      description: "When work ended, well or not.",
    }),
    durationMs: t.expose("duration_ms", {
      type: "SafeInt",
      nullable: true,
      description: "How long the work took, in milliseconds.",
    }),
    isPlaceholder: t.exposeBoolean("is_placeholder", {
      description:
        "Only the id is known: folds or simulations name the run, and nothing that describes it has come yet.",
    }),
    createdAt: t.expose("created_at", { type: "DateTime", description: "When the row was written." }),
    foldCount: t.field({
      type: "SafeInt",
      description: "How many folds the run has: compare it with the folds received.",
      extensions: { source: { column: "fold_count" } },
      resolve: (row, _, context) => foldCount(context, undefined).load(row.run_id),
    }),
    folds: t.field({
      type: [WalkforwardFold],
      description: "All folds, by number. Several hundred at most, so not in pages.",
      extensions: {
        source: { all: folds, where: () => "f.run_id = r.run_id ORDER BY f.fold_number" } satisfies Source,
      },
      resolve: (row, _, context) => foldsOfRun(context, undefined).load(row.run_id),
    }),
    simulationCount: t.field({
      type: "SafeInt",
      description: "How many simulations trade on the run's predictions.",
      extensions: { source: { column: "simulation_count" } },
      resolve: (row, _, context) => simulationsOfRun.count(context, row.run_id),
    }),
    simulations: t.field({
      type: SimulationConnection,
      description: "The simulations of the run, by default newest first.",
      args: simulationArgs(t.arg),
      extensions: { source: { page: SIMULATIONS } satisfies Source },
      resolve: (row, args, context) => simulationsOfRun.connect(context, row.run_id, simulationList(args)),
    }),
  }),
});

export const RunConnection = connectionType("WalkforwardRun", WalkforwardRun, "walk-forward runs");

const RunFilter = builder.inputType("RunFilter", {
  description: "Runs that meet every condition given. A condition that is null or left out is none.",
  fields: (t) => ({
    datasetId: t.field({ type: "UUID", description: "Of this dataset." }),
    status: t.field({ type: [RunStatus], description: "In one of these states. An empty list finds nothing." }),
    targetColumn: t.string({ description: "Exactly this target." }),
    search: t.string({ description: "Part of the prediction measurement, in any case. Empty: all." }),
    createdAfter: t.field({ type: "DateTime", description: "Created after this instant, not at it." }),
    createdBefore: t.field({ type: "DateTime", description: "Created before this instant, not at it." }),
  }),
});

const RunOrderField = builder.enumType("RunOrderField", {
  description: "What a list of runs can be sorted by. The id breaks ties.",
  values: {
    CREATED_AT: { description: "When the row was written." },
    STARTED_AT: { description: "When work began; not yet sorts as earliest." },
    COMPLETED_AT: { description: "When work ended; not yet sorts as earliest." },
    STATUS: { description: "The status, by its name." },
  } satisfies Record<OrderField, { description: string }>,
});

const RunOrder = builder.inputType("RunOrder", {
  description: "An order of runs.",
  fields: (t) => ({
    field: t.field({ type: RunOrderField, required: true, description: "What to sort by." }),
    direction: t.field({ type: OrderDirection, required: true, description: "Which end comes first." }),
  }),
});

/** The arguments of every list of runs. */
export const runArgs = (arg: ArgBuilder<Types>) => ({
  ...pageArgs(arg),
  filter: arg({ type: RunFilter, description: "Only runs that meet all of these." }),
  orderBy: arg({ type: RunOrder, description: "The order of the list. Default: newest first." }),
});

/** These arguments as lists take them. Throws ClientError BAD_USER_INPUT. */
export function runList(args: InputShapeFromFields<ReturnType<typeof runArgs>>): ListArgs<Filter, OrderField> {
  const { filter, orderBy } = args;
  return {
    args,
    filter: {
      datasetId: filter?.datasetId,
      status: filter?.status,
      targetColumn: checkText("targetColumn", filter?.targetColumn),
      search: searchText(filter?.search),
      created: timeRange(filter?.createdAfter, filter?.createdBefore),
    },
    orderBy: orderBy ?? { field: "CREATED_AT", direction: "DESC" },
  };
}

const RunMeasurement = builder.inputType("RunMeasurement", {
  description: "A prediction table, which names one run of its dataset.",
  fields: (t) => ({
    datasetId: t.field({ type: "UUID", required: true, description: "The dataset." }),
    predictionMeasurement: t.string({ required: true, description: "QuestDB table of the predictions." }),
  }),
});

const RunBy = builder.inputType("RunBy", {
  description: "One way to name a run.",
  isOneOf: true,
  fields: (t) => ({
    runId: t.field({ type: "UUID", description: "By its key." }),
    measurement: t.field({ type: RunMeasurement, description: "By its dataset and its prediction table." }),
  }),
});

/** The condition that `run(by:)` states. */
function whichRun(args: Readonly<Record<string, unknown>>, params: Params): string | undefined {
  const { runId, measurement } = args["by"] as typeof RunBy.$inferInput;
  if (runId != null) return `r.run_id = ${params.add(runId, "uuid")}`;
  if (measurement == null) return undefined;
  const name = checkText("predictionMeasurement", measurement.predictionMeasurement);
  return `r.dataset_id = ${params.add(measurement.datasetId, "uuid")} AND r.prediction_measurement = ${params.add(name, "text")}`;
}

builder.queryFields((t) => ({
  run: t.field({
    type: WalkforwardRun,
    nullable: true,
    description: "One walk-forward run; null where there is none.",
    args: { by: t.arg({ type: RunBy, required: true, description: "The run's key, or its prediction table." }) },
    extensions: { source: { one: runs, where: whichRun } satisfies Source },
    async resolve(_, { by }, context) {
      if (by.runId != null) return loadOrNull(runById, context, by.runId);
      if (by.measurement == null) return null;
      const name = checkText("predictionMeasurement", by.measurement.predictionMeasurement) ?? "";
      return (await runByMeasurement(context.db, by.measurement.datasetId, name)) ?? null;
    },
  }),
  runs: t.field({
    type: RunConnection,
    description: "All walk-forward runs, by default newest first.",
    args: runArgs(t.arg),
    extensions: { source: { page: pageSource("runs", runs, runList) } satisfies Source },
    resolve: (_, args, context) => connect(context, "runs", runs, runList(args)),
  }),
}));

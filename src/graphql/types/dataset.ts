import {
  datasets,
  datasetsBySlug,
  type DatasetFilter as Filter,
  type DatasetOrderField as OrderField,
} from "../../domain/dataset.ts";
import { runs } from "../../domain/run.ts";
import { simulations } from "../../domain/simulation.ts";
import type { Params } from "../../domain/sql.ts";
import { builder } from "../builder.ts";
import { childConnection, connect, connectionType, type ListArgs, type PageArgs, pageArgs } from "../connection.ts";
import { OrderDirection } from "../enums.ts";
import { checkText, searchText, timeRange } from "../input.ts";
import { batchLoader, inOrder, loadOrNull } from "../loader.ts";
import { Dataset, datasetById, Node } from "../nodes.ts";
import { pageSource } from "../page-source.ts";
import type { Source } from "../statement.ts";
import { RunConnection, runArgs, runList } from "./run.ts";
import { SimulationConnection, simulationArgs, simulationList } from "./simulation.ts";

const datasetBySlug = batchLoader(async (db, slugs) =>
  inOrder(slugs, await datasetsBySlug(db, slugs), (row) => row.dataset_slug),
);
const runsOfDataset = childConnection("Dataset.runs", runs, "r.dataset_id");
const simulationsOfDataset = childConnection("Dataset.simulations", simulations, "s.dataset_id");
const RUNS = pageSource("Dataset.runs", runs, runList, { column: "r.dataset_id", id: "d.dataset_id" });
const SIMULATIONS = pageSource("Dataset.simulations", simulations, simulationList, {
  column: "s.dataset_id",
  id: "d.dataset_id",
});

Dataset.implement({
  description:
    "What research starts from: a QuestDB table of OHLCV bars, a QuestDB table of indicators, and this row about both. " +
    "Walk-forward runs learn from it, and simulations trade on their predictions.",
  interfaces: [Node],
  fields: (t) => ({
    datasetId: t.expose("dataset_id", { type: "UUID", description: "The key of the dataset." }),
    datasetSlug: t.exposeString("dataset_slug", { description: "The name people use. Unique." }),
    symbol: t.exposeString("symbol", { nullable: true, description: "What is traded, such as `BTCUSDT`." }),
    granularity: t.exposeString("granularity", { nullable: true, description: "The length of a bar, such as `4h`." }),
    source: t.exposeString("source", { nullable: true, description: "The program that made the dataset." }),
    ohlcvMeasurement: t.exposeString("ohlcv_measurement", {
      nullable: true,
      description: "QuestDB table of the OHLCV bars; null until exported.",
    }),
    indicatorMeasurement: t.exposeString("indicator_measurement", {
      nullable: true,
      description: "QuestDB table of the indicators; null until exported.",
    }),
    ohlcvRowCount: t.expose("ohlcv_row_count", { type: "SafeInt", description: "Rows of the OHLCV table." }),
    indicatorRowCount: t.expose("indicator_row_count", {
      type: "SafeInt",
      description: "Rows of the indicator table.",
    }),
    ohlcvFirstTs: t.expose("ohlcv_first_ts", { type: "DateTime", nullable: true, description: "The first bar." }),
    ohlcvLastTs: t.expose("ohlcv_last_ts", { type: "DateTime", nullable: true, description: "The last bar." }),
    indicatorFirstTs: t.expose("indicator_first_ts", {
      type: "DateTime",
      nullable: true,
      description: "The first bar that has indicators.",
    }),
    indicatorLastTs: t.expose("indicator_last_ts", {
      type: "DateTime",
      nullable: true,
      description: "The last bar that has indicators.",
    }),
    isComplete: t.exposeBoolean("is_complete", { description: "Both measurements are known." }),
    metadata: t.expose("metadata", { type: "JSONObject", description: "Whatever its writers noted." }),
    isPlaceholder: t.exposeBoolean("is_placeholder", {
      description:
        "Only the id is known: runs or simulations name the dataset, and nothing that describes it has come yet.",
    }),
    barIntervalMs: t.expose("bar_interval_ms", {
      type: "SafeInt",
      nullable: true,
      description: "The length of a bar in milliseconds; null where the exporter did not say.",
    }),
    lookbackRows: t.expose("lookback_rows", {
      type: "SafeInt",
      nullable: true,
      description: "Bars before the first row of indicators; null where the exporter did not say.",
    }),
    manifest: t.field({
      type: "JSONObject",
      nullable: true,
      description: "The desktop's description of its export, as it wrote it; null where there is none.",
      extensions: { source: { column: "manifest" } },
      resolve: (row) => (row.manifest === "null" ? null : row.manifest),
    }),
    createdAt: t.expose("created_at", { type: "DateTime", description: "When the row was written first." }),
    updatedAt: t.expose("updated_at", { type: "DateTime", description: "When the row was written last." }),
    runCount: t.field({
      type: "SafeInt",
      description: "How many walk-forward runs the dataset has.",
      extensions: { source: { column: "run_count" } },
      resolve: (row, _, context) => runsOfDataset.count(context, row.dataset_id),
    }),
    simulationCount: t.field({
      type: "SafeInt",
      description: "How many simulations the dataset has, over all runs.",
      extensions: { source: { column: "simulation_count" } },
      resolve: (row, _, context) => simulationsOfDataset.count(context, row.dataset_id),
    }),
    runs: t.field({
      type: RunConnection,
      description: "The walk-forward runs of the dataset, by default newest first.",
      args: runArgs(t.arg),
      extensions: { source: { page: RUNS } },
      resolve: (row, args, context) => runsOfDataset.connect(context, row.dataset_id, runList(args)),
    }),
    simulations: t.field({
      type: SimulationConnection,
      description: "The simulations of the dataset over all runs, by default newest first.",
      args: simulationArgs(t.arg),
      extensions: { source: { page: SIMULATIONS } },
      resolve: (row, args, context) => simulationsOfDataset.connect(context, row.dataset_id, simulationList(args)),
    }),
  }),
});

const DatasetConnection = connectionType("Dataset", Dataset, "datasets");

const DatasetBy = builder.inputType("DatasetBy", {
  description: "One way to name a dataset.",
  isOneOf: true,
  fields: (t) => ({
    datasetId: t.field({ type: "UUID", description: "By its key." }),
    datasetSlug: t.string({ description: "By its slug, in the case it is written in." }),
  }),
});

const DatasetFilter = builder.inputType("DatasetFilter", {
  description: "Datasets that meet every condition given. A condition that is null or left out is none.",
  fields: (t) => ({
    search: t.string({ description: "Part of the slug, the symbol or a measurement, in any case. Empty: all." }),
    symbol: t.string({ description: "Exactly this symbol." }),
    granularity: t.string({ description: "Exactly this granularity." }),
    source: t.string({ description: "Exactly this source." }),
    isComplete: t.boolean({ description: "Whether both measurements are known." }),
    updatedAfter: t.field({ type: "DateTime", description: "Last written after this instant, not at it." }),
    updatedBefore: t.field({ type: "DateTime", description: "Last written before this instant, not at it." }),
  }),
});

const DatasetOrderField = builder.enumType("DatasetOrderField", {
  description: "What a list of datasets can be sorted by. The id breaks ties.",
  values: {
    UPDATED_AT: { description: "When the dataset was written last." },
    CREATED_AT: { description: "When the dataset was written first." },
    DATASET_SLUG: { description: "The slug, by code points: capitals first." },
    SYMBOL: { description: "The symbol, by code points; none comes first." },
  } satisfies Record<OrderField, { description: string }>,
});

const DatasetOrder = builder.inputType("DatasetOrder", {
  description: "An order of datasets.",
  fields: (t) => ({
    field: t.field({ type: DatasetOrderField, required: true, description: "What to sort by." }),
    direction: t.field({ type: OrderDirection, required: true, description: "Which end comes first." }),
  }),
});

/** The arguments of `datasets`. */
interface DatasetArgs extends PageArgs {
  filter?: typeof DatasetFilter.$inferInput | null | undefined;
  orderBy?: typeof DatasetOrder.$inferInput | null | undefined;
}

/** These as lists take them. Throws ClientError BAD_USER_INPUT. */
function datasetList({ filter, orderBy, ...args }: DatasetArgs): ListArgs<Filter, OrderField> {
  return {
    args,
    filter: {
      search: searchText(filter?.search),
      symbol: checkText("symbol", filter?.symbol),
      granularity: checkText("granularity", filter?.granularity),
      source: checkText("source", filter?.source),
      isComplete: filter?.isComplete,
      updated: timeRange(filter?.updatedAfter, filter?.updatedBefore),
    },
    orderBy: orderBy ?? { field: "UPDATED_AT", direction: "DESC" },
  };
}

/** The condition that `dataset(by:)` states. */
function whichDataset(args: Readonly<Record<string, unknown>>, params: Params): string | undefined {
  const { datasetId, datasetSlug } = args["by"] as typeof DatasetBy.$inferInput;
  if (datasetId != null) return `d.dataset_id = ${params.add(datasetId, "uuid")}`;
  return `d.dataset_slug = ${params.add(checkText("datasetSlug", datasetSlug), "text")}`;
}

builder.queryFields((t) => ({
  dataset: t.field({
    type: Dataset,
    nullable: true,
    description: "One dataset; null where there is none.",
    args: { by: t.arg({ type: DatasetBy, required: true, description: "The dataset's key or slug." }) },
    extensions: { source: { one: datasets, where: whichDataset } satisfies Source },
    resolve(_, { by }, context) {
      if (by.datasetId != null) return loadOrNull(datasetById, context, by.datasetId);
      return loadOrNull(datasetBySlug, context, checkText("datasetSlug", by.datasetSlug) ?? null);
    },
  }),
  datasets: t.field({
    type: DatasetConnection,
    description: "All datasets, by default the last written first.",
    args: {
      ...pageArgs(t.arg),
      offset: t.arg.int({
        description:
          "Rows to leave out at the start: a jump to a page, for a grid with page numbers. Not together with a cursor.",
      }),
      filter: t.arg({ type: DatasetFilter, description: "Only datasets that meet all of these." }),
      orderBy: t.arg({ type: DatasetOrder, description: "The order of the list." }),
    },
    extensions: { source: { page: pageSource("datasets", datasets, datasetList) } satisfies Source },
    resolve: (_, args, context) => connect(context, "datasets", datasets, datasetList(args)),
  }),
}));

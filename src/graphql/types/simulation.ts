import type { ArgBuilder, InputShapeFromFields } from "@pothos/core";
import {
  BUCKET_ORDER,
  type BucketRow,
  buckets,
  bucketsOfSimulations,
  type SimulationFilter as Filter,
  type SimulationOrderField as OrderField,
  simulations,
  type TradeRow,
  trades,
} from "../../domain/simulation.ts";
import { builder, type Types } from "../builder.ts";
import { childConnection, connect, connectionType, type ListArgs, type PageArgs, pageArgs } from "../connection.ts";
import { OrderDirection, RunStatus, SimulationMode, TradeSide } from "../enums.ts";
import { timeRange } from "../input.ts";
import { batchLoader, grouped, loadOrNull } from "../loader.ts";
import {
  Dataset,
  datasetById,
  Node,
  runById,
  Simulation,
  simulationById,
  theDataset,
  theRun,
  WalkforwardRun,
} from "../nodes.ts";
import { pageSource } from "../page-source.ts";
import type { Source } from "../statement.ts";

const bucketsOfSimulation = batchLoader(async (db, ids) =>
  grouped(ids, await bucketsOfSimulations(db, ids), (row) => row.simulation_id),
);
const tradesOfSimulation = childConnection("Simulation.trades", trades, "t.simulation_id");
const TRADES = pageSource("Simulation.trades", trades, tradeList, {
  column: "t.simulation_id",
  id: "s.simulation_id",
});

function tradeList(args: PageArgs): ListArgs<Record<never, never>, "BAR_TIMESTAMP"> {
  return { args, filter: {}, orderBy: { field: "BAR_TIMESTAMP", direction: "ASC" } };
}

const SimulationTrade = builder.objectRef<TradeRow>("SimulationTrade").implement({
  description: "One trade of a simulation. A number that is not finite is null.",
  fields: (t) => ({
    tradeId: t.expose("trade_id", { type: "UUID", description: "The key of the trade." }),
    barTimestamp: t.expose("bar_timestamp", {
      type: "DateTime",
      description: "When it was entered, cut to the second. When it was left is not stored.",
    }),
    side: t.expose("side", { type: TradeSide, description: "Long or short." }),
    size: t.exposeFloat("size", {
      nullable: true,
      description: "How much was traded, in units of the symbol.",
    }),
    entryPrice: t.exposeFloat("entry_price", { nullable: true, description: "Price at entry." }),
    exitPrice: t.exposeFloat("exit_price", {
      nullable: true,
      description: "Price at exit; null while open.",
    }),
    pnl: t.exposeFloat("pnl", {
      nullable: true,
      description: "Profit or loss, in the quote currency.",
    }),
    returnPct: t.exposeFloat("return_pct", {
      nullable: true,
      description: "Return on the trade, in percent.",
    }),
    metadata: t.expose("metadata", { type: "JSONObject", description: "Whatever the simulation noted." }),
  }),
});

const TradeConnection = connectionType("SimulationTrade", SimulationTrade, "trades");

const SimulationTradeBucket = builder.objectRef<BucketRow>("SimulationTradeBucket").implement({
  description: "The trades of one side of a simulation, summed up. A number that is not finite is null.",
  fields: (t) => ({
    side: t.expose("side", { type: TradeSide, description: "Long, short, or both together." }),
    tradeCount: t.expose("trade_count", { type: "SafeInt", description: "How many trades." }),
    winCount: t.expose("win_count", { type: "SafeInt", description: "How many of them won." }),
    profitFactor: t.exposeFloat("profit_factor", {
      nullable: true,
      description:
        "Gross profit by gross loss of the equity marked at each bar: not to be computed from the trades. " +
        "Without a loss the desktop stores 999.0 or 999.99. Null where the stored number is not finite.",
    }),
    avgReturnPct: t.exposeFloat("avg_return_pct", {
      nullable: true,
      description: "Total return of the side, in percent. Not a mean, in spite of its name.",
    }),
    maxDrawdownPct: t.exposeFloat("max_drawdown_pct", {
      nullable: true,
      description:
        "Deepest fall from a peak, in percent, of the equity marked at each bar: not to be computed from the trades.",
    }),
    notes: t.exposeString("notes", { nullable: true, description: "Remarks of the simulation." }),
  }),
});

Simulation.implement({
  description: "Trading on the predictions of a run, replayed over history. Its traces are a QuestDB table.",
  interfaces: [Node],
  fields: (t) => ({
    simulationId: t.expose("simulation_id", { type: "UUID", description: "The key of the simulation." }),
    run: t.field({
      type: WalkforwardRun,
      nullable: true,
      description: "The run whose predictions it traded on; null where that was deleted.",
      extensions: { source: theRun("s.run_id") },
      resolve: (row, _, context) => loadOrNull(runById, context, row.run_id),
    }),
    dataset: t.field({
      type: Dataset,
      nullable: true,
      description: "The dataset it traded over; null where the simulation names none.",
      extensions: { source: theDataset("s.dataset_id") },
      resolve: (row, _, context) => loadOrNull(datasetById, context, row.dataset_id),
    }),
    inputRunMeasurement: t.exposeString("input_run_measurement", {
      description: "QuestDB table of the predictions it read.",
    }),
    questdbNamespace: t.exposeString("questdb_namespace", {
      nullable: true,
      description: "QuestDB table of its traces. Old simulations share one, `trading_sim_traces`.",
    }),
    mode: t.expose("mode", { type: SimulationMode, description: "Which sides it traded." }),
    status: t.expose("status", { type: RunStatus, description: "How far the simulation has come." }),
    config: t.expose("config", { type: "JSONObject", description: "The settings it was run with." }),
    summaryMetrics: t.expose("summary_metrics", {
      type: "JSONObject",
      description: "Results over all trades; empty until there are any.",
    }),
    serializedConfig: t.exposeString("serialized_config", {
      nullable: true,
      description: "The clipboard text of the desktop's form, byte for byte: paste it to get the form back.",
    }),
    startedAt: t.expose("started_at", { type: "DateTime", nullable: true, description: "When work began." }),
    completedAt: t.expose("completed_at", {
      type: "DateTime",
      nullable: true,
      description: "When work ended, well or not.",
    }),
    isPlaceholder: t.exposeBoolean("is_placeholder", {
      description:
        "Only the id is known: trades or buckets name the simulation, and nothing that describes it has come yet.",
    }),
    createdAt: t.expose("created_at", { type: "DateTime", description: "When the row was written." }),
    tradeCount: t.field({
      type: "SafeInt",
      description: "How many trades are stored.",
      extensions: { source: { column: "trade_count" } },
      resolve: (row, _, context) => tradesOfSimulation.count(context, row.simulation_id),
    }),
    trades: t.field({
      type: TradeConnection,
      description: "The trades, in the order of their bars.",
      args: pageArgs(t.arg),
      extensions: { source: { page: TRADES } satisfies Source },
      resolve: (row, args, context) => tradesOfSimulation.connect(context, row.simulation_id, tradeList(args)),
    }),
    buckets: t.field({
      type: [SimulationTradeBucket],
      description: "The trades summed up: one bucket for both sides together, then one for each.",
      extensions: {
        source: {
          all: buckets,
          where: () => `b.simulation_id = s.simulation_id ORDER BY ${BUCKET_ORDER}`,
        } satisfies Source,
      },
      resolve: (row, _, context) => bucketsOfSimulation(context, undefined).load(row.simulation_id),
    }),
  }),
});

export const SimulationConnection = connectionType("Simulation", Simulation, "simulations");

const SimulationFilter = builder.inputType("SimulationFilter", {
  description: "Simulations that meet every condition given. A condition that is null or left out is none.",
  fields: (t) => ({
    datasetId: t.field({ type: "UUID", description: "Of this dataset." }),
    runId: t.field({ type: "UUID", description: "Of this run." }),
    status: t.field({ type: [RunStatus], description: "In one of these states. An empty list finds nothing." }),
    mode: t.field({ type: [SimulationMode], description: "In one of these modes. An empty list finds nothing." }),
    createdAfter: t.field({ type: "DateTime", description: "Created after this instant, not at it." }),
    createdBefore: t.field({ type: "DateTime", description: "Created before this instant, not at it." }),
  }),
});

const SimulationOrderField = builder.enumType("SimulationOrderField", {
  description: "What a list of simulations can be sorted by. The id breaks ties.",
  values: {
    CREATED_AT: { description: "When the row was written." },
    STARTED_AT: { description: "When work began; not yet sorts as earliest." },
    COMPLETED_AT: { description: "When work ended; not yet sorts as earliest." },
    STATUS: { description: "The status, by its name." },
  } satisfies Record<OrderField, { description: string }>,
});

const SimulationOrder = builder.inputType("SimulationOrder", {
  description: "An order of simulations.",
  fields: (t) => ({
    field: t.field({ type: SimulationOrderField, required: true, description: "What to sort by." }),
    direction: t.field({ type: OrderDirection, required: true, description: "Which end comes first." }),
  }),
});

/** The arguments of every list of simulations. */
export const simulationArgs = (arg: ArgBuilder<Types>) => ({
  ...pageArgs(arg),
  filter: arg({ type: SimulationFilter, description: "Only simulations that meet all of these." }),
  orderBy: arg({ type: SimulationOrder, description: "The order of the list. Default: newest first." }),
});

/** These arguments as lists take them. */
export function simulationList(
  args: InputShapeFromFields<ReturnType<typeof simulationArgs>>,
): ListArgs<Filter, OrderField> {
  const { filter, orderBy } = args;
  return {
    args,
    filter: {
      datasetId: filter?.datasetId,
      runId: filter?.runId,
      status: filter?.status,
      mode: filter?.mode,
      created: timeRange(filter?.createdAfter, filter?.createdBefore),
    },
    orderBy: orderBy ?? { field: "CREATED_AT", direction: "DESC" },
  };
}

builder.queryFields((t) => ({
  simulation: t.field({
    type: Simulation,
    nullable: true,
    description: "One simulation; null where there is none.",
    args: { simulationId: t.arg({ type: "UUID", required: true, description: "The simulation's key." }) },
    extensions: {
      source: {
        one: simulations,
        where: ({ simulationId }, params) => `s.simulation_id = ${params.add(simulationId, "uuid")}`,
      } satisfies Source,
    },
    resolve: (_, { simulationId }, context) => loadOrNull(simulationById, context, simulationId),
  }),
  simulations: t.field({
    type: SimulationConnection,
    description: "All simulations, by default newest first.",
    args: simulationArgs(t.arg),
    extensions: { source: { page: pageSource("simulations", simulations, simulationList) } satisfies Source },
    resolve: (_, args, context) => connect(context, "simulations", simulations, simulationList(args)),
  }),
}));

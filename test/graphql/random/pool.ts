import type { JsonObject, KnownPage, Pool } from "./values.ts";

type Cursors = { edges: { cursor: string }[] };
interface Names {
  datasets: {
    nodes: (Record<"id" | "datasetId" | "datasetSlug" | "createdAt" | "updatedAt", string> &
      Record<"symbol" | "granularity" | "source" | "ohlcvMeasurement" | "indicatorMeasurement", string | null>)[];
  };
  runs: { nodes: Record<"id" | "runId" | "predictionMeasurement" | "targetColumn" | "createdAt", string>[] };
  simulations: {
    nodes: (Record<"id" | "simulationId" | "inputRunMeasurement" | "createdAt", string> & {
      questdbNamespace: string | null;
    })[];
  };
}

const NAMES = `{
  datasets { nodes { id datasetId datasetSlug symbol granularity source ohlcvMeasurement indicatorMeasurement createdAt updatedAt } }
  runs { nodes { id runId predictionMeasurement targetColumn createdAt } }
  simulations { nodes { id simulationId questdbNamespace inputRunMeasurement createdAt } }
}`;

// Cursors of every list, by default, and in another order and with a filter.
const LISTS = `query ($datasets: DatasetOrder, $datasetFilter: DatasetFilter, $runs: RunOrder, $runFilter: RunFilter,
                     $simulations: SimulationOrder, $simulationFilter: SimulationFilter, $rowFilter: HierarchyFilter) {
  datasets(orderBy: $datasets, filter: $datasetFilter) { edges { cursor } }
  runs(orderBy: $runs, filter: $runFilter) { edges { cursor } }
  simulations(orderBy: $simulations, filter: $simulationFilter) { edges { cursor } }
  datasetHierarchy(filter: $rowFilter) { edges { cursor } }
  ofDatasets: datasets { nodes {
    datasetId
    runs(orderBy: $runs, filter: $runFilter) { edges { cursor } }
    simulations(orderBy: $simulations, filter: $simulationFilter) { edges { cursor } }
  } }
  ofRuns: runs { nodes { runId simulations(orderBy: $simulations, filter: $simulationFilter) { edges { cursor } } } }
  ofSimulations: simulations { nodes { simulationId trades { edges { cursor } } } }
}`;
interface Lists extends Record<"datasets" | "runs" | "simulations" | "datasetHierarchy", Cursors> {
  ofDatasets: { nodes: { datasetId: string; runs: Cursors; simulations: Cursors }[] };
  ofRuns: { nodes: { runId: string; simulations: Cursors }[] };
  ofSimulations: { nodes: { simulationId: string; trades: Cursors }[] };
}

const VARIANTS: readonly Record<"datasets" | "runs" | "simulations" | "rows", JsonObject>[] = [
  { datasets: {}, runs: {}, simulations: {}, rows: {} },
  {
    datasets: { orderBy: { field: "SYMBOL", direction: "ASC" } },
    runs: { orderBy: { field: "STATUS", direction: "ASC" } },
    simulations: { orderBy: { field: "STARTED_AT", direction: "DESC" } },
    rows: { filter: { search: "d" } },
  },
  {
    datasets: { orderBy: { field: "DATASET_SLUG", direction: "DESC" }, filter: { search: "d" } },
    runs: { orderBy: { field: "COMPLETED_AT", direction: "DESC" }, filter: { status: ["COMPLETED", "UNKNOWN"] } },
    simulations: { orderBy: { field: "CREATED_AT", direction: "ASC" }, filter: { mode: ["DUAL"] } },
    rows: { filter: { status: ["COMPLETED"] } },
  },
];

/** What there is to ask for. `ask` answers a query with its data. */
export async function readPool(ask: <Data>(query: string, variables?: JsonObject) => Promise<Data>): Promise<Pool> {
  const pages: KnownPage[] = [];
  for (const { datasets, runs, simulations, rows } of VARIANTS) {
    const found = await ask<Lists>(LISTS, {
      datasets: datasets["orderBy"],
      datasetFilter: datasets["filter"],
      runs: runs["orderBy"],
      runFilter: runs["filter"],
      simulations: simulations["orderBy"],
      simulationFilter: simulations["filter"],
      rowFilter: rows["filter"],
    });
    const add = (list: string, parent: string | undefined, args: JsonObject, { edges }: Cursors) => {
      if (edges.length > 0) pages.push({ list, parent, args, cursors: edges.map(({ cursor }) => cursor) });
    };
    add("Query.datasets", undefined, datasets, found.datasets);
    add("Query.runs", undefined, runs, found.runs);
    add("Query.simulations", undefined, simulations, found.simulations);
    add("Query.datasetHierarchy", undefined, rows, found.datasetHierarchy);
    for (const dataset of found.ofDatasets.nodes) {
      add("Dataset.runs", dataset.datasetId, runs, dataset.runs);
      add("Dataset.simulations", dataset.datasetId, simulations, dataset.simulations);
    }
    for (const run of found.ofRuns.nodes) add("WalkforwardRun.simulations", run.runId, simulations, run.simulations);
    for (const simulation of found.ofSimulations.nodes) {
      add("Simulation.trades", simulation.simulationId, {}, simulation.trades);
    }
  }
  return { values: namesOf(await ask<Names>(NAMES)), pages };
}

function namesOf({ datasets, runs, simulations }: Names): Pool["values"] {
  const some = (...texts: (string | null)[]) => [...new Set(texts.filter((text) => text !== null))];
  const measurements = some(
    ...datasets.nodes.flatMap((row) => [row.ohlcvMeasurement, row.indicatorMeasurement]),
    ...runs.nodes.map((row) => row.predictionMeasurement),
    ...simulations.nodes.map((row) => row.questdbNamespace),
  );
  const slugs = datasets.nodes.map((row) => row.datasetSlug);
  return {
    id: [...datasets.nodes, ...runs.nodes, ...simulations.nodes].map((row) => row.id),
    datasetId: datasets.nodes.map((row) => row.datasetId),
    runId: runs.nodes.map((row) => row.runId),
    simulationId: simulations.nodes.map((row) => row.simulationId),
    datasetSlug: slugs,
    predictionMeasurement: runs.nodes.map((row) => row.predictionMeasurement),
    targetColumn: some(...runs.nodes.map((row) => row.targetColumn)),
    symbol: some(...datasets.nodes.map((row) => row.symbol)),
    granularity: some(...datasets.nodes.map((row) => row.granularity)),
    source: some(...datasets.nodes.map((row) => row.source)),
    // Of `measurement`, and of `__type`.
    name: [...measurements, "Dataset", "RunStatus", "Node", "DatasetBy", "UUID"],
    search: [...slugs, ...measurements],
    instant: some(
      ...datasets.nodes.flatMap((row) => [row.createdAt, row.updatedAt]),
      ...[...runs.nodes, ...simulations.nodes].map((row) => row.createdAt),
    ).filter((text) => /^\d{4}-/.test(text) && !text.startsWith("0000")),
  };
}

/** The tabs that GraphiQL opens with, each ready to run. Comments tell a newcomer what to change. */
export const graphiqlTabs = [
  {
    query: `# Page the datasets, the last written first. For the next page pass endCursor as $after.
query PageDatasets($first: Int = 10, $after: String, $search: String) {
  datasets(first: $first, after: $after, filter: { search: $search }) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      datasetSlug symbol granularity isComplete
      ohlcvMeasurement indicatorMeasurement
      runCount simulationCount updatedAt
    }
  }
}
`,
    variables: JSON.stringify({ first: 10, search: "btc" }, null, 2),
  },
  {
    query: `# One dataset's whole tree: its runs with their folds, and each run's simulations.
query LineageTree($datasetSlug: String!) {
  dataset(by: { datasetSlug: $datasetSlug }) {
    datasetSlug isComplete runCount simulationCount
    runs(first: 20) {
      nodes {
        predictionMeasurement status foldCount summaryMetrics
        folds { foldNumber bestScore thresholds }
        simulations(first: 20) {
          nodes { questdbNamespace mode status summaryMetrics buckets { side tradeCount winCount profitFactor } }
        }
      }
    }
  }
}
`,
    variables: JSON.stringify({ datasetSlug: "btc25_1" }, null, 2),
  },
  {
    query: `# Create a dataset, or change the given fields of the one that has this id.
mutation UpsertDataset($input: UpsertDatasetInput!) {
  upsertDataset(input: $input) {
    dataset { datasetId datasetSlug isComplete metadata updatedAt }
    userErrors { code field message }
  }
}
`,
    variables: JSON.stringify(
      {
        input: {
          datasetId: "11111111-2222-3333-4444-555555555555",
          datasetSlug: "my_first",
          ohlcvMeasurement: "my_first_ohlcv",
          indicatorMeasurement: "my_first_ind",
          symbol: "BTCUSDT",
          granularity: "1h",
          metadata: { note: "written from GraphiQL" },
        },
      },
      null,
      2,
    ),
  },
];

import type { Plugin } from "graphql-yoga";

/**
 * GraphiQL opens with these tabs, named after their operations, each ready to run. The lines are short, since the editor
 * has half of a window. The first has no variables: GraphiQL would not show them until another tab was open.
 */
export const graphiqlTabs: readonly { query: string; variables?: string }[] = [
  {
    query: `# The datasets, the last written first.
# For the next page: after: "<endCursor>".
query Datasets {
  datasets(first: 10, after: null) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      datasetSlug symbol granularity
      ohlcvMeasurement indicatorMeasurement
      isComplete runCount simulationCount
      updatedAt
    }
  }
}
`,
  },
  {
    query: `# One dataset's whole tree: its runs with
# their folds, and each run's simulations.
query LineageTree($slug: String!) {
  dataset(by: { datasetSlug: $slug }) {
    datasetSlug isComplete
    runCount simulationCount
    runs(first: 20) {
      nodes {
        predictionMeasurement status
        foldCount summaryMetrics
        folds { foldNumber bestScore thresholds }
        simulations(first: 20) {
          nodes {
            questdbNamespace mode status
            summaryMetrics
            buckets {
              side tradeCount winCount
              profitFactor
            }
          }
        }
      }
    }
  }
}
`,
    variables: JSON.stringify({ slug: "btc25_1" }, null, 2),
  },
  {
    query: `# Create a dataset, or change the given
# fields of the one that has this id.
mutation UpsertDataset(
  $input: UpsertDatasetInput!
) {
  upsertDataset(input: $input) {
    dataset {
      datasetId datasetSlug isComplete
      metadata updatedAt
    }
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

/** Of a page: nothing from another host, and no other page around it. */
export const PAGE_POLICY = "default-src 'self' 'unsafe-inline' data: blob:; frame-ancestors 'none'";

/** Lets the browser itself refuse what GraphiQL might ask another host for. Its own parts are in the page. */
export const keepToThisHost: Plugin = {
  onResponse({ response }) {
    if (!response.headers.get("content-type")?.startsWith("text/html")) return;
    response.headers.set("content-security-policy", PAGE_POLICY);
  },
};

import { fileURLToPath } from "node:url";
import type { Variant } from "../shapes.ts";
import type { Contender } from "./contender.ts";
import { GRAPHQL_HEADERS, operationsOf, walk } from "./graphql.ts";

const operation = operationsOf("postgraphile.graphql");

export function postgraphile(node: string): Contender {
  return {
    name: "postgraphile",
    command: [node, fileURLToPath(new URL("postgraphile.mjs", import.meta.url))],
    env: { NODE_ENV: "production", GRAPHILE_ENV: "production" },
    headers: GRAPHQL_HEADERS,
    path: () => "/graphql",
    body: (shape, variant) => JSON.stringify({ query: operation(shape), variables: variables(variant) }),
    positionAfter: (rows, datasetId, { origin }) => walk(`${origin}/graphql`, operation("walk"), datasetId, rows),
  };
}

function variables({ dataset, text, ...rest }: Variant) {
  if (text !== undefined) return { pattern: `%${text.replaceAll(/[\\%_]/g, "\\$&")}%` };
  if (!dataset) return rest;
  return {
    input: {
      pDatasetId: dataset.datasetId,
      pDatasetSlug: dataset.datasetSlug,
      pSymbol: dataset.symbol,
      pGranularity: dataset.granularity,
      pSource: dataset.source,
      pOhlcvMeasurement: dataset.ohlcvMeasurement,
      pIndicatorMeasurement: dataset.indicatorMeasurement,
      pOhlcvRows: String(dataset.ohlcvRowCount),
      pIndicatorRows: String(dataset.indicatorRowCount),
      pOhlcvFirst: dataset.ohlcvFirstTs,
      pOhlcvLast: dataset.ohlcvLastTs,
      pIndicatorFirst: dataset.indicatorFirstTs,
      pIndicatorLast: dataset.indicatorLastTs,
      pMetadata: dataset.metadata,
    },
  };
}

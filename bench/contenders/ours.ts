import { CLI } from "../processes.ts";
import type { Variant } from "../shapes.ts";
import type { Contender } from "./contender.ts";
import { GRAPHQL_HEADERS, operationsOf, walk } from "./graphql.ts";

const operation = operationsOf("ours.graphql");

/**
 * This server.
 *
 * @param node - the Node to run it on
 * @param cached - whether the server may answer from its cache of answers
 */
export function ours(name: string, node: string, cached = false): Contender {
  return {
    name,
    command: [node, CLI, "serve"],
    env: { PORT: "0", HOST: "127.0.0.1", NODE_ENV: "production", STAGE1_LOG_LEVEL: "error", STAGE1_MAX_RATE: "0" },
    headers: cached ? GRAPHQL_HEADERS : { ...GRAPHQL_HEADERS, "cache-control": "no-store" },
    path: () => "/graphql",
    body: (shape, variant) => JSON.stringify({ query: operation(shape), variables: variables(variant) }),
    positionAfter: (rows, datasetId, { origin }) => walk(`${origin}/graphql`, operation("walk"), datasetId, rows),
  };
}

function variables({ dataset, ...rest }: Variant) {
  return dataset ? { input: dataset } : rest;
}

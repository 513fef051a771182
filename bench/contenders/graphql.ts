import { readFileSync } from "node:fs";
import type { Shape } from "../shapes.ts";
import { ask } from "./contender.ts";

export const GRAPHQL_HEADERS = { "content-type": "application/json", accept: "application/json" } as const;
/** A page of the walk; fewer than a server may allow at most. */
const STEP = 998;

type Operation = Shape | "walk";

/** The operations of a file, by name. */
export function operationsOf(file: string): (name: Operation) => string {
  const text = readFileSync(new URL(file, import.meta.url), "utf8").replaceAll(/^#.*\n/gm, "");
  const operations = new Map(
    text.split(/^(?=query |mutation )/m).map((operation) => [/^\w+ (\w+)/.exec(operation)?.[1], operation.trim()]),
  );
  return (name) => {
    const operation = operations.get(name);
    if (operation === undefined) throw new Error(`${file} has no operation ${name}.`);
    return operation;
  };
}

/** The cursor after so many rows, got by going there. */
export async function walk(url: string, query: string, datasetId: string, rows: number): Promise<string> {
  let after: string | null = null;
  for (let left = rows; left > 0; left -= STEP) {
    const body = JSON.stringify({ query, variables: { datasetId, first: Math.min(left, STEP), after } });
    const data = (await ask(url, GRAPHQL_HEADERS, body)) as {
      dataset: { runs: { pageInfo: { endCursor: string } } };
    };
    after = data.dataset.runs.pageInfo.endCursor;
  }
  if (after === null) throw new Error("There is no cursor before the first row.");
  return after;
}

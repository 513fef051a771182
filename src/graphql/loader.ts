import DataLoader from "dataloader";
import type { Db } from "../db/pool.ts";
import type { Context } from "./context.ts";

/**
 * A DataLoader for each request and each value of `args`: all keys that resolvers ask for in one tick are one call of
 * `load`, which answers in the order of the keys. `args` are what the client wrote beside the field, so the number of
 * calls depends on the query's text, not on the number of rows.
 */
export function batchLoader<Value, Args = undefined>(
  load: (db: Db, keys: readonly string[], args: Args) => Promise<readonly Value[]>,
): (context: Context, args: Args) => DataLoader<string, Value> {
  const ofRequest = new WeakMap<Context, Map<string, DataLoader<string, Value>>>();
  return (context, args) => {
    const loaders = ofRequest.get(context) ?? new Map<string, DataLoader<string, Value>>();
    ofRequest.set(context, loaders);
    const key = JSON.stringify(args) ?? "";
    const loadBatch = (keys: readonly string[]) => {
      context.call.onBatch(keys.length);
      return load(context.db, keys, args);
    };
    const loader = loaders.get(key) ?? new DataLoader(loadBatch);
    loaders.set(key, loader);
    return loader;
  };
}

/** What a loader of rows by id finds; null where there is no id, or no row that has it. */
export async function loadOrNull<Row>(
  loader: (context: Context, args: undefined) => DataLoader<string, Row | undefined>,
  context: Context,
  id: string | null,
): Promise<Row | null> {
  return id === null ? null : ((await loader(context, undefined).load(id)) ?? null);
}

/** One row for each key, in the order of the keys; undefined where no row has it. */
export function inOrder<Row>(
  keys: readonly string[],
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): (Row | undefined)[] {
  const found = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => found.get(key));
}

/** All rows of each key, in the order of the keys and, for one key, of the rows. */
export function grouped<Row>(keys: readonly string[], rows: readonly Row[], keyOf: (row: Row) => string): Row[][] {
  const groups = new Map<string, Row[]>(keys.map((key) => [key, []]));
  for (const row of rows) groups.get(keyOf(row))?.push(row);
  return keys.map((key) => groups.get(key) ?? []);
}

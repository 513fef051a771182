import type { Db } from "../db/pool.ts";
import type { Call } from "./call.ts";

/** What every resolver gets: made anew for each request, so that loaders, which hang on it, never outlive one. */
export interface Context {
  readonly db: Db;
  readonly call: Call;
  /** Logs why the database refused a write, if the client is not to see it. The entry has the request's id. */
  logRefusal(cause: unknown): void;
}

import type { Db } from "../db/pool.ts";
import type { Author } from "../domain/author.ts";

/** What every resolver gets: made anew for each request, so that loaders, which hang on it, never outlive one. */
export interface Context {
  readonly db: Db;
  readonly author: Author;
}

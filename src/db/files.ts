import { codeOf } from "../errors.ts";

/** For `.catch` after a link or a rename into place: of several processes that make the same thing, the first one's stays. */
export function unlessThere(error: unknown): void {
  const code = codeOf(error);
  if (code !== "EEXIST" && code !== "ENOTEMPTY") throw error;
}

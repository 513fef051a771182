import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "../errors.ts";

/**
 * Makes a folder and those above it, for their owner alone. As `mkdir` with `recursive`, which never returns where the file
 * system itself refuses folders, as /proc does.
 */
export async function makeFolders(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await makeFolders(dirname(folder));
  await mkdir(folder, { mode: 0o700 }).catch(unlessThere);
}

/** For `.catch` after a link or a rename into place: of several processes that make the same thing, the first one's stays. */
export function unlessThere(error: unknown): void {
  const code = codeOf(error);
  if (code !== "EEXIST" && code !== "ENOTEMPTY") throw error;
}

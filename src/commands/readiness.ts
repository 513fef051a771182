import type { Db } from "../db/pool.ts";
import { newestMigration } from "../db/schema-state.ts";
import { isConnectionError } from "../errors.ts";
import type { Readiness } from "../http/probes.ts";
import { VERSION } from "../version.ts";

/** Whoever asks more often gets the former answer: strangers may ask, and each answer takes a statement. */
const KEPT_MS = 1_000;
/** A database that takes longer is not one to send requests to. */
const PATIENCE_MS = 2_000;

/**
 * Whether the database answers, and has the schema that this version knows: another version may migrate it meanwhile.
 *
 * @param db - connections of its own, since a busy pool is no reason to send requests elsewhere
 * @param pool - its figures, for an operator
 * @param listener - whether changes of the database are heard, so that answers are kept. Without, the server is only slower.
 */
export function createReadiness(
  db: Db,
  pool: () => unknown,
  listener: () => "hears" | "deaf" | "off",
): () => Promise<Readiness> {
  const expected = newestMigration();
  let asked: Promise<Readiness> | undefined;
  return () => {
    asked ??= ask().finally(() => setTimeout(() => (asked = undefined), KEPT_MS).unref());
    return asked;
  };

  async function ask(): Promise<Readiness> {
    const found = await schemaIn(db);
    const details = {
      version: VERSION,
      database: found instanceof Error ? (isAway(found) ? "away" : "in trouble") : "answers",
      schema: found instanceof Error ? null : found,
      expectedSchema: expected,
      pool: pool(),
      listener: listener(),
    };
    return { ready: found === expected, details };
  }
}

function isAway(error: Error): boolean {
  return error.name === "TimeoutError" || isConnectionError(error);
}

/** The newest migration of the database; or why it cannot be had. */
async function schemaIn(db: Db): Promise<string | Error> {
  try {
    const [row] = await db.query<{ file: string }>(
      `SELECT file FROM stage1_schema_ledger WHERE file LIKE 'migrations/%' ORDER BY file COLLATE "C" DESC LIMIT 1`,
      [],
      { signal: AbortSignal.timeout(PATIENCE_MS), deadline: performance.now() + PATIENCE_MS },
    );
    return row?.file ?? "none";
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

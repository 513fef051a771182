import type { Config } from "../config.ts";
import { type EmbeddedDatabase, openEmbedded } from "../db/embedded.ts";
import { createPool, openClient, type Pool } from "../db/pool.ts";
import { codeOf, messageOf, OperatorError } from "../errors.ts";
import type { Logger } from "./logger.ts";

/** The database of a command: the configured one, or the embedded one for as long as the command holds it. */
export interface CommandDatabase {
  readonly url: string;
  readonly embedded: EmbeddedDatabase | undefined;
  release(): Promise<void>;
}

/**
 * Opens the database that the configuration names. Throws OperatorError where it does not answer.
 *
 * @param purpose - the command's name; only one process at a time may `serve` an embedded database
 */
export async function openDatabase(config: Config, purpose: string): Promise<CommandDatabase> {
  if (config.databaseUrl === undefined) {
    const embedded = await openEmbedded({ dataDir: config.dataDir, purpose });
    return { url: embedded.url, embedded, release: () => embedded.release() };
  }
  await requireAnswer(config.databaseUrl);
  return { url: config.databaseUrl, embedded: undefined, release: async () => {} };
}

async function requireAnswer(url: string): Promise<void> {
  const { hostname, port, pathname } = new URL(url);
  const place = `${hostname || "localhost"}:${port || 5432}`;
  try {
    const client = await openClient(url);
    await client.end();
  } catch (error) {
    throw new OperatorError(whyNoAnswer(error, place, pathname.slice(1)));
  }
}

function whyNoAnswer(error: unknown, place: string, name: string): string {
  const code = codeOf(error) ?? "";
  if (code === "3D000") return `There is no database ${name} at ${place}: create it, or correct DATABASE_URL.`;
  if (code.startsWith("28")) {
    return `The database at ${place} refuses the login: correct the user or password in DATABASE_URL.`;
  }
  // Node's codes are words that say enough; PostgreSQL's are not.
  const reason = /^E[A-Z]/.test(code) ? code : messageOf(error);
  return `The database at ${place} does not answer (${reason}): start it, or correct DATABASE_URL.`;
}

/** A pool with the settings that every command shares. */
export function openPool(url: string, log: Logger, options: { max?: number; statementTimeoutMs?: number } = {}): Pool {
  return createPool({
    url,
    max: options.max ?? 10,
    statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
    onIdleError: (error) => log.warn({ err: error }, "an idle connection to the database was lost"),
  });
}

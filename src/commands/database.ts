import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import { type EmbeddedDatabase, openEmbedded } from "../db/embedded.ts";
import { migrate } from "../db/migrate.ts";
import { createPool, openClient, type Pool } from "../db/pool.ts";
import { requireCurrent } from "../db/schema-state.ts";
import { codeOf, messageOf, OperatorError } from "../errors.ts";
import { aborted } from "./aborted.ts";
import type { Logger } from "./logger.ts";
import { seldom } from "./seldom.ts";

/** The database of a command: the configured one, or the embedded one for as long as the command holds it. */
export interface CommandDatabase {
  readonly url: string;
  readonly embedded: EmbeddedDatabase | undefined;
  release(): Promise<void>;
}

/** An embedded database that is still starting when its command is stopped gets this long to be stopped too. */
const OPEN_GRACE_MS = 5_000;

interface OpenOptions {
  /** The command's name; only one process at a time may `serve` an embedded database. */
  readonly purpose: string;
  readonly stop: AbortSignal;
  /** Called where an embedded database was lost for good. */
  onLost?(error: unknown): void;
}

/**
 * Opens the database that the configuration names. Throws OperatorError where it does not answer, or where `stop` is
 * aborted before it does.
 */
export async function openDatabase(config: Config, options: OpenOptions): Promise<CommandDatabase> {
  if (config.databaseUrl !== undefined) {
    await requireAnswer(config.databaseUrl);
    return { url: config.databaseUrl, embedded: undefined, release: async () => {} };
  }
  const opening = openEmbedded({ dataDir: config.dataDir, ...options });
  const embedded = await Promise.race([opening, aborted(options.stop)]);
  if (embedded) return { url: embedded.url, embedded, release: () => embedded.release() };
  const late = await Promise.race([opening.catch(() => undefined), delay(OPEN_GRACE_MS, undefined, { ref: false })]);
  await late?.release();
  throw new OperatorError("Interrupted while the embedded PostgreSQL was starting: nothing was done.");
}

/** How `ensureSchema` migrates, where it does. */
interface SchemaOptions {
  readonly migrateFirst: boolean;
  warn(message: string): void;
  /** Called where that takes long, or has to wait for others. */
  progress(line: string): void;
  readonly stop: AbortSignal;
}

/**
 * Sees to the schema that a command needs: an embedded database is migrated, a configured one only where `migrateFirst`
 * says so, and must have this version's schema otherwise. Returns how many files were applied.
 */
export async function ensureSchema({ url, embedded }: CommandDatabase, options: SchemaOptions): Promise<number> {
  if (embedded || options.migrateFirst) {
    const { warn, progress, stop: signal } = options;
    return (await migrate({ url, warn, progress, signal })).length;
  }
  await requireCurrent(url);
  return 0;
}

async function requireAnswer(url: string): Promise<void> {
  const place = placeOf(url);
  const { pathname } = new URL(url);
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
  if (/password must be a string/.test(messageOf(error))) {
    return `The database at ${place} asks for a password: put it into DATABASE_URL, or into PGPASSWORD.`;
  }
  if (code.startsWith("28")) {
    return `The database at ${place} refuses the login: correct the user or password in DATABASE_URL.`;
  }
  // Node's codes are words that say enough; PostgreSQL's are not.
  const reason = /^E[A-Z]/.test(code) ? code : messageOf(error);
  return `The database at ${place} does not answer (${reason}): start it, or correct DATABASE_URL.`;
}

/** Where a URL leads, as `host:port` or the folder of a socket. */
export function placeOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url);
  const host = hostname || searchParams.get("host") || "localhost";
  return host.startsWith("/") ? host : `${host}:${port || 5432}`;
}

/** A pool with the settings that every command shares. */
export function openPool(url: string, log: Logger, options: { max?: number; statementTimeoutMs?: number } = {}): Pool {
  const exhausted = {
    connections: seldom(() =>
      log.warn(
        "a request was refused since all connections to the database are busy: see what runs there, or raise STAGE1_DATABASE_CONNECTIONS",
      ),
    ),
    files: seldom(() =>
      log.warn(
        "a request was refused since this process may open no more files: raise its limit (ulimit -n), or lower STAGE1_MAX_CONNECTIONS",
      ),
    ),
  };
  return createPool({
    url,
    max: options.max ?? 10,
    statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
    onIdleError: (error) => log.warn({ err: error }, "an idle connection to the database was lost"),
    onAlive(alive) {
      if (alive) log.info("the database answers again");
      else log.warn("the database does not answer: requests are refused until it does");
    },
    onExhausted: (want) => exhausted[want](),
  });
}

import { createHash } from "node:crypto";
import pg from "pg";
import { codeOf, isConnectionError, messageOf } from "../errors.ts";

/**
 * One statement, parameterised, to rows. Values come as the API serves them: bigint as number, timestamptz as
 * PostgreSQL's text in UTC (a Date would cut microseconds), jsonb parsed.
 */
export interface Db {
  query<Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<Row[]>;
}

interface QueryOptions {
  /**
   * Keep the statement's plan for the next time: planning often takes longer than reading. Only for a statement whose best
   * plan is the same for all values.
   */
  readonly prepare?: boolean;
  readonly signal?: AbortSignal;
  readonly deadline?: number;
}

export interface Pool extends Db {
  /** Ends every connection, after the statements that run. */
  end(): Promise<void>;
  stats(): { readonly total: number; readonly idle: number; readonly waiting: number };
}

export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  /** PostgreSQL cancels a statement that runs longer. Milliseconds; 0: never. */
  readonly statementTimeoutMs: number;
  /** An idle connection was lost: for the log. */
  onIdleError(error: Error): void;
  /** Called with the text of every statement, before it is sent. */
  onStatement?(text: string): void;
}

/** What every session starts with, whatever the role's or the database's own settings are: timestamps are read as text. */
const SESSION = "SET datestyle = 'ISO'; SET TIME ZONE 'UTC'";

const text = (value: string): string => value;
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === pg.types.builtins.INT8) return Number;
    if (oid === pg.types.builtins.TIMESTAMPTZ) return text;
    return pg.types.getTypeParser(oid, format === "binary" ? "text" : (format ?? "text"));
  },
};

/** Opens no connection yet: the first statement does. */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    ...clientConfig(options.url),
    max: options.max,
    types,
    // Not `options: "-c …"` in the start-up packet, which a connection pooler refuses.
    onConnect: async (client: pg.ClientBase) => {
      await client.query(`${SESSION}; SET statement_timeout = ${Number(options.statementTimeoutMs)}`);
    },
  });
  // Without a listener the loss of an idle connection would end the process.
  pool.on("error", options.onIdleError);
  // Nor does the pool listen while a statement runs: that rejects by itself.
  pool.on("connect", (client) => client.on("error", () => {}));

  const prepared = new WeakMap<pg.PoolClient, { readonly names: Set<string>; length: number }>();

  async function query<Row>(text: string, values: readonly unknown[] = [], { prepare = false }: QueryOptions = {}) {
    options.onStatement?.(text);
    // Not pool.query: it closes the connection after any SQL error, a unique violation included.
    const client = await pool.connect();
    const kept = prepared.get(client) ?? { names: new Set(), length: 0 };
    prepared.set(client, kept);
    let broken: Error | boolean = false;
    try {
      const statement: pg.QueryConfig = { text, values: [...values] };
      if (prepare) {
        // The same on every connection and in every process, which a pooler may mix.
        statement.name = createHash("sha1").update(text).digest("base64");
        if (!kept.names.has(statement.name)) kept.length += text.length;
        kept.names.add(statement.name);
        broken = kept.length > MAX_PREPARED;
      }
      const { rows } = await client.query(statement);
      return rows as Row[];
    } catch (error) {
      if (isConnectionError(error)) broken = error instanceof Error ? error : new Error(messageOf(error));
      if (!prepare || !PLAN_LOST.has(codeOf(error) ?? "")) throw error;
      broken = true;
    } finally {
      client.release(broken);
    }
    return query<Row>(text, values);
  }
  return {
    query,
    end: () => pool.end(),
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
}

/**
 * Characters of all statements that a connection keeps prepared, for each of which PostgreSQL holds some 50 bytes. One that
 * has more is closed after use, and another opened: clients decide how many there are, and how long.
 */
const MAX_PREPARED = 400_000;

/**
 * A prepared statement cannot be used any more: its columns have other types since (0A000), or a connection pooler gave it
 * to another session than before (26000: not there, 42P05: there already).
 */
const PLAN_LOST: ReadonlySet<string> = new Set(["0A000", "26000", "42P05"]);

/** Opens one connection outside any pool, for work that holds a lock or a transaction. */
export async function openClient(
  url: string,
  applicationName = "stage1-lineage",
  settings: pg.ClientConfig = {},
): Promise<pg.Client> {
  const client = new pg.Client({ ...clientConfig(url), application_name: applicationName, ...settings });
  // The statement under way rejects by itself; without a listener the loss would end the process.
  client.on("error", () => {});
  await client.connect();
  await client.query(SESSION);
  return client;
}

/** One connection of a command's own, for transactions. Values come as a pool's do. */
export interface Session extends Db {
  end(): Promise<void>;
}

/**
 * Statements that are sent without waiting for one another are run in order, one right after the other.
 *
 * @param onWarning - called with each warning of PostgreSQL: what was done in another way than asked for
 */
export async function openSession(
  url: string,
  applicationName: string,
  onWarning: (message: string) => void,
): Promise<Session> {
  const client = await openClient(url, applicationName, { types, pipeline: true });
  client.on("notice", ({ severity, message }) => {
    if (severity === "WARNING") onWarning(message ?? "");
  });
  return {
    query: async <Row>(statement: string, values: readonly unknown[] = []) =>
      (await client.query(statement, [...values])).rows as Row[],
    end: () => client.end(),
  };
}

function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: "stage1-lineage",
  };
}

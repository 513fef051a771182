import pg from "pg";

/**
 * One statement, parameterised, to rows. Values come as the API serves them: bigint as number, timestamptz as
 * PostgreSQL's text in UTC (a Date would cut microseconds), jsonb parsed.
 */
export interface Db {
  query<Row>(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<Row[]>;
}

/** What an AbortSignal is to a statement. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface QueryOptions {
  /**
   * Keep the statement's plan for the next time: planning often takes longer than reading. Only for a statement whose best
   * plan is the same for all values.
   */
  readonly prepare?: boolean;
  /** Nobody wants the answer any more: rejects at once with its reason, and what runs in PostgreSQL is cancelled. */
  readonly signal?: Signal;
  /** Whose it is: one owner's statements never take all connections. */
  readonly owner?: string | undefined;
  /** Until when PostgreSQL may work on it, a moment of performance.now(); to the second, and within the pool's own limit. */
  readonly deadline?: number;
}

/**
 * What every session starts with, whatever the role's or the database's own settings are: timestamps are read as text, and a
 * backslash in a literal is a backslash.
 */
export const SESSION = "SET datestyle = 'ISO'; SET TIME ZONE 'UTC'; SET standard_conforming_strings = on";

const text = (value: string): string => value;
/** How values are read. */
export const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === pg.types.builtins.INT8) return Number;
    if (oid === pg.types.builtins.TIMESTAMPTZ) return text;
    return pg.types.getTypeParser(oid, format === "binary" ? "text" : (format ?? "text"));
  },
};

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
  try {
    await client.query(SESSION);
  } catch (error) {
    await client.end();
    throw error;
  }
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

/** What every connection has. */
export function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: "stage1-lineage",
  };
}

import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inject } from "vitest";
import { createPool, openClient, type Pool } from "../src/db/pool.ts";
import { createCache, createHandler } from "../src/graphql/handler.ts";

/** A database of the test's own on the run's PostgreSQL. */
export interface TestDatabase {
  readonly url: string;
  /** Runs one statement, or several without values. Values come as the product reads them. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** Creates a database: migrated, or empty. The caller drops it. */
export async function createDatabase(template: "migrated" | "empty" = "migrated"): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const server = new URL(inject("server"));
  server.pathname = "/postgres";
  const from = template === "migrated" ? "template_migrated" : "template0";
  await administer(server.href, `CREATE DATABASE ${name} TEMPLATE ${from}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = openTestPool(url.href);
  return {
    url: url.href,
    query: <Row>(text: string, values?: readonly unknown[]) => pool.query<Row>(text, values),
    async drop() {
      await pool.end();
      await administer(server.href, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = await openClient(url);
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function openTestPool(url: string, onStatement?: (text: string) => void): Pool {
  return createPool({
    url,
    max: 5,
    statementTimeoutMs: 60_000,
    onIdleError: () => {}, // dropping the database ends its connections
    ...(onStatement ? { onStatement } : {}),
  });
}

export interface Answer<Data> {
  data: Data;
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string; [key: string]: unknown } }[];
}

/** The product's HTTP handler on a port of its own, over a test's database. */
export interface TestServer {
  /** Address of the GraphQL endpoint. */
  readonly url: string;
  /** Sends an operation over HTTP. `Data` is what the test expects, not checked here. */
  send<Data = Record<string, never>>(
    query: string,
    variables?: Record<string, unknown>,
    operationName?: string,
  ): Promise<Answer<Data>>;
  /** As `send`, and fails on any error. */
  data<Data>(query: string, variables?: Record<string, unknown>, operationName?: string): Promise<Data>;
  /** The statements that were sent to the database since the last call. */
  statements(): string[];
  /** What was logged as internal errors so far. */
  readonly internalErrors: unknown[];
  close(): Promise<void>;
}

export async function startServer(database: TestDatabase): Promise<TestServer> {
  let statements: string[] = [];
  const internalErrors: unknown[] = [];
  const pool = openTestPool(database.url, (text) => statements.push(text));
  const handler = createHandler({
    db: pool,
    cache: createCache(0),
    onDefect: () => {}, // graphql-js meets it too
    logInternalError: (error) => internalErrors.push(error),
  });
  // Not the default of 5 s, after which a slow machine's client may find its connection closed as it sends on it.
  const server = await listen(createServer({ keepAliveTimeout: 0 }, handler));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;

  async function send<Data>(query: string, variables?: Record<string, unknown>, operationName?: string) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query, variables, operationName }),
    });
    return (await response.json()) as Answer<Data>;
  }
  return {
    url,
    internalErrors,
    send,
    async data<Data>(query: string, variables?: Record<string, unknown>, operationName?: string) {
      const answer = await send<Data>(query, variables, operationName);
      if (answer.errors) throw new Error(`the server answered with errors: ${JSON.stringify(answer.errors)}`);
      return answer.data;
    },
    statements() {
      const sent = statements;
      statements = [];
      return sent;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await pool.end();
    },
  };
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

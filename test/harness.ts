import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inject } from "vitest";
import { readConfig } from "../src/config.ts";
import { createPool, type Db, openClient, type Pool } from "../src/db/pool.ts";
import { codeOf, messageOf } from "../src/errors.ts";
import type { AnswerCache } from "../src/graphql/answer-cache.ts";
import type { Call } from "../src/graphql/call.ts";
import { createCache, createHandler } from "../src/graphql/handler.ts";
import { Access } from "../src/http/access.ts";
import { Front } from "../src/http/front.ts";
import { Metrics } from "../src/http/metrics.ts";
import { Quotas } from "../src/http/quotas.ts";
import { openTokens, type TokenStore } from "../src/http/tokens.ts";
import type { Limits } from "../src/limits.ts";

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

/** A statement that PostgreSQL, or the way to it, refused. */
interface FailedStatement {
  /** SQLSTATE; undefined where it is not PostgreSQL's. */
  readonly code: string | undefined;
  readonly message: string;
  readonly statement: string;
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
  /** Ends what goes on for tokens that were revoked. */
  cutRevoked(): void;
  /** What was logged as internal errors so far. */
  readonly internalErrors: unknown[];
  /** Statements that failed so far. */
  readonly failedStatements: FailedStatement[];
  close(): Promise<void>;
}

/** Limits as the product has them by default, but for the number of requests: tests send as many as they can. */
export const LIMITS: Limits = { ...readConfig({}, {}).limits, concurrent: 0, rate: 0 };

/** A request outside HTTP. */
export const NO_CALL: Call = {
  requestId: "test",
  token: null,
  headers: [],
  mayWrite: true,
  deadline: Number.POSITIVE_INFINITY,
  signal: new AbortController().signal,
  operation: undefined,
  outcome: "OK",
  statements: 0,
  isFromCache: false,
  onBatch() {},
};

export interface ServerOptions {
  readonly limits?: Partial<Limits>;
  /** Default: none is asked for. */
  readonly tokens?: TokenStore;
  readonly origins?: readonly string[];
}

export async function startServer(database: TestDatabase, options: ServerOptions = {}): Promise<TestServer> {
  const limits = { ...LIMITS, ...options.limits };
  let statements: string[] = [];
  const internalErrors: unknown[] = [];
  const pool = openTestPool(database.url, (text) => statements.push(text));
  const failedStatements: FailedStatement[] = [];
  const noting: Pool = {
    ...pool,
    async query<Row>(...asked: Parameters<Db["query"]>) {
      try {
        return await pool.query<Row>(...asked);
      } catch (error) {
        failedStatements.push({ code: codeOf(error), message: messageOf(error), statement: asked[0] });
        throw error;
      }
    },
  };
  const front = openFront({ ...options, limits, db: noting, cache: createCache(0), internalErrors });
  // Not the default of 5 s, after which a slow machine's client may find its connection closed as it sends on it.
  const server = await listen(createServer({ keepAliveTimeout: 0 }, front.listener));
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
    cutRevoked: () => front.cutRevoked(),
    failedStatements,
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

interface OpenOptions extends ServerOptions {
  readonly limits: Limits;
  readonly db: Pool;
  readonly cache: AnswerCache;
  /** Receives what is logged. */
  readonly internalErrors: unknown[];
}

/** All that a request passes on its way to the database, as `serve` puts it together. */
export function openFront({ limits, db, cache, internalErrors, tokens, origins = [] }: OpenOptions): Front {
  const logInternalError = (error: unknown) => internalErrors.push(error);
  const front = new Front({
    ...limits,
    access: new Access({ tokens: tokens ?? openTokens({}), origins, everybody: "admin" }),
    quotas: new Quotas(limits),
    metrics: new Metrics(() => ({ pool: db.stats(), cacheBytes: cache.bytes })),
    onEnd() {},
    logInternalError,
  });
  // A statement that is wrong is met by graphql-js too.
  const handler = createHandler({ db, cache, limits, onDefect() {}, logInternalError });
  front.open(handler, async () => ({ ready: true, details: { pool: "as it is" } }));
  return front;
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

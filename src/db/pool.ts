import { createHash } from "node:crypto";
import { Socket } from "node:net";
import pg from "pg";
import { codeOf, isConnectionError, isOutOfFiles, messageOf } from "../errors.ts";
import { beginCancel, type Cancel } from "./cancel.ts";
import { clientConfig, type Db, type QueryOptions, SESSION, types } from "./client.ts";
import { createPlaces, type Work } from "./places.ts";
import { PooledClient } from "./pooled-client.ts";
import { createPulse, type PulseTimes } from "./pulse.ts";

export { type Db, openClient, openSession, type Session, type Signal } from "./client.ts";

interface PoolStats {
  /** Connections, also those that are being opened. */
  readonly total: number;
  readonly idle: number;
  /** Statements that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
}

export interface Pool extends Db {
  /** False: the database says nothing at all. Statements are refused at once until it does. */
  readonly alive: boolean;
  stats(): PoolStats;
  /** Ends every connection, after the statements that run. Those that wait for one are refused. */
  end(): Promise<void>;
}

export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  /**
   * PostgreSQL cancels a statement that runs longer. Milliseconds; 0: never, and a database that says nothing is waited for
   * just as long.
   */
  readonly statementTimeoutMs: number;
  /** An idle connection was lost: for the log. */
  onIdleError(error: Error): void;
  /** `alive` has changed: for the log. */
  onAlive?(alive: boolean): void;
  /** A statement was refused for want of a connection: for the log. */
  onExhausted?(want: "connections" | "files"): void;
  /** Called with the text of every statement, before it is sent. */
  onStatement?(text: string): void;
  readonly times?: Partial<PoolTimes>;
}

/** In milliseconds. */
interface PoolTimes extends PulseTimes {
  /** How long a statement waits for a connection. */
  readonly connectMs: number;
  /** How long a statement may take to be cancelled, before its connection is given up. */
  readonly cancelMs: number;
}

const TIMES: PoolTimes = { connectMs: 5_000, cancelMs: 2_000, patienceMs: 2_000, answerMs: 2_000, againMs: 500 };

/** Opens no connection yet: the first statement does. */
export function createPool(options: PoolOptions): Pool {
  const times = { ...TIMES, ...options.times };
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    ...clientConfig(options.url),
    connectionTimeoutMillis: times.connectMs,
    max: options.max,
    types,
    Client: PooledClient,
    stream: () => {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once("close", () => sockets.delete(socket));
    },
    // Not `options: "-c …"` in the start-up packet, which a connection pooler refuses.
    onConnect: async (client: pg.ClientBase) => {
      await client.query(`${SESSION}; SET statement_timeout = ${Number(options.statementTimeoutMs)}`);
      (client as PooledClient).timeoutMs = options.statementTimeoutMs;
      pulse.heard();
    },
  });
  // Without a listener the loss of an idle connection would end the process.
  pool.on("error", options.onIdleError);
  // Nor does the pool listen while a statement runs: that rejects by itself.
  pool.on("connect", (client) => client.on("error", () => {}));

  let ended = false;
  const exhausted = (want: "connections" | "files", message: string): Error => {
    options.onExhausted?.(want);
    return coded(EXHAUSTED, message);
  };
  const places = createPlaces(options.max, times.connectMs, () => exhausted("connections", "all of the pool are busy"));
  const pulse = createPulse({
    ...times,
    patienceMs: options.statementTimeoutMs === 0 ? Number.POSITIVE_INFINITY : times.patienceMs,
    url: options.url,
    onAway() {
      places.refuse(away());
      // Not client.end(), which waits for the server. What runs, or connects, rejects.
      for (const socket of sockets) socket.destroy(away());
      options.onAlive?.(false);
    },
    onBack: () => options.onAlive?.(true),
  });

  /** The statement_timeout for a statement. */
  function limitOf(deadline: number | undefined): number {
    if (deadline === undefined) return options.statementTimeoutMs;
    const left = Math.ceil((deadline - performance.now()) / 1000) * 1000;
    if (left <= 0) throw coded(CANCELLED, "the deadline has passed before the statement was sent");
    return Math.min(left, options.statementTimeoutMs || LONGEST_MS);
  }

  function query<Row>(text: string, values: readonly unknown[] = [], how: QueryOptions = {}): Promise<Row[]> {
    const { signal } = how;
    if (signal === undefined) return run<Row>(text, values, how);
    if (signal.aborted) return Promise.reject(signal.reason);
    // The statement's own end may come later than that of its caller.
    return new Promise((resolve, reject) => {
      const work: Work = { abort: () => {} };
      const abort = () => {
        reject(signal.reason);
        work.abort(signal.reason);
      };
      signal.addEventListener("abort", abort);
      const over = () => signal.removeEventListener("abort", abort);
      run<Row>(text, values, how, work).then(
        (rows) => {
          over();
          resolve(rows);
        },
        (error) => {
          over();
          reject(error);
        },
      );
    });
  }

  async function run<Row>(text: string, values: readonly unknown[], how: QueryOptions, work?: Work): Promise<Row[]> {
    if (ended) throw new Error(ENDED);
    if (!pulse.alive) throw away();
    pulse.begin();
    try {
      const turn = places.take(work, how.owner);
      if (turn) await turn;
      try {
        return await runOnce<Row>(text, values, how, work);
      } catch (error) {
        if (!how.prepare || !PLAN_LOST.has(codeOf(error) ?? "")) throw error;
        return await runOnce<Row>(text, values, { ...how, prepare: false }, work);
      } finally {
        places.give(how.owner);
      }
    } finally {
      pulse.end();
    }
  }

  async function runOnce<Row>(text: string, values: readonly unknown[], how: QueryOptions, work: Work | undefined) {
    const { prepare = false, signal, deadline } = how;
    // Not pool.query: it closes the connection after any SQL error, a unique violation included.
    const client = (await pool.connect().catch((error) => {
      throw isOutOfFiles(error) ? exhausted("files", "no file is left to connect with") : error;
    })) as PooledClient;
    let cancel = undefined as Cancel | undefined;
    if (work) {
      work.abort = () => {
        cancel = beginCancel(client, times.cancelMs);
      };
    }
    let cancelled = false;
    let broken: Error | boolean = false;
    try {
      signal?.throwIfAborted();
      const limit = limitOf(deadline);
      if (limit !== client.timeoutMs) {
        await client.limit(limit);
        signal?.throwIfAborted();
      }
      const statement: pg.QueryConfig = { text, values: [...values] };
      if (prepare) {
        // The same on every connection and in every process, which a pooler may mix.
        statement.name = createHash("sha1").update(text).digest("base64");
        broken = !client.keep(statement.name, text);
      }
      options.onStatement?.(text);
      const { rows } = await client.query(statement);
      pulse.heard();
      return rows as Row[];
    } catch (error) {
      if (error instanceof pg.DatabaseError) pulse.heard();
      if (isConnectionError(error)) broken = error instanceof Error ? error : new Error(messageOf(error));
      const code = codeOf(error) ?? "";
      if (prepare && PLAN_LOST.has(code)) broken = true;
      cancelled = code === CANCELLED && error instanceof pg.DatabaseError;
      throw error;
    } finally {
      if (work) work.abort = () => {};
      if (cancel && !(await cancel.ended(cancelled))) broken ||= true;
      client.release(broken);
    }
  }

  return {
    query,
    get alive() {
      return pulse.alive;
    },
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: places.waiting, max: options.max }),
    async end() {
      ended = true;
      places.refuse(new Error(ENDED));
      // pg's pool would forget whom it is about to give a connection, which it does in the next tick.
      await new Promise(setImmediate);
      await pool.end();
      pulse.stop();
      // Of a database that does not close them. They would keep this process from ending.
      setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, times.answerMs).unref();
    },
  };
}

/** pg's words. */
const ENDED = "Cannot use a pool after calling end on the pool";
/** query_canceled: by a request to, or by statement_timeout. */
const CANCELLED = "57014";
/** too_many_connections, in PostgreSQL or here. */
const EXHAUSTED = "53300";
/** The longest statement_timeout, to the second. */
const LONGEST_MS = 2_147_483_000;

/**
 * A prepared statement cannot be used any more: its columns have other types since (0A000), or a connection pooler gave it
 * to another session than before (26000: not there, 42P05: there already).
 */
const PLAN_LOST: ReadonlySet<string> = new Set(["0A000", "26000", "42P05"]);

function away(): Error {
  return coded("08006", "the database does not answer");
}

/** An error as PostgreSQL would have reported it. */
function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

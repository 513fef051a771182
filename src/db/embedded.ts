import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { codeOf, isConnectionError, messageOf, OperatorError } from "../errors.ts";
import { findBinaries } from "./binaries.ts";
import { openClient } from "./client.ts";
import {
  type Cluster,
  initCluster,
  isStopping,
  logTail,
  rememberPort,
  runningPostmaster,
  startPostmaster,
  stopPostmaster,
  unprivilegedUser,
} from "./cluster.ts";
import { PASSWORD_FILE, prepareDataDir } from "./data-dir.ts";

const DATABASE = "stage1_trading";
const USER = "stage1";

/**
 * Advisory locks in the embedded database. They belong to a session, so they are free again however their process ends;
 * a lock file would outlive `kill -9`.
 */
const LOCKS = {
  /** Shared by every process that uses the database: the last one out stops it. */
  users: "5731, 1",
  /** Held by the one server of a data directory. */
  server: "5731, 2",
} as const;

const START_TIMEOUT_MS = 60_000;
/** Processes that race need a few: a start fails where another's came first, or is undone by one that just leaves. */
const MAX_STARTS = 10;
/** A killed server's session is gone within milliseconds; a live one's stays. */
const LOCK_TIMEOUT_MS = 2_000;

/** How often it is looked whether PostgreSQL is stopping. */
const HURRY_MS = 1_000;

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** What the process does, as `pg_stat_activity` shows it. `serve` is for one process at a time. */
  readonly purpose: string;
  /**
   * Called where the database ended, or crashed and recovered, and could not be had back: it does not start again, or
   * another server has taken the directory meanwhile.
   */
  onLost?(error: unknown): void;
  /** Where it is aborted before PostgreSQL runs, none is started. */
  readonly stop?: AbortSignal;
  /** Whose dependency the PostgreSQL binaries are: a file or its URL. Default: this package. */
  readonly binariesOf?: string;
  /** More settings of the PostgreSQL server, for tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running embedded PostgreSQL, for as long as the caller holds it. */
export interface EmbeddedDatabase {
  readonly url: string;
  /** A line for the operator's shell; the password stays in a file. */
  readonly psql: string;
  readonly dataDir: string;
  /** Lets go, and stops PostgreSQL unless another process uses it too. */
  release(): Promise<void>;
}

/**
 * Starts PostgreSQL on a data directory, or joins the one that runs there, also one that a killed server left behind.
 * Throws OperatorError: the directory cannot be written, or is served by another process; PostgreSQL does not start. Where
 * `stop` is aborted before, throws its reason.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const dataDir = resolve(options.dataDir);
  const pgDir = join(dataDir, "pg");
  const password = await prepareDataDir(dataDir, USER);
  const user = unprivilegedUser(pgDir);
  const cluster: Cluster = {
    dataDir,
    pgDir,
    logFile: join(dataDir, "postgres.log"),
    binaries: await findBinaries(options.binariesOf ?? import.meta.url, dataDir, user),
    user,
    settings: options.settings ?? {},
  };
  if (madeBy(cluster) === undefined) await initCluster(cluster, USER, password);
  checkMajor(cluster);
  options.stop?.throwIfAborted();

  const first = await enter(cluster, password, options.purpose);
  const { port } = first;
  await rememberPort(cluster, port);
  const session = keepSession(
    first.client,
    async () => {
      const again = await enter(cluster, password, options.purpose);
      if (again.port === port) return again.client;
      await leave(cluster, again.client);
      throw new OperatorError(
        `Port ${port}, where the embedded PostgreSQL was, has gone to another program: start again.`,
      );
    },
    options.onLost,
  );
  const hurrying = options.purpose === "serve" ? hurryStops(cluster) : undefined;
  return {
    url: `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`,
    psql: `PGPASSFILE=${shellQuote(join(dataDir, PASSWORD_FILE))} psql -h 127.0.0.1 -p ${port} -U ${USER} ${DATABASE}`,
    dataDir,
    release: async () => {
      clearInterval(hurrying);
      const client = await session.end();
      if (client) await leave(cluster, client);
    },
  };
}

/**
 * Keeps up the session that holds the locks: where PostgreSQL ends it, `reenter` takes them again. Without, another
 * server would be let in, and would stop the database under this one when it leaves.
 */
function keepSession(first: pg.Client, reenter: () => Promise<pg.Client>, onLost?: (error: unknown) => void) {
  let ended = false;
  let current: Promise<pg.Client | undefined> = Promise.resolve(first);
  const watch = (client: pg.Client): pg.Client => {
    client.once("end", () => {
      if (ended) return;
      current = reenter().then(watch, (error: unknown) => {
        if (!ended) onLost?.(error);
        return undefined;
      });
    });
    return client;
  };
  watch(first);
  return {
    /** The session, no longer kept up; undefined where it was lost. */
    end(): Promise<pg.Client | undefined> {
      ended = true;
      return current;
    },
  };
}

/**
 * PostgreSQL that is told to stop by SIGTERM waits for all its sessions, and lets nobody in meanwhile: for those of a server
 * it would wait for ever, while requests find none. So it is told to wait for none, and is started again as after a crash.
 */
function hurryStops(cluster: Cluster): NodeJS.Timeout {
  let busy = false;
  const look = async () => {
    if (busy || !isStopping(cluster)) return;
    busy = true;
    await stopPostmaster(cluster).catch(() => {}); // it has stopped meanwhile
    busy = false;
  };
  return setInterval(() => void look(), HURRY_MS).unref();
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The major version of the PostgreSQL that made the files; undefined where there are none. */
function madeBy({ pgDir }: Cluster): number | undefined {
  try {
    return Number(readFileSync(join(pgDir, "PG_VERSION"), "utf8"));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new OperatorError(
      `Cannot read the database's files in ${pgDir} (${codeOf(error) ?? messageOf(error)}): ` +
        "start as the user who owns them, or choose another directory with STAGE1_DATA_DIR.",
    );
  }
}

function checkMajor(cluster: Cluster): void {
  const { pgDir, binaries } = cluster;
  const made = madeBy(cluster);
  if (made === binaries.major) return;
  if (made === undefined) {
    throw new OperatorError(
      `There is something in ${pgDir} that is no database: move it away, or choose another directory with STAGE1_DATA_DIR.`,
    );
  }
  throw new OperatorError(
    `The data in ${pgDir} was made by PostgreSQL ${made}, and PostgreSQL ${binaries.major} is installed: dump it with the ` +
      "version of stage1-lineage that made it, and load the dump into a new data directory.",
  );
}

/** A session in the database that holds the locks, starting PostgreSQL where none runs. */
async function enter(
  cluster: Cluster,
  password: string,
  purpose: string,
): Promise<{ client: pg.Client; port: number }> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let starts = 0;
  let reason: string | undefined;
  while (Date.now() < deadline) {
    const postmaster = runningPostmaster(cluster);
    if (postmaster) {
      try {
        const client = await connect(`postgres://${USER}:${password}@127.0.0.1:${postmaster.port}`, purpose).catch(
          async (error: unknown) => {
            // Nobody gets into the one that was started here, so nobody else would stop it.
            if (starts > 0 && !isConnectionError(error)) await stopPostmaster(cluster);
            throw error;
          },
        );
        await takeLocks(client, cluster, purpose);
        return { client, port: postmaster.port };
      } catch (error) {
        // It is starting up, or another process is just stopping it: look again.
        if (!isConnectionError(error)) throw error;
        reason = messageOf(error);
        await delay(25);
      }
    } else {
      if (starts === MAX_STARTS) break;
      starts += 1;
      const failure = await startPostmaster(cluster);
      if (failure) await delay(100); // another process may be at it, or a killed server's children still end
      reason = failure ?? reason;
    }
  }
  throw new OperatorError(
    `The embedded PostgreSQL in ${cluster.pgDir} does not start (${reason}). It wrote: ${logTail(cluster)}`,
  );
}

async function connect(server: string, purpose: string): Promise<pg.Client> {
  const applicationName = `stage1-lineage ${purpose}, process ${process.pid}`;
  try {
    return await openClient(`${server}/${DATABASE}`, applicationName);
  } catch (error) {
    if (codeOf(error) === "28P01") {
      throw new OperatorError(
        "The password in the data directory's file `pgpass` is not the database's: put the former file back.",
      );
    }
    if (codeOf(error) !== "3D000") throw error;
  }
  const first = await openClient(`${server}/postgres`, applicationName);
  try {
    await first.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    // Another process came first: 42P04 after it, 23505 at the same moment.
    if (codeOf(error) !== "42P04" && codeOf(error) !== "23505") throw error;
  } finally {
    await first.end();
  }
  return openClient(`${server}/${DATABASE}`, applicationName);
}

async function takeLocks(client: pg.Client, cluster: Cluster, purpose: string): Promise<void> {
  await client.query(`SELECT pg_advisory_lock_shared(${LOCKS.users})`);
  if (purpose !== "serve") return;
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${LOCKS.server}) AS taken`);
    if (rows[0]?.taken) return;
    if (Date.now() > deadline) break;
    await delay(50);
  }
  const { rows } = await client.query<{ application_name: string }>(
    `SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
     WHERE locktype = 'advisory' AND (classid, objid) = (${LOCKS.server}) AND granted`,
  );
  await client.end();
  throw new OperatorError(
    `The data directory ${cluster.dataDir} is being served already (${rows[0]?.application_name ?? "by another process"}): ` +
      "stop that server first, or choose another directory with STAGE1_DATA_DIR.",
  );
}

/** The last one out turns off the light: whoever can lock out all other users stops PostgreSQL. */
async function leave(cluster: Cluster, client: pg.Client): Promise<void> {
  try {
    const { rows } = await client.query<{ last: boolean }>(
      `SELECT pg_advisory_unlock_shared(${LOCKS.users}), pg_try_advisory_lock(${LOCKS.users}) AS last`,
    );
    if (rows[0]?.last) await stopPostmaster(cluster);
    await client.end();
  } catch (error) {
    if (!isConnectionError(error)) throw error; // PostgreSQL was gone before
  }
}

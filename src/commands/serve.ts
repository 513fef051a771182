import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import { type ChangeFeed, followChanges } from "../db/changes.ts";
import type { EmbeddedDatabase } from "../db/embedded.ts";
import { messageOf } from "../errors.ts";
import type { AnswerCache } from "../graphql/answer-cache.ts";
import { Access } from "../http/access.ts";
import { Front } from "../http/front.ts";
import { Metrics, type Usage } from "../http/metrics.ts";
import { Quotas } from "../http/quotas.ts";
import { openTokens } from "../http/tokens.ts";
import { aborted } from "./aborted.ts";
import { requireAdopted } from "./adoption.ts";
import { banner } from "./banner.ts";
import { type CommandDatabase, ensureSchema, openDatabase, openPool } from "./database.ts";
import { closeServer, listen } from "./http.ts";
import { type Logger, logCall } from "./logger.ts";
import { createReadiness } from "./readiness.ts";
import { isLoopback, requireSafety, rereadTokens } from "./safety.ts";
import { loadDemo } from "./seed.ts";

export interface ServeOptions {
  /** Migrate a configured database first; an embedded one always is. */
  readonly migrate: boolean;
  /** Load the demo lineage into a fresh embedded database. */
  readonly demo: boolean;
  /** Let everybody in who reaches the port, although it is not on loopback. */
  readonly open: boolean;
}

/** What the process is told from outside. */
export interface Signals {
  readonly stop: AbortSignal;
  /** `work` is to be done whenever the operator has changed a file (SIGHUP). */
  onHangup(work: () => void): void;
}

/** Requests under way have this long to finish; all the rest, with 5 s for PostgreSQL's own stop, must fit into ten seconds. */
const GRACE_MS = 4_000;
/** A migration that is interrupted has this long to undo its step. */
const CANCEL_GRACE_MS = 1_000;
/** What a request that was cut off still runs in the database is not waited for. */
const POOL_GRACE_MS = 500;

/** Serves until `stop` is aborted, then ends everything in the reverse of the order it began in. */
export async function serve(config: Config, options: ServeOptions, log: Logger, signals: Signals): Promise<void> {
  const { limits } = config;
  const { stop } = signals;
  const tokens = openTokens({ file: config.tokensFile, text: config.tokens });
  for (const name of config.unknown)
    log.warn(`${name} is no setting of this version: correct its name, or take it away`);
  requireSafety(config.host, tokens, options.open);
  const access = new Access({
    tokens,
    origins: config.origins,
    // Strangers too, where it is open: what is an operator's then needs a token.
    everybody: isLoopback(config.host) ? "admin" : "write",
  });
  const logInternalError = (error: unknown, id: string) => log.error({ err: error, id }, "a request failed");
  let usage: Usage | undefined;
  const metrics = new Metrics(() => usage);
  metrics.watchProcess();
  const front = new Front({
    ...limits,
    access,
    quotas: new Quotas(limits),
    metrics,
    onEnd: (call) => logCall(log, call),
    logInternalError,
  });
  signals.onHangup(() => rereadTokens(tokens, front, log));
  // First of all, so that a port that is taken is known before anything is made or changed.
  const server = await listen(front.listener, {
    ...config,
    ...limits,
    requestMs: limits.deadlineMs,
    onRefused: () => log.warn("a client was hung up on: STAGE1_MAX_CONNECTIONS are connected"),
  });
  const lost = new AbortController();
  const ending = AbortSignal.any([stop, lost.signal]);
  const releases: (() => Promise<void>)[] = [];
  try {
    const database = await openDatabase(config, { purpose: "serve", stop, onLost: (error) => lost.abort(error) });
    releases.push(() => database.release());
    // GraphQL takes half a second to load, which a refusal need not wait for.
    const loaded = prepare(database, options, log, ending).then(() => import("../graphql/handler.ts"));
    const interrupted = aborted(ending).then(() => delay(CANCEL_GRACE_MS));
    const graphql = await Promise.race([loaded, interrupted]);
    lost.signal.throwIfAborted();
    if (stop.aborted || !graphql) return;

    const pool = openPool(database.url, log, {
      max: limits.databaseConnections,
      statementTimeoutMs: limits.deadlineMs,
    });
    const probing = openPool(database.url, log, { max: 1 });
    for (const each of [probing, pool]) releases.push(() => Promise.race([each.end(), delay(POOL_GRACE_MS)]));
    const cache = graphql.createCache(config.cacheBytes);
    if (config.cacheBytes > 0) {
      const feed = followInto(cache, database.url, log);
      releases.push(() => feed.close());
    }
    usage = {
      get pool() {
        return pool.stats();
      },
      get cacheBytes() {
        return cache.bytes;
      },
    };
    const handler = graphql.createHandler({
      db: pool,
      cache,
      limits,
      onDefect: (error) => log.error({ err: error }, "a query's statement is wrong: it is left to graphql-js"),
      logInternalError,
    });
    const listener = () => (config.cacheBytes === 0 ? "off" : cache.live ? "hears" : "deaf");
    front.open(
      handler,
      createReadiness(probing, () => pool.stats(), listener),
    );
    process.stdout.write(banner(server, database, options, tokens, config.host));
    await aborted(ending);
    front.close();
    log.info("stopping: requests under way are finished first");
    lost.signal.throwIfAborted();
  } catch (error) {
    if (!stop.aborted) throw error; // what fails because it was interrupted is no failure
  } finally {
    await closeServer(server, GRACE_MS);
    for (const release of releases.reverse()) await release();
  }
}

/** Keeps the cache told of changes. */
function followInto(cache: AnswerCache, url: string, log: Logger): ChangeFeed {
  let wasDeaf = false;
  return followChanges({
    url,
    onChange: (table) => cache.invalidate(table),
    onConnect() {
      if (wasDeaf) log.info("changes of the database are heard again: answers are kept");
      cache.live = true;
    },
    onDisconnect(error) {
      wasDeaf = true;
      cache.live = false;
      log.warn(`changes of the database are not heard, and no answer is kept until they are: ${messageOf(error)}`);
    },
  });
}

async function prepare(
  database: CommandDatabase,
  options: ServeOptions,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  if (options.migrate && !database.embedded) await requireAdopted(database.url);
  const applied = await ensureSchema(database, {
    migrateFirst: options.migrate,
    warn: (message) => log.warn(message),
    progress: (line) => log.info(line),
    stop,
  });
  if (applied > 0) log.info({ files: applied }, "migrated the database");
  if (database.embedded) await loadDemoOnce(database.embedded, options.demo, log);
}

/** Whether there was a demo to load is decided at the first start, for good: who deletes it does not get it again. */
async function loadDemoOnce({ url, dataDir }: EmbeddedDatabase, wanted: boolean, log: Logger): Promise<void> {
  const decided = join(dataDir, "demo");
  if (existsSync(decided)) return;
  const loaded = wanted && (await loadDemo(url));
  if (loaded) log.info("loaded the demo lineage");
  await writeFile(decided, loaded ? "loaded\n" : "left out\n");
}

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import { followChanges } from "../db/changes.ts";
import type { EmbeddedDatabase } from "../db/embedded.ts";
import { type ErrorCode, messageOf } from "../errors.ts";
import { aborted } from "./aborted.ts";
import { requireAdopted } from "./adoption.ts";
import { type CommandDatabase, ensureSchema, openDatabase, openPool, placeOf } from "./database.ts";
import { baseUrl, closeServer, listen } from "./http.ts";
import type { Logger } from "./logger.ts";
import { loadDemo } from "./seed.ts";

export interface ServeOptions {
  /** Migrate a configured database first; an embedded one always is. */
  readonly migrate: boolean;
  /** Load the demo lineage into a fresh embedded database. */
  readonly demo: boolean;
}

/** Requests under way have this long to finish; all the rest, with 5 s for PostgreSQL's own stop, must fit into ten seconds. */
const GRACE_MS = 4_000;
/** A migration that is interrupted has this long to undo its step. */
const CANCEL_GRACE_MS = 1_000;
/** What a request that was cut off still runs in the database is not waited for. */
const POOL_GRACE_MS = 500;

/** Serves until `stop` is aborted, then ends everything in the reverse of the order it began in. */
export async function serve(config: Config, options: ServeOptions, log: Logger, stop: AbortSignal): Promise<void> {
  let answer: RequestListener = notReady;
  // First of all, so that a port that is taken is known before anything is made or changed.
  const server = await listen((request, response) => answer(request, response), config.host, config.port);
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

    const pool = openPool(database.url, log);
    releases.push(() => Promise.race([pool.end(), delay(POOL_GRACE_MS)]));
    const cache = graphql.createCache(config.cacheBytes);
    if (config.cacheBytes > 0) {
      let wasDeaf = false;
      const feed = followChanges({
        url: database.url,
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
      releases.push(() => feed.close());
    }
    answer = graphql.createHandler({
      db: pool,
      cache,
      onDefect: (error) => log.error({ err: error }, "a query's statement is wrong: it is left to graphql-js"),
      logInternalError: (error, id) => log.error({ err: error, id }, "a request failed"),
    });
    process.stdout.write(banner(`${baseUrl(server)}${graphql.ENDPOINT}`, database, options));
    await aborted(ending);
    log.info("stopping: requests under way are finished first");
    lost.signal.throwIfAborted();
  } catch (error) {
    if (!stop.aborted) throw error; // what fails because it was interrupted is no failure
  } finally {
    await closeServer(server, GRACE_MS);
    for (const release of releases.reverse()) await release();
  }
}

const notReady: RequestListener = (_, response) => {
  const error = {
    message: "The server is starting: try again in a second.",
    extensions: { code: "DATABASE_UNAVAILABLE" satisfies ErrorCode },
  };
  response.writeHead(503, { "content-type": "application/json", "retry-after": "1" });
  response.end(JSON.stringify({ errors: [error] }));
};

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

function banner(endpoint: string, { url, embedded }: CommandDatabase, { demo }: ServeOptions): string {
  const command = process.env["npm_lifecycle_event"] === "start" ? "npm start --" : "stage1-lineage serve";
  const lines = embedded
    ? [
        ["psql", embedded.psql],
        ["Data", `${embedded.dataDir} (STAGE1_DATA_DIR chooses another)`],
        ...(demo ? [["No demo", `\`${command} --no-demo\` on a new data directory`]] : []),
      ]
    : [["Database", `${new URL(url).pathname.slice(1)} at ${placeOf(url)}`]];
  const all = [["GraphiQL", endpoint], ...lines, ["Stop", "Ctrl-C"]];
  return `\nstage1-lineage is ready.\n${all.map(([name = "", value]) => `  ${name.padEnd(9)} ${value}\n`).join("")}\n`;
}

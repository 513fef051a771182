import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import type { EmbeddedDatabase } from "../db/embedded.ts";
import { migrate, requireCurrent, schemaState } from "../db/migrate.ts";
import { openClient } from "../db/pool.ts";
import { createGraphQL, ENDPOINT } from "../graphql/yoga.ts";
import { aborted } from "./aborted.ts";
import { type CommandDatabase, openDatabase, openPool } from "./database.ts";
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
/** What a request that was cut off still runs in the database is not waited for. */
const POOL_GRACE_MS = 500;

/** Serves until `stop` is aborted, then ends everything in the reverse of the order it began in. */
export async function serve(config: Config, options: ServeOptions, log: Logger, stop: AbortSignal): Promise<void> {
  const releases: (() => Promise<void>)[] = [];
  try {
    const database = await openDatabase(config, "serve");
    releases.push(() => database.release());
    await Promise.race([bringUpToDate(database, options, log), aborted(stop)]);
    if (stop.aborted) return;

    const pool = openPool(database.url, log);
    releases.push(() => Promise.race([pool.end(), delay(POOL_GRACE_MS)]));
    const yoga = createGraphQL({
      db: pool,
      logInternalError: (error, id) => log.error({ err: error, id }, "a request failed"),
    });
    releases.push(async () => yoga.dispose());
    const server = await listen(
      (request, response) => {
        if (request.url === "/") response.writeHead(302, { location: ENDPOINT }).end();
        else void yoga(request, response);
      },
      config.host,
      config.port,
    );
    releases.push(() => closeServer(server, GRACE_MS));

    process.stdout.write(banner(baseUrl(server), database.embedded));
    await aborted(stop);
    log.info("stopping: requests under way are finished first");
  } finally {
    for (const release of releases.reverse()) await release();
  }
}

async function bringUpToDate({ url, embedded }: CommandDatabase, options: ServeOptions, log: Logger): Promise<void> {
  if (embedded || options.migrate) {
    const applied = await migrate({ url, report: (line) => log.debug(line) });
    if (applied.length > 0) log.info({ files: applied.length }, "migrated the database");
  } else {
    const client = await openClient(url);
    try {
      requireCurrent(
        await schemaState(client),
        "stage1-lineage migrate` (in a checkout: `npm run migrate`), or start with `--migrate",
      );
    } finally {
      await client.end();
    }
  }
  if (embedded) await loadDemoOnce(embedded, options.demo, log);
}

/** Whether there was a demo to load is decided at the first start, for good: who deletes it does not get it again. */
async function loadDemoOnce({ url, dataDir }: EmbeddedDatabase, wanted: boolean, log: Logger): Promise<void> {
  const decided = join(dataDir, "demo");
  if (existsSync(decided)) return;
  if (wanted && (await loadDemo(url))) log.info("loaded the demo lineage");
  await writeFile(decided, wanted ? "loaded\n" : "declined\n");
}

function banner(base: string, embedded: EmbeddedDatabase | undefined): string {
  const lines = [["GraphiQL", `${base}${ENDPOINT}`]];
  if (embedded) {
    lines.push(
      ["psql", embedded.psql],
      ["Data", `${embedded.dataDir} (STAGE1_DATA_DIR moves it)`],
      ["No demo", "start on a new data directory with `npm start -- --no-demo`"],
    );
  } else {
    lines.push(["Database", "DATABASE_URL"]);
  }
  lines.push(["Stop", "Ctrl-C"]);
  return `\nstage1-lineage is ready.\n${lines.map(([name = "", value]) => `  ${name.padEnd(9)} ${value}\n`).join("")}\n`;
}

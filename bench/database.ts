import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { openEmbedded } from "../src/db/embedded.ts";
import { OperatorError } from "../src/errors.ts";
import { CLI, run, say } from "./processes.ts";
import { BIG_SLUG, SIZES, type Size, UPSERTED } from "./sizes.ts";

/** Raised where what is loaded changes, so that a folder from before is not taken for it. */
const LOAD_VERSION = 1;

/** The same for every contender. Durability is PostgreSQL's default: a commit is on disk. */
const SETTINGS = {
  shared_buffers: "1GB",
  effective_cache_size: "3GB",
  random_page_cost: "1.1",
  max_connections: "200",
};

export interface Databases {
  readonly urls: Readonly<Record<Size, string>>;
  readonly postmasterPid: number;
  readonly logFile: string;
  release(): Promise<void>;
}

/** Starts PostgreSQL in the folder, and loads each of the databases that is not there yet. */
export async function openDatabases(dataDir: string, sizes: readonly Size[], stop: AbortSignal): Promise<Databases> {
  const embedded = await openEmbedded({ dataDir, purpose: "bench", settings: SETTINGS });
  const lock = new pg.Client({ connectionString: embedded.url });
  const release = async () => {
    await lock.end();
    await embedded.release();
  };
  try {
    await lock.connect();
    await requireAlone(lock, dataDir);
    const at = (database: string): string => Object.assign(new URL(embedded.url), { pathname: `/${database}` }).href;
    const urls = { full: at("full"), tenth: at("tenth") };
    for (const size of sizes) {
      await load(dataDir, embedded.url, size, urls[size], stop);
      await product(urls[size], ["migrate", "--yes"], stop); // it may be from before a migration
      await lock.query(`ALTER DATABASE "${size}" RESET ALL`); // a killed --plans may have left its settings
    }
    const [pid] = readFileSync(join(dataDir, "pg", "postmaster.pid"), "utf8").split("\n");
    return {
      urls,
      postmasterPid: Number(pid),
      logFile: join(dataDir, "postgres.log"),
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Two runs would measure each other. The lock is the session's, so it is free again however a run ends. */
async function requireAlone(client: pg.Client, dataDir: string): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock(5731, 3) AS taken");
  if (!rows[0]?.taken) throw new OperatorError(`Another run of the bench uses ${dataDir}: wait for its end.`);
}

/** One connection for as long as the work takes. */
export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The stamp is written last: where it is missing or of another version, what is there is dropped and loaded anew. */
async function load(dataDir: string, adminUrl: string, size: Size, url: string, stop: AbortSignal): Promise<void> {
  const stamp = join(dataDir, `loaded-${size}`);
  const version = JSON.stringify({ version: LOAD_VERSION, ...SIZES[size] });
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === version) return;
  rmSync(stamp, { force: true });
  say(`Loading the database "${size}" (once; it stays in ${dataDir}).`);
  await withClient(adminUrl, async (admin) => {
    await admin.query(`DROP DATABASE IF EXISTS "${size}" WITH (FORCE)`);
    await admin.query(`CREATE DATABASE "${size}"`);
  });
  const { datasets, runs, simulations, big } = SIZES[size];
  await product(url, ["migrate"], stop);
  const totals = [
    "--datasets",
    String(datasets - 1),
    "--runs",
    String(runs - big),
    "--simulations",
    String(simulations),
  ];
  await product(url, ["seed", ...totals], stop);
  await withClient(url, async (client) => {
    await client.query(INSERT_BIG, [BIG_SLUG, big]);
    await client.query(FOR_POSTGRAPHILE);
    await client.query(KEEP_UPSERTED);
    await client.query("VACUUM (ANALYZE)");
    await client.query("CHECKPOINT");
  });
  writeFileSync(stamp, version);
}

/** A command of the product, on this database. */
async function product(url: string, args: readonly string[], stop: AbortSignal): Promise<void> {
  await run([process.execPath, CLI, ...args], { DATABASE_URL: url }, stop);
}

/** One dataset with many runs, spread over the year as the seed's are. $1: slug, $2: how many. */
const INSERT_BIG = `
  WITH dataset AS (
    INSERT INTO stage1_datasets (
      dataset_id, dataset_slug, symbol, granularity, source, ohlcv_measurement, indicator_measurement,
      ohlcv_row_count, indicator_row_count, metadata, created_at, updated_at)
    VALUES (md5($1)::uuid, $1, 'BTCUSDT', '1h', 'load', $1 || '_ohlcv', $1 || '_ind', 8760, 8760, '{"load": true}',
            '2024-06-01 00:00:00.000001Z', '2024-06-01 00:00:00.000001Z')
    RETURNING dataset_id, dataset_slug)
  INSERT INTO walkforward_runs (
    run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config,
    status, requested_by, started_at, completed_at, duration_ms, summary_metrics, created_at)
  SELECT md5(name)::uuid, dataset_id, name, 'Close', '["hma_55", "rsi_14"]', '{"eta": 0.05, "max_depth": 6}',
         '{"folds": 6, "lookback": 240, "train": 5000, "test": 500}', status, 'load', created,
         CASE WHEN status <> 'RUNNING' THEN created + interval '465 seconds' END,
         CASE WHEN status <> 'RUNNING' THEN 465000 END,
         CASE WHEN status = 'COMPLETED' THEN jsonb_build_object('roc_auc', 0.61, 'f1', 0.52) ELSE '{}' END, created
  FROM (
    SELECT dataset_id, dataset_slug || '_run' || run AS name,
           CASE run % 10 WHEN 3 THEN 'FAILED' WHEN 7 THEN 'RUNNING' ELSE 'COMPLETED' END AS status,
           timestamptz '2024-01-02 00:00Z' + run * (interval '365 days' / $2::bigint) AS created
    FROM dataset, generate_series(1, $2::bigint) AS run) AS own`;

/**
 * What a user of PostGraphile adds for a search that an index can serve: a function, which becomes a field. In a schema of
 * its own, beside the product's.
 */
const FOR_POSTGRAPHILE = `
  CREATE SCHEMA for_postgraphile;
  CREATE FUNCTION for_postgraphile.search_datasets(pattern text) RETURNS SETOF stage1_datasets
  LANGUAGE sql STABLE AS $$
    SELECT d.* FROM public.stage1_datasets d
    WHERE public.stage1_dataset_search_text(d.dataset_slug, d.symbol, d.ohlcv_measurement, d.indicator_measurement) ILIKE pattern
    ORDER BY d.updated_at DESC, d.dataset_id DESC
  $$`;

/** The datasets that are upserted, as they were loaded. */
const KEEP_UPSERTED = `
  CREATE SCHEMA kept;
  CREATE TABLE kept.upserted AS
  SELECT * FROM stage1_datasets WHERE dataset_slug IN (SELECT 'load_' || n FROM generate_series(1, ${UPSERTED}) AS n)`;

/** Undoes what upserts changed, times of writing included, so that each run of the bench finds the same rows. */
export async function restoreUpserted(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query("SET session_replication_role = replica"); // without triggers, which would set the time
    await client.query(`
      UPDATE stage1_datasets d
      SET symbol = k.symbol, granularity = k.granularity, source = k.source,
          ohlcv_row_count = k.ohlcv_row_count, indicator_row_count = k.indicator_row_count,
          ohlcv_first_ts = k.ohlcv_first_ts, ohlcv_last_ts = k.ohlcv_last_ts,
          indicator_first_ts = k.indicator_first_ts, indicator_last_ts = k.indicator_last_ts,
          metadata = k.metadata, updated_at = k.updated_at
      FROM kept.upserted k
      WHERE k.dataset_id = d.dataset_id AND d.updated_at <> k.updated_at`);
    await client.query("VACUUM (ANALYZE) stage1_datasets");
  });
}

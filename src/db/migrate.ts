import type pg from "pg";
import { codeOf, OperatorError } from "../errors.ts";
import { compareVersions, VERSION } from "../version.ts";
import { openClient } from "./pool.ts";
import { ledgerFile, runFile, type SqlFile, schemaFiles } from "./sql-file.ts";

/** Taken by every migrator for as long as it works. The first number is this product's, the second means "migrate". */
const MIGRATION_LOCK = "5731, 3";

/** How a database's schema stands to this version's files. */
type SchemaState =
  | { readonly kind: "current" }
  /** Files to apply, in their order; none of their kind was applied by a newer version. */
  | { readonly kind: "behind"; readonly pending: readonly SqlFile[] }
  /** A newer version has been here. */
  | { readonly kind: "newer"; readonly version: string }
  /** One-shot files whose text is not what was applied. */
  | { readonly kind: "edited"; readonly files: readonly string[] };

interface LedgerRow {
  file: string;
  sha256: string;
  version: string;
}

export interface MigrateOptions {
  readonly url: string;
  /** Only find out what would be done. */
  readonly dryRun?: boolean;
  /** Called before a file is applied. */
  report?(line: string): void;
  /** Called with each warning of PostgreSQL: what was done in another way than asked for. */
  warn?(message: string): void;
  /** Another folder of schema files, for tests. */
  readonly sqlDir?: string;
  /** The version that applies them, for tests. */
  readonly version?: string;
}

/** Where the schema stands. Changes nothing. */
async function schemaState(client: pg.ClientBase, files = schemaFiles(), version = VERSION): Promise<SchemaState> {
  const { rows: found } = await client.query("SELECT to_regclass('stage1_schema_ledger') AS ledger");
  const ledger = new Map<string, LedgerRow>();
  if (found[0]?.ledger) {
    const { rows } = await client.query<LedgerRow>("SELECT file, sha256, version FROM stage1_schema_ledger");
    for (const row of rows) ledger.set(row.file, row);
  }

  const known = new Map(files.map((file) => [file.file, file]));
  const foreign = [...ledger.values()].filter((row) => known.get(row.file)?.sha256 !== row.sha256);
  const newest = foreign
    .map((row) => row.version)
    .sort(compareVersions)
    .at(-1);
  if (newest !== undefined && compareVersions(newest, version) > 0) return { kind: "newer", version: newest };
  // Of the same version by its number, yet unknown: a development version beside this one.
  const unknown = foreign.find((row) => row.file.startsWith("migrations/") && !known.has(row.file));
  if (unknown) return { kind: "newer", version: unknown.version };

  const changed = files.filter((file) => ledger.get(file.file)?.sha256 !== file.sha256);
  const edited = changed.filter((file) => file.kind === "one-shot" && ledger.has(file.file)).map((file) => file.file);
  if (edited.length > 0) return { kind: "edited", files: edited };
  if (changed.length === 0) return { kind: "current" };
  // Views, functions and grants depend on each other and on the tables: where one is due, all are applied again.
  return { kind: "behind", pending: files.filter((file) => file.kind === "repeatable" || changed.includes(file)) };
}

/**
 * Brings a database to this version's schema. Of several at once, one works and the others wait and find nothing to do.
 * Each one-shot file is a transaction; all repeatable files together are one.
 *
 * @returns the names of the files that were applied, or with `dryRun` would be
 * Throws OperatorError: the database is newer, a one-shot file was edited, or a statement failed (then its file, and
 * what comes after it, is not applied).
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const client = await openClient(options.url, "stage1-lineage migrate");
  client.on("notice", ({ severity, message }) => {
    if (severity === "WARNING") options.warn?.(message ?? "");
  });
  const files = schemaFiles(options.sqlDir);
  const version = options.version ?? VERSION;
  try {
    // A limit that the role has for its daily work would end the wait for the lock, or a long step.
    await client.query("SET client_min_messages = warning; SET statement_timeout = 0");
    await client.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    const state = await schemaState(client, files, version);
    refuse(state, version);
    if (state.kind !== "behind") return [];
    if (!options.dryRun) {
      await inTransaction(client, () => runFile(client, ledgerFile(options.sqlDir)));
      for (const batch of batches(state.pending)) {
        await inTransaction(client, async () => {
          for (const file of batch) {
            options.report?.(`applying ${file.file}`);
            await runFile(client, file);
            await record(client, file, version);
          }
        });
      }
      await forgetRemoved(client, files);
    }
    return state.pending.map((file) => file.file);
  } finally {
    await client.end(); // and the lock with it
  }
}

/** Throws OperatorError where the schema is not for this version to change. */
function refuse(state: SchemaState, version: string): void {
  if (state.kind === "newer") throw new OperatorError(newerMessage(state.version, version));
  if (state.kind === "edited") {
    throw new OperatorError(
      `${state.files.join(", ")} changed after it was applied to this database: put the applied text back, and write the ` +
        "change as a new file in sql/migrations.",
    );
  }
}

/** For who needs the schema but does not change it. Throws OperatorError unless it is exactly this version's. */
export async function requireCurrent(url: string): Promise<void> {
  const client = await openClient(url);
  try {
    const state = await schemaState(client);
    refuse(state, VERSION);
    if (state.kind === "behind") {
      throw new OperatorError(
        `The database's schema is behind this version (${state.pending.length} files to apply): run \`stage1-lineage migrate\`, ` +
          "or in a checkout `npm run migrate`; `serve --migrate` does it first.",
      );
    }
  } catch (error) {
    if (codeOf(error) !== "42501") throw error;
    throw new OperatorError(
      "The user of DATABASE_URL may not read the schema's tables: grant it the rights in sql/grants.sql.",
    );
  } finally {
    await client.end();
  }
}

function newerMessage(found: string, own: string): string {
  return (
    `The database's schema is newer (from stage1-lineage ${found}) than this version (${own}): ` +
    "run `npm install stage1-lineage@latest`, or `git pull && npm ci` in a checkout."
  );
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

async function inTransaction(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query("BEGIN");
  try {
    await work();
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {}); // the first error says more than a lost connection
    throw error;
  }
}

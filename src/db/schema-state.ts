import type pg from "pg";
import { codeOf, OperatorError } from "../errors.ts";
import { compareVersions, VERSION } from "../version.ts";
import { openClient } from "./client.ts";
import { requireNoOverloads } from "./overloads.ts";
import { isSameFile, type SqlFile, schemaFiles } from "./sql-file.ts";

/** How a database's schema stands to this version's files. */
export type SchemaState =
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

/** Where the schema stands. Changes nothing. */
export async function schemaState(
  client: pg.ClientBase,
  files = schemaFiles(),
  version = VERSION,
): Promise<SchemaState> {
  const ledger = new Map<string, LedgerRow>();
  if (await hasLedger(client)) {
    const { rows } = await client.query<LedgerRow>("SELECT file, sha256, version FROM stage1_schema_ledger");
    for (const row of rows) ledger.set(row.file, row);
  }

  const known = new Map(files.map((file) => [file.file, file]));
  const foreign = [...ledger.values()].filter((row) => !isSameFile(known.get(row.file), row.sha256));
  const newest = foreign
    .map((row) => row.version)
    .sort(compareVersions)
    .at(-1);
  if (newest !== undefined && compareVersions(newest, version) > 0) return { kind: "newer", version: newest };
  // Of the same version by its number, yet unknown: a development version beside this one.
  const unknown = foreign.find((row) => row.file.startsWith("migrations/") && !known.has(row.file));
  if (unknown) return { kind: "newer", version: unknown.version };

  const changed = files.filter((file) => !isSameFile(file, ledger.get(file.file)?.sha256));
  const edited = changed.filter((file) => file.kind === "one-shot" && ledger.has(file.file)).map((file) => file.file);
  if (edited.length > 0) return { kind: "edited", files: edited };
  if (changed.length === 0) return { kind: "current" };
  // Views, functions and grants depend on each other and on the tables: where one is due, all are applied again.
  return { kind: "behind", pending: files.filter((file) => file.kind === "repeatable" || changed.includes(file)) };
}

/** The last of the one-shot files, which tells the schemas of two versions apart. */
export function newestMigration(): string {
  return schemaFiles().findLast(({ kind }) => kind === "one-shot")?.file ?? "none";
}

/** Whether a migrator has been here. */
export async function hasLedger(client: pg.ClientBase): Promise<boolean> {
  await requireNoOverloads(client);
  await requireSchema(client);
  // In the schema that is migrated: one further along the search_path is another database, so to speak.
  const { rows } = await client.query(
    "SELECT to_regclass(format('%I.stage1_schema_ledger', current_schema())) IS NOT NULL AS found",
  );
  return rows[0]?.found === true;
}

/** Throws OperatorError where the session's search_path leads to no schema at all. */
async function requireSchema(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ search_path: string; remedy: string }>(
    `SELECT current_setting('search_path') AS search_path,
            format('ALTER ROLE %I IN DATABASE %I SET search_path = %I', current_user, current_database(), coalesce(
              (SELECT min(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relname IN ('stage1_schema_ledger', 'walkforward_runs') AND c.relkind = 'r'), 'public')) AS remedy
     WHERE current_schema() IS NULL`,
  );
  if (rows[0]) {
    const { search_path, remedy } = rows[0];
    throw new OperatorError(
      `The search_path (${search_path || "empty"}) names no schema that is there and that this role may use: ` +
        `lead it to one that is, \`${remedy}\`, or create the schema.`,
    );
  }
}

/** Throws OperatorError where the schema is not for this version to change. */
export function refuse(state: SchemaState, version: string): void {
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

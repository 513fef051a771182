import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { createPool } from "../db/pool.ts";
import { type CheckResult, checksForPsql, type ValidationReport, validate } from "../domain/checks.ts";
import { formatTimestamp } from "../domain/timestamp.ts";
import { OperatorError } from "../errors.ts";
import { aborted } from "./aborted.ts";
import { ensureSchema, openDatabase } from "./database.ts";

export interface ValidateFlags {
  /** The report as JSON. */
  readonly json: boolean;
  /** Only print the checks, as a script for psql. */
  readonly sql: boolean;
}

/**
 * Checks the rows of the configured or embedded database and prints a report. Throws OperatorError where that cannot be
 * done: no answer, another schema than this version's, nothing there to check, or `stop` aborted before the end.
 *
 * @returns the exit code: 0 without findings of severity error, 1 with
 */
export async function runValidate(config: Config, flags: ValidateFlags, stop: AbortSignal): Promise<0 | 1> {
  if (flags.sql && flags.json) throw new OperatorError("--sql and --json exclude each other: choose one.");
  if (flags.sql) {
    process.stdout.write(checksForPsql());
    return 0;
  }
  if (config.databaseUrl === undefined && !existsSync(join(config.dataDir, "pg"))) {
    throw new OperatorError(
      `There is no database in ${config.dataDir} to check: name another with STAGE1_DATA_DIR or DATABASE_URL.`,
    );
  }
  const report = await checked(config, stop);
  process.stdout.write(flags.json ? `${JSON.stringify(forMachines(report), null, 2)}\n` : forPeople(report));
  return report.checks.some(({ severity, count }) => severity === "error" && count > 0) ? 1 : 0;
}

async function checked(config: Config, stop: AbortSignal): Promise<ValidationReport> {
  const database = await openDatabase(config, { purpose: "validate", stop });
  try {
    const interrupted = aborted(stop).then(() => {
      throw new OperatorError("Interrupted before the checks were through: nothing is known.");
    });
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    const warn = (message: string) => progress(`warning: ${message}`);
    await Promise.race([ensureSchema(database, { migrateFirst: false, warn, progress, stop }), interrupted]);
    // Without a limit of time for the statement: large tables take as long as they take.
    const db = createPool({ url: database.url, max: 1, statementTimeoutMs: 0, onIdleError: () => {} });
    return await Promise.race([validate(db).finally(() => db.end()), interrupted]);
  } finally {
    await database.release();
  }
}

/** The shape of `--json`, which programs rely on: docs/api.md tells it. */
function forMachines({ checkedAt, checks }: ValidationReport) {
  return { checkedAt: formatTimestamp(checkedAt), checks };
}

function forPeople({ checkedAt, checks }: ValidationReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const found = (severity: CheckResult["severity"]) =>
    checks.filter((check) => check.severity === severity && check.count > 0).length;
  const lines = checks.flatMap(({ name, severity, title, count, sample }) => [
    `${(count > 0 ? severity : "sound").padEnd(8)} ${name.padEnd(width)} ${String(count).padStart(7)}`,
    ...(count > 0 ? [`         ${title}`] : []),
    // As JSON also because that leaves no control character to the terminal.
    ...sample.map((row) => `           ${JSON.stringify(row)}`),
    ...(count > sample.length ? [`           … and ${count - sample.length} more`] : []),
  ]);
  const summary = `${checks.length} checks at ${formatTimestamp(checkedAt)}: ${found("error")} with errors, ${found("warning")} with warnings.`;
  const hint = found("error") + found("warning") > 0 ? "What a finding means and what to do: sql/checks.\n" : "";
  return `${lines.join("\n")}\n\n${summary}\n${hint}`;
}

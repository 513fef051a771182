import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Db } from "../db/pool.ts";

/** `error`: data is wrong or lost. `warning`: data is incomplete, or free text that only a person understands. */
const SEVERITIES = ["error", "warning"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What a check found. */
export interface CheckResult {
  /** The name of its file, without number and ending. */
  readonly name: string;
  readonly severity: Severity;
  readonly title: string;
  /** Offending rows; 0: sound. */
  readonly count: number;
  /** The first of them, at most `SAMPLE_SIZE`: ids first, then the values that show it. Timestamps as ISO 8601, in UTC. */
  readonly sample: readonly Readonly<Record<string, unknown>>[];
}

export interface ValidationReport {
  /** When the snapshot was taken, as PostgreSQL's text in UTC. */
  readonly checkedAt: string;
  /** Every check, in the order of the files. */
  readonly checks: readonly CheckResult[];
}

/** A file of `sql/checks`. */
interface CheckFile {
  readonly name: string;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
}

const SAMPLE_SIZE = 5;
const CHECKS_DIR = fileURLToPath(new URL("../../sql/checks/", import.meta.url));
const HEADER = new RegExp(`^-- severity: (${SEVERITIES.join("|")})\\n-- title: (.+)\\n`);
const CHECKS: readonly CheckFile[] = readdirSync(CHECKS_DIR)
  .filter((file) => file.endsWith(".sql"))
  .sort()
  .map(readCheck);

function readCheck(file: string): CheckFile {
  const text = readFileSync(CHECKS_DIR + file, "utf8").replaceAll("\r\n", "\n");
  const name = /^\d+_([a-z0-9_]+)\.sql$/.exec(file)?.[1];
  const [, severity, title] = HEADER.exec(text) ?? [];
  const known = SEVERITIES.find((candidate) => candidate === severity);
  if (name === undefined || known === undefined || title === undefined) {
    throw new Error(`sql/checks/${file} must be named NN_name.sql and begin with its severity and its title`);
  }
  return { name, severity: known, title, text: text.trimEnd().replace(/;$/, "") };
}

/**
 * All checks as one statement, so that they look at one snapshot. Each runs once: materialized, then counted and sampled.
 * The sample is json, not jsonb, which would not keep the ids in front; it is ordered by all columns, so it is stable.
 */
function statement(select: string, from = "report"): string {
  const checks = CHECKS.map(({ name, text }) => `${name} AS MATERIALIZED (\n${text}\n)`);
  const results = CHECKS.map(
    (
      { name, severity, title },
      i,
    ) => `    SELECT ${i + 1}, '${name}', '${severity}', '${title.replaceAll("'", "''")}', (SELECT count(*) FROM ${name}),
           (SELECT json_agg(row) FROM (SELECT c AS row FROM ${name} c ORDER BY c LIMIT ${SAMPLE_SIZE}) AS first)`,
  );
  return `WITH
${checks.join(",\n\n")},

report (place, name, severity, title, count, sample) AS (
${results.join("\n    UNION ALL\n")}
)
${select}
FROM ${from}
ORDER BY place`;
}

const REPORT = statement("SELECT statement_timestamp() AS checked_at, name, severity, title, count, sample");

/** Runs every check, in one statement. Needs this version's schema. */
export async function validate(db: Db): Promise<ValidationReport> {
  const rows = await db.query<
    Omit<CheckResult, "sample"> & { checked_at: string; sample: CheckResult["sample"] | null }
  >(REPORT);
  return {
    checkedAt: rows[0]?.checked_at ?? "",
    checks: rows.map(({ name, severity, title, count, sample }) => ({
      name,
      severity,
      title,
      count,
      sample: sample ?? [],
    })),
  };
}

/** Keeps for the end of the script, which is a statement of its own, how many checks found errors. */
const NOTED =
  "(SELECT set_config('stage1.checks_with_errors', " +
  "(count(*) FILTER (WHERE severity = 'error' AND count > 0))::text, false) FROM report) AS noted";

/** The same statement as a script for psql that needs no other file: `sql/postgres_validation_checks.sql`. */
export function checksForPsql(): string {
  return `-- Looks for rows that cannot be right, and changes nothing. To one table: each check with its severity, how many rows it
-- found, and the first ${SAMPLE_SIZE}. This file alone is enough, on a database that is migrated:
--   psql "$DATABASE_URL" -f postgres_validation_checks.sql
-- psql ends with 3 if a check of severity error found rows, after the whole table is printed, and with 0 otherwise.
-- \`stage1-lineage validate\`, the same checks, ends with 1 and with 0.
-- Made from sql/checks by \`npm run checks\`: change those.
\\set ON_ERROR_STOP on
\\set QUIET on
SET statement_timeout = 0;
SET datestyle = 'ISO';
SET TIME ZONE 'UTC';
SELECT statement_timestamp() AS checked_at, current_database() AS database;

${statement('SELECT severity, name AS "check", count, sample AS "first rows"', `report, ${NOTED}`)};

DO $$
DECLARE
    errors CONSTANT bigint := current_setting('stage1.checks_with_errors');
BEGIN
    IF errors > 0 THEN
        RAISE EXCEPTION '% of the checks of severity error found rows', errors
            USING HINT = 'This script says above each check what a finding means and what to do.';
    END IF;
END
$$;
`;
}

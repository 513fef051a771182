import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import { type MigrateOptions, migrate, type Plan, planMigration } from "../db/migrate.ts";
import { schemaFiles } from "../db/sql-file.ts";
import { OperatorError } from "../errors.ts";
import { aborted } from "./aborted.ts";
import { confirmAdoption } from "./adoption.ts";
import { openDatabase } from "./database.ts";

/** The flags of `migrate`, as they stand on the command line. */
export interface MigrateFlags {
  /** Only say what would be done. */
  readonly dryRun: boolean;
  /** There is a backup of a database that is migrated for the first time. */
  readonly yes: boolean;
  /** Times that are stored without a zone are taken as UTC. */
  readonly assumeUtc: boolean;
}

const UP_TO_DATE = "The schema is up to date: nothing to do.";
/** An interrupted statement is cancelled in the database, which has this long for it. */
const CANCEL_GRACE_MS = 5_000;

/**
 * Brings the configured or embedded database to this version's schema, saying what is done, or what would be. Throws
 * OperatorError where `stop` is aborted before that.
 */
export async function runMigrate(config: Config, flags: MigrateFlags, stop: AbortSignal): Promise<void> {
  // What is not there need not be made to know what it lacks.
  if (flags.dryRun && config.databaseUrl === undefined && !existsSync(join(config.dataDir, "pg"))) {
    sayPlan({ steps: schemaFiles().map(({ file }) => ({ file, rows: [] })), refusal: undefined });
    return;
  }
  const database = await openDatabase(config, { purpose: "migrate", stop });
  try {
    const options: MigrateOptions = {
      url: database.url,
      report: say,
      warn: (message) => say(`warning: ${message}`),
      progress: (line) => void process.stderr.write(`${line}\n`),
      signal: stop,
      assumeUtc: flags.assumeUtc,
    };
    if (!flags.dryRun && !flags.yes && !database.embedded) await confirmAdoption(database.url, stop);
    const late = aborted(stop).then(async () => {
      await delay(CANCEL_GRACE_MS, undefined, { ref: false });
      throw new OperatorError(
        "Interrupted, and the database did not answer: the step under way is undone when it does.",
      );
    });
    if (flags.dryRun) {
      sayPlan(await Promise.race([planMigration(options), late]));
    } else {
      const { length } = await Promise.race([migrate(options), late]);
      say(length === 0 ? UP_TO_DATE : `The schema is up to date: ${length} files applied.`);
    }
  } finally {
    await database.release();
  }
}

function sayPlan({ steps, refusal }: Plan): void {
  for (const { file, rows } of steps) say(`would apply ${file}${rows.length > 0 ? `: ${rows.join("; ")}` : ""}`);
  if (refusal !== undefined) throw new OperatorError(refusal);
  say(steps.length === 0 ? UP_TO_DATE : `${steps.length} files to apply. Nothing was changed.`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

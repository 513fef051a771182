import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { migrate } from "../db/migrate.ts";
import { schemaFiles } from "../db/sql-file.ts";
import { OperatorError } from "../errors.ts";
import { aborted } from "./aborted.ts";
import { openDatabase } from "./database.ts";

/**
 * Brings the configured or embedded database to this version's schema, saying what is done, or what would be. Throws
 * OperatorError where `stop` is aborted before that.
 */
export async function runMigrate(config: Config, options: { dryRun: boolean }, stop: AbortSignal): Promise<void> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const plan = (files: readonly string[]): void => {
    for (const file of files) say(`would apply ${file}`);
    say(`${files.length} files to apply. Nothing was changed.`);
  };
  // What is not there need not be made to know what it lacks.
  if (options.dryRun && config.databaseUrl === undefined && !existsSync(join(config.dataDir, "pg"))) {
    return plan(schemaFiles().map(({ file }) => file));
  }
  const database = await openDatabase(config, { purpose: "migrate", stop });
  try {
    const interrupted = aborted(stop).then(() => {
      throw new OperatorError("Interrupted: the file under way was rolled back. Run it again for the rest.");
    });
    const files = await Promise.race([
      migrate({
        url: database.url,
        dryRun: options.dryRun,
        report: say,
        warn: (message) => say(`warning: ${message}`),
      }),
      interrupted,
    ]);
    if (files.length === 0) return say("The schema is up to date: nothing to do.");
    if (options.dryRun) return plan(files);
    say(`The schema is up to date: ${files.length} files applied.`);
  } finally {
    await database.release();
  }
}

import type { Config } from "../config.ts";
import { createPool, type Pool } from "../db/pool.ts";
import { countOtherRows, countsOfDemo, holdsRows, insertDemo, type LineageCounts } from "../domain/seed/insert-demo.ts";
import { insertLarge } from "../domain/seed/insert-large.ts";
import { codeOf, OperatorError } from "../errors.ts";
import { ensureSchema, openDatabase } from "./database.ts";
import { startProgress } from "./progress.ts";

/** The flags of `seed`, as they stand on the command line. */
export interface SeedFlags {
  /** Seed beside rows that are there. */
  readonly force: boolean;
  readonly datasets?: string;
  readonly runs?: string;
  readonly simulations?: string;
}

/**
 * Loads the demo lineage, or with a number a large lineage for measuring, until `stop` is aborted. Throws OperatorError:
 * a number that is none, a schema that is not this version's, a database that holds other rows.
 */
export async function runSeed(config: Config, flags: SeedFlags, stop: AbortSignal): Promise<void> {
  const totals = largeTotals(flags);
  const database = await openDatabase(config, { purpose: "seed", stop });
  try {
    await ensureSchema(database, {
      migrateFirst: false,
      warn: (message) => say(`warning: ${message}`),
      progress: say,
      stop,
    });
    await withPool(database.url, async (db) => {
      if (!flags.force) refuseOtherRows(await countOtherRows(db));
      try {
        if (totals) await seedLarge(db, totals, stop);
        else await seedDemo(db);
      } catch (error) {
        throw nameTaken(error) ?? error;
      }
    });
  } finally {
    await database.release();
  }
}

/** Loads the demo lineage where there is no row at all. Returns whether it did. */
export function loadDemo(url: string): Promise<boolean> {
  return withPool(url, async (db) => {
    if (await holdsRows(db)) return false;
    await insertDemo(db);
    return true;
  });
}

async function seedDemo(db: Pool): Promise<void> {
  const inserted = await insertDemo(db);
  say(
    inserted === 0
      ? "The demo lineage is there already: nothing was changed."
      : `Loaded the demo lineage: ${describe(countsOfDemo())}.`,
  );
}

async function seedLarge(db: Pool, totals: LineageCounts, stop: AbortSignal): Promise<void> {
  const rows = totals.datasets + totals.runs + totals.simulations;
  const progress = startProgress("Seeding", rows);
  try {
    await insertLarge(db, totals, { onProgress: (done) => progress.report(done), signal: stop });
  } finally {
    progress.end();
  }
  if (stop.aborted) {
    throw new OperatorError(
      "Stopped before the end. What was inserted is whole and can be used; the same command with --force adds the rest.",
    );
  }
  say(`Seeded ${describe(totals)}.`);
}

/** undefined: no number is given, the demo is wanted. */
function largeTotals({ datasets, runs, simulations }: SeedFlags): LineageCounts | undefined {
  if (datasets === undefined && runs === undefined && simulations === undefined) return undefined;
  const counts = { datasets: parseCount("--datasets", datasets) ?? 0, runs: 0, simulations: 0 };
  counts.runs = parseCount("--runs", runs) ?? 10 * counts.datasets;
  counts.simulations = parseCount("--simulations", simulations) ?? 5 * counts.runs;
  if (counts.runs > 0 && counts.datasets === 0)
    throw new OperatorError("A run belongs to a dataset: give --datasets too, at least 1.");
  if (counts.simulations > 0 && counts.runs === 0)
    throw new OperatorError("A simulation belongs to a run: give --datasets and --runs too, at least 1 each.");
  return counts;
}

function parseCount(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new OperatorError(`${flag} must be a whole number from 0 to 999999999.`);
  return Number(text);
}

function refuseOtherRows(others: LineageCounts): void {
  if (others.datasets + others.runs + others.simulations === 0) return;
  throw new OperatorError(
    `The database holds other rows (${describe(others)}): choose an empty one with STAGE1_DATA_DIR or DATABASE_URL, ` +
      "or add --force to seed beside them.",
  );
}

/** What the insertion of a name that another row holds means to the operator. */
function nameTaken(error: unknown): OperatorError | undefined {
  if (codeOf(error) !== "23505") return undefined;
  const name = /=\((.*)\)/.exec((error as { detail?: string }).detail ?? "")?.[1];
  return new OperatorError(
    `Another row of the database has a name of the seed's (${name}): rename it, or seed an empty database ` +
      "(STAGE1_DATA_DIR or DATABASE_URL).",
  );
}

/** Without a limit of time for a statement: seeding takes as long as it takes. */
async function withPool<Result>(url: string, work: (db: Pool) => Promise<Result>): Promise<Result> {
  const pool = createPool({ url, max: 2, statementTimeoutMs: 0, onIdleError: () => {} });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

function describe({ datasets, runs, simulations }: LineageCounts): string {
  const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  return [counted(datasets, "dataset"), counted(runs, "run"), counted(simulations, "simulation")].join(", ");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

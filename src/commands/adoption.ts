import { createInterface } from "node:readline";
import { findUnadopted, type Unadopted } from "../db/migrate.ts";
import { OperatorError } from "../errors.ts";
import { aborted } from "./aborted.ts";
import { placeOf } from "./database.ts";

/** The URL stays a variable: it may hold a password. */
const BACKUP = 'pg_dump "$DATABASE_URL" > backup.sql';

/**
 * Before a configured database that holds rows is migrated for the first time: asks on a terminal whether there is a
 * backup. Throws OperatorError where the answer is no, or where there is nobody to ask.
 */
export async function confirmAdoption(url: string, stop: AbortSignal): Promise<void> {
  // Counting may wait for somebody's lock.
  const interrupted = aborted(stop).then(() => {
    throw new OperatorError("Interrupted: nothing was changed.");
  });
  const found = await Promise.race([findUnadopted(url), interrupted]);
  if (!found) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new OperatorError(advice(url, found));
  const { name, rows } = found;
  const list = [...rows].map(([table, count]) => `  ${table.padEnd(24)} ${count} rows\n`).join("");
  process.stderr.write(
    `The database ${name} at ${placeOf(url)} holds rows and was never migrated:\n${list}` +
      `Take a backup first, in another terminal:\n  ${BACKUP}\n`,
  );
  const answer = await ask(`There is a backup, and ${name} is to be migrated? Type the database's name: `, stop);
  if (answer !== name) throw new OperatorError(`Not confirmed: the answer was not ${name}. Nothing was changed.`);
}

/** For who cannot ask. Throws OperatorError where `confirmAdoption` would ask. */
export async function requireAdopted(url: string): Promise<void> {
  const found = await findUnadopted(url);
  if (found) throw new OperatorError(advice(url, found));
}

function advice(url: string, { name, rows }: Unadopted): string {
  return (
    `The database ${name} at ${placeOf(url)} holds rows and was never migrated ` +
    `(${[...rows].map(([table, count]) => `${table}: ${count}`).join(", ")}): take a backup, \`${BACKUP}\`, then run ` +
    "`stage1-lineage migrate --yes`, or in a checkout `npm run migrate -- --yes`."
  );
}

/** A line from the terminal; undefined where there is none. Ctrl-C stays a signal, since the terminal is left as it is. */
async function ask(question: string, stop: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stderr.write(question);
  try {
    return await Promise.race([
      new Promise<string | undefined>((resolve) => {
        lines.once("line", (line) => resolve(line.trim()));
        lines.once("close", () => resolve(undefined));
      }),
      aborted(stop).then(() => undefined),
    ]);
  } finally {
    lines.close();
  }
}

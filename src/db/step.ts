import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { codeOf, OperatorError } from "../errors.ts";
import { runFile, runsAside, type SqlFile, type Statement } from "./sql-file.ts";
import { inTransaction } from "./transaction.ts";
import { nameOf, type Watcher } from "./watcher.ts";

/** The session that migrates. */
export interface Migration {
  readonly client: pg.ClientBase;
  readonly watcher: Watcher;
  /** Aborted: what runs is cancelled and undone, and nothing more is begun. */
  readonly signal: AbortSignal;
  /** How often a step is begun that cannot have its locks. */
  readonly attempts: number;
  /** Says what is done, as it is done. */
  report(line: string): void;
}

/**
 * A statement that waits for a lock on a table makes all wait that come after it. So it gives up after this time, and the
 * step is begun again later. Below PostgreSQL's deadlock_timeout (1 s), so that in a deadlock it is this session that ends
 * it, never a client that writes. Milliseconds.
 */
const LOCK_TIMEOUT_MS = 400;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** The lock was not had in time, or two sessions waited for each other. */
const LOCK_ERRORS = ["55P03", "40P01"];

/**
 * Applies files that belong together, in one transaction, or a file that cannot be in one, statement by statement; `after`
 * each file, in the same transaction. Begins again where a lock is held by somebody else. Throws OperatorError.
 */
export async function runStep(
  migration: Migration,
  files: readonly SqlFile[],
  after: (file: SqlFile) => Promise<void>,
): Promise<void> {
  const { client, attempts, signal, report } = migration;
  for (const { file } of files) report(`applying ${file}`);
  const aside = (await Promise.all(files.map(runsAside))).includes(true);
  for (let attempt = 1; ; attempt += 1) {
    let file = files[0];
    try {
      await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await (aside ? unguarded : inTransaction)(client, async () => {
        for (file of files) {
          const step = file;
          for (const part of [...step.needs, step]) {
            await runFile(part, (statement) => send(migration, part.file, statement));
          }
          await after(step);
        }
      });
      return;
    } catch (error) {
      const cause = error instanceof OperatorError ? error.cause : error;
      if (!LOCK_ERRORS.includes(codeOf(cause) ?? "") || signal.aborted) throw error;
      if (attempt === attempts) throw new OperatorError(heldMessage(migration, file?.file ?? ""));
      report(`${file?.file}: ${reason(migration)}; trying again (${attempt + 1} of ${attempts})`);
      await delay(Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS), undefined, { signal });
    }
  }
}

async function send(migration: Migration, file: string, { text, aside }: Statement): Promise<pg.QueryResult> {
  const { client, watcher, signal } = migration;
  signal.throwIfAborted();
  const run = (statement: string) => watcher.during(file, () => client.query(statement));
  if (!aside) return run(text);
  const { rows } = await client.query(`SELECT EXISTS (SELECT FROM ${aside.table}) AS filled`);
  if (!rows[0]?.filled) return run(text.replace(/ CONCURRENTLY\b/i, ""));
  // While it waits for others, nobody waits for it.
  await client.query("SET lock_timeout = 0");
  try {
    return await run(text);
  } catch (error) {
    await dropInvalid(client, aside.index).catch(() => {}); // then the next migrate does it
    throw error;
  } finally {
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`).catch(() => {});
  }
}

/** A unique index of which the build has failed would go on refusing rows. */
async function dropInvalid(client: pg.ClientBase, index: string): Promise<void> {
  const { rowCount } = await client.query(
    "SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid",
    [index],
  );
  if (rowCount) await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}; DROP INDEX ${index}`);
}

function reason({ watcher }: Migration): string {
  const wait = watcher.lastWait();
  const holders = wait?.holders.map(nameOf).join(", ") ?? "another session";
  return `a lock on ${wait?.relation ?? "what it changes"} is held by ${holders}`;
}

function heldMessage(migration: Migration, file: string): string {
  const pids = migration.watcher.lastWait()?.holders.map(({ pid }) => `SELECT pg_terminate_backend(${pid})`);
  return (
    `${file}: ${reason(migration)}, and was not free in ${migration.attempts} tries. End what that session does` +
    `${pids === undefined ? "" : ` (or the session: \`${pids.join("; ")}\`)`}, and migrate again: the steps before this one ` +
    "stay, this one was undone."
  );
}

async function unguarded(_: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  await work();
}

import { createWriteStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Config } from "../config.ts";
import { openSession, type Session } from "../db/pool.ts";
import type { Journal } from "../domain/spool/journal.ts";
import { remark, writeRejected } from "../domain/spool/rejected-file.ts";
import { replay } from "../domain/spool/replay.ts";
import { codeOf, OperatorError } from "../errors.ts";
import { ensureSchema, openDatabase } from "./database.ts";
import { startProgress } from "./progress.ts";

const STDIN = "-";
/** Held by a replay for as long as it works. The first number is this product's, the second means "replay". */
const REPLAY_LOCK = "5731, 4";

/**
 * Replays spools of pending inserts, one after another, until `stop` is aborted.
 *
 * @param files - paths; `-` is standard input
 * @returns the exit code: 0 where all of it was written, 1 where some statements are in a file beside the spool, to be mended
 * Throws OperatorError: a file that cannot be read, a schema that is not this version's, another replay at work.
 */
export async function runReplay(
  config: Config,
  files: readonly string[],
  flags: { readonly again: boolean },
  stop: AbortSignal,
  say: Say = (line) => process.stdout.write(`${line}\n`),
): Promise<number> {
  const spools = await openAll(files);
  // What fails together is tried again apart, and then warned of again.
  const warned = new Set<string>();
  const warn = (message: string): void => {
    if (!warned.has(message)) say(`warning: ${message}`);
    warned.add(message);
  };
  try {
    const database = await openDatabase(config, { purpose: "replay", stop });
    try {
      await ensureSchema(database, { migrateFirst: false, warn, progress: say, stop });
      const sessions = await Promise.all([
        openSession(database.url, NAME, warn),
        openSession(database.url, NAME, warn),
      ]);
      try {
        return (await replayAll(sessions, spools, { ...flags, stop, say })) ? 0 : 1;
      } finally {
        await Promise.all(sessions.map((session) => session.end()));
      }
    } finally {
      await database.release();
    }
  } finally {
    for (const spool of spools) await spool.close();
  }
}

/** Called with each line for the operator. */
type Say = (line: string) => void;

interface Options {
  readonly again: boolean;
  readonly stop: AbortSignal;
  readonly say: Say;
}

const NAME = "stage1-lineage replay";
const MEGABYTE = 1_000_000;
/** So many rejections are said; all are in the file. */
const SHOWN = 10;

/** Returns whether nothing is to be mended. */
async function replayAll(
  [db, guard]: readonly [Session, Session],
  spools: readonly Spool[],
  options: Options,
): Promise<boolean> {
  const [lock] = await guard.query<{ held: boolean }>(`SELECT pg_try_advisory_lock(${REPLAY_LOCK}) AS held`);
  if (!lock?.held) {
    throw new OperatorError(
      "Another replay works on this database: this one did nothing. Run it again once that one has ended.",
    );
  }
  // A commit need not wait for the disk: after a crash the journal is as old as the rows, and the replay goes on from there.
  await db.query(
    "SET synchronous_commit = off; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
  );
  let whole = true;
  for (const spool of spools) {
    whole = (await replayOne(db, guard, spool, options)) && whole;
    if (options.stop.aborted) {
      throw new OperatorError("Stopped. What was replayed stays; the same command goes on from there.");
    }
  }
  return whole;
}

/** Returns whether nothing is to be mended. */
async function replayOne(db: Session, trial: Session, spool: Spool, { again, stop, say }: Options): Promise<boolean> {
  const { file, size, name, final } = spool;
  const progress = startProgress(`Replaying ${name}`, Math.ceil(size / MEGABYTE), "MB");
  const start = performance.now();
  const result = await replay({
    ...{ db, trial, file, size, again, final, signal: stop },
    onProgress: (bytes, statements) => {
      const perSecond = Math.round(statements / ((performance.now() - start) / 1000));
      progress.report(Math.floor(bytes / MEGABYTE), `${perSecond} statements/s`);
    },
  }).finally(() => progress.end());
  if (stop.aborted) return false;

  const { journal, from, written, rejected, tail } = result;
  await db.query("SET synchronous_commit = on");
  const toMend = await saveRejected(db, spool, journal, say);
  await db.query("SET synchronous_commit = off");
  if (from.byte > 0) say(`${name}: what stands before line ${from.line} was replayed before; --again replays it too.`);
  say(`${name}: ${counted(written, "statement")} written, ${rejected} rejected.`);
  if (tail) {
    const table = tail.table ? ` (${tail.table.name})` : "";
    say(`${name}: the last statement${table}, on line ${tail.line}, is half written: it is left for the next replay.`);
  }
  return toMend === 0;
}

/** Puts what was rejected into a file beside the spool. Returns how many statements of it are to be mended. */
async function saveRejected(db: Session, spool: Spool, journal: Journal, say: Say): Promise<number> {
  const { file, name, rejectedPath } = spool;
  const first = await journal.unreported(db, 0, SHOWN);
  if (first.length === 0) {
    await journal.reported(db);
    return 0;
  }
  const rejected = await openRejected(rejectedPath);
  let toMend: number;
  try {
    toMend = await writeRejected(db, journal, file, rejected);
  } finally {
    await rejected.close();
  }
  for (const rejection of first) say(`  line ${rejection.line}: ${remark(rejection)}`);
  if (first.length === SHOWN) say("  …");
  say(`${name}: what was rejected stands in ${rejectedPath}: mend it there, and replay that file.`);
  return toMend;
}

async function openRejected(path: string): Promise<FileHandle> {
  try {
    return await open(path, "a", 0o600);
  } catch (error) {
    throw new OperatorError(
      `Cannot write ${path} (${codeOf(error)}), where the rejected statements belong: make it writable and replay again. ` +
        "Until then they are in the database's stage1_replay_rejections.",
    );
  }
}

/** A spool that is open for reading. */
interface Spool {
  readonly name: string;
  readonly file: FileHandle;
  /** Bytes. What is appended later is for the next replay. */
  readonly size: number;
  /** Nothing will be appended to it. */
  readonly final: boolean;
  readonly rejectedPath: string;
  close(): Promise<void>;
}

async function openAll(files: readonly string[]): Promise<Spool[]> {
  const spools: Spool[] = [];
  try {
    for (const path of new Set(files)) spools.push(path === STDIN ? await openStdin() : await openFile(path));
    return spools;
  } catch (error) {
    for (const spool of spools) await spool.close();
    throw error;
  }
}

async function openFile(path: string): Promise<Spool> {
  const file = await open(path).catch((error: unknown) => {
    throw new OperatorError(`Cannot read ${path} (${codeOf(error)}): correct the path, or make it readable.`);
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new OperatorError(`${path} is not a file: name a file, or pipe it in and name "-".`);
  }
  const rejectedPath = `${path}.rejected.sql`;
  return { name: path, file, size: stat.size, final: false, rejectedPath, close: () => file.close() };
}

/** Standard input comes once, and what is rejected must be read again: so it is kept in a file until the end. */
async function openStdin(): Promise<Spool> {
  const folder = await mkdtemp(join(tmpdir(), "stage1-replay-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "stdin.sql");
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }));
    const spool = await openFile(path);
    return {
      ...spool,
      ...{ name: "standard input", final: true, rejectedPath: "stdin.rejected.sql" },
      close: async () => {
        await spool.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

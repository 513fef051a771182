import { constants, createWriteStream } from "node:fs";
import { access, type FileHandle, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Config } from "../config.ts";
import { openSession, type Session } from "../db/pool.ts";
import { remark, writeRejected } from "../domain/spool/rejected-file.ts";
import { type ReplayResult, replay } from "../domain/spool/replay.ts";
import { codeOf, isConnectionError, messageOf, OperatorError } from "../errors.ts";
import { ensureSchema, openDatabase, placeOf } from "./database.ts";
import { startProgress } from "./progress.ts";
import { counted, databaseTime, summaryNotes } from "./replay-notes.ts";

const STDIN = "-";
const REJECTED = ".rejected.sql";
/** Held by a replay for as long as it works. The first number is this product's, the second means "replay". */
const REPLAY_LOCK = "5731, 4";

/** The flags of `replay`, as they stand on the command line. */
export interface ReplayFlags {
  /** Also what was replayed before. */
  readonly again: boolean;
  /** What belongs to an object that is not stored is written beside a placeholder of that; otherwise it is rejected. */
  readonly placeholders: boolean;
}

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
  flags: ReplayFlags,
  stop: AbortSignal,
  say: Say = (line) => process.stdout.write(`${line}\n`),
): Promise<number> {
  const spools = await openAll(files, stop);
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
        const pids = await Promise.all(sessions.map(backendOf));
        // What waits for somebody's lock would not see the signal.
        stop.addEventListener("abort", () => void cancel(database.url, pids).catch(() => {}));
        return (await replayAll(sessions, spools, { ...flags, stop, say })) ? 0 : 1;
      } catch (error) {
        if (stop.aborted) throw new OperatorError(`Stopped. ${goesOn(flags.again)}`);
        throw explained(error, database.url, flags.again);
      } finally {
        await Promise.allSettled(sessions.map((session) => session.end()));
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

interface Options extends ReplayFlags {
  readonly stop: AbortSignal;
  readonly say: Say;
}

const NAME = "stage1-lineage replay";
/** Limits that a role has for its daily work. Some are not known to every version. */
const NO_LIMITS = `
  SELECT set_config(name, '0', false) FROM pg_settings
  WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')`;
const MEGABYTE = 1_000_000;
/** So many rejections are said; all are in the file. */
const SHOWN = 10;

/** What an operator can mend: rights, room, a connection that was lost. Any other error as it is. */
function explained(error: unknown, url: string, again: boolean): unknown {
  const isServers = /^[0-9A-Z]{5}$/.test(codeOf(error) ?? "");
  if (error instanceof OperatorError || !(isServers || isConnectionError(error))) return error;
  const what = isConnectionError(error) ? "The connection to the database was lost" : "The database refused to go on";
  return new OperatorError(`${what}, at ${placeOf(url)} (${messageOf(error)}). ${goesOn(again)}`);
}

const goesOn = (again: boolean) =>
  `What was replayed stays; the same command ${again ? "begins at the beginning" : "goes on from there"}.`;

async function backendOf(session: Session): Promise<number> {
  const [row] = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return row?.pid ?? 0;
}

/** Ends what the sessions wait for, as Ctrl-C in psql does. */
async function cancel(url: string, pids: readonly number[]): Promise<void> {
  const session = await openSession(url, NAME, () => {});
  await session.query("SELECT pg_cancel_backend(pid) FROM unnest($1::integer[]) AS pid", [pids]);
  await session.end();
}

/** Returns whether nothing is to be mended. */
async function replayAll(
  [db, trial]: readonly [Session, Session],
  spools: readonly Spool[],
  options: Options,
): Promise<boolean> {
  const [lock] = await db.query<{ held: boolean }>(`SELECT pg_try_advisory_lock(${REPLAY_LOCK}) AS held`);
  if (!lock?.held) {
    throw new OperatorError(
      "Another replay works on this database: this one did nothing. Run it again once that one has ended.",
    );
  }
  // A commit need not wait for the disk: after a crash the journal is as old as the rows, and the replay goes on from there.
  await db.query("SET synchronous_commit = off");
  await db.query("SELECT set_config('stage1.placeholders', $1, false)", [options.placeholders ? "on" : "off"]);
  for (const session of [db, trial]) await session.query(NO_LIMITS);
  let whole = true;
  for (const spool of spools) {
    whole = (await replayOne(db, trial, spool, options)) && whole;
    if (options.stop.aborted) {
      throw new OperatorError(`Stopped. ${goesOn(options.again)}`);
    }
  }
  return whole;
}

/** Returns whether nothing is to be mended. */
async function replayOne(db: Session, trial: Session, spool: Spool, { again, stop, say }: Options): Promise<boolean> {
  const { file, size, name, final } = spool;
  const progress = startProgress(`Replaying ${name}`, Math.ceil(size / MEGABYTE), "MB");
  const start = performance.now();
  const before = await databaseTime(db);
  const onProgress = (bytes: number, statements: number): void => {
    const perSecond = Math.round(statements / ((performance.now() - start) / 1000));
    progress.report(Math.floor(bytes / MEGABYTE), `${perSecond} statements/s`);
  };
  const result = await replay({ db, trial, file, size, again, final, signal: stop, onProgress }).catch((error) => {
    progress.end();
    throw error;
  });
  if (stop.aborted) {
    progress.end();
    return false;
  }

  progress.report(Math.ceil(size / MEGABYTE));
  progress.end();
  const { from, written, tail } = result;
  await db.query("RESET synchronous_commit");
  const { toMend, outOfDate, first } = await saveRejected(db, spool, result);
  await db.query("SET synchronous_commit = off");
  if (from.byte > 0) say(`${name}: what stands before line ${from.line} was replayed before; --again replays it too.`);
  say(`${name}: ${counted(written, "statement")} written, ${toMend + outOfDate} rejected.`);
  for (const rejection of first) say(`  line ${rejection.line}: ${remark(rejection)}`);
  if (first.length === SHOWN) say("  and more");
  for (const line of await summaryNotes(db, before, result)) say(`${name}: ${line}`);
  if (first.length > 0) {
    const what = toMend > 0 ? ": mend it there, and replay that file" : ", out of date";
    say(`${name}: what was rejected stands in ${spool.rejectedPath}${what}.`);
  }
  if (tail) {
    const table = tail.table ? ` (${tail.table.name})` : "";
    say(`${name}: the last statement${table}, on line ${tail.line}, is half written: it is left for the next replay.`);
  }
  return toMend === 0;
}

/** Puts what was rejected into a file beside the spool. Returns the numbers of statements, and the first stretches. */
async function saveRejected(db: Session, { file, rejectedPath: path }: Spool, result: ReplayResult) {
  const first = await result.journal.unreported(db, 0, SHOWN);
  if (first.length > 0) return { ...(await writeRejected(db, { ...result, file, path })), first };
  await result.journal.markReported(db);
  return { toMend: 0, outOfDate: 0, first };
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

async function openAll(files: readonly string[], stop: AbortSignal): Promise<Spool[]> {
  const spools: Spool[] = [];
  try {
    for (const path of new Set(files)) {
      const spool = path === STDIN ? await openStdin(stop) : await openFile(path);
      spools.push(spool);
      await requirePlace(spool.rejectedPath);
    }
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
  const found = await file.stat();
  if (!found.isFile()) {
    await file.close();
    throw new OperatorError(`${path} is not a file: name a file, or pipe it in and name "-".`);
  }
  const rejectedPath = `${path}${REJECTED}`;
  // Nobody goes on writing what was rejected.
  const final = path.endsWith(REJECTED);
  return { name: path, file, size: found.size, final, rejectedPath, close: () => file.close() };
}

/** What is rejected must find its place, so that is looked after before anything is done. */
async function requirePlace(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
    const there = await stat(path).catch(() => undefined);
    if (there && !there.isFile()) throw new Error("it is not a file");
    if (there) await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new OperatorError(
      `What is rejected could not be written to ${path} (${codeOf(error) ?? messageOf(error)}): make room for it there. Nothing was done.`,
    );
  }
}

/** Standard input comes once, and what is rejected must be read again: so it is kept in a file until the end. */
async function openStdin(stop: AbortSignal): Promise<Spool> {
  const folder = await mkdtemp(join(tmpdir(), "stage1-replay-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "stdin.sql");
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }), { signal: stop });
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
    if (stop.aborted) throw new OperatorError("Stopped before standard input had ended: nothing was done.");
    throw error;
  }
}

import type { FileHandle } from "node:fs/promises";
import type { Db } from "../../db/pool.ts";
import { Journal } from "./journal.ts";
import type { LaterRows } from "./later-rows.ts";
import { type Position, SpoolReader, type Tail } from "./reader.ts";
import { Refusal } from "./refusal.ts";
import { Replayer } from "./replayer.ts";
import { judge, type Shape } from "./shape.ts";
import { loadParser } from "./statement.ts";
import { columnTypes } from "./tables.ts";
import { datasetsOf, objectOf, type Unit, UnitBuilder } from "./unit.ts";
import { isRowsFault, reasonOf } from "./writer.ts";

export interface ReplayOptions {
  /** A session for the transactions. */
  readonly db: Db;
  /** Another one, on which a shape's statement is tried out. */
  readonly trial: Db;
  readonly file: FileHandle;
  /** Bytes of the file that count. */
  readonly size: number;
  /** Also what was replayed before. */
  readonly again: boolean;
  /** Nothing will be appended to the file: what is half written at its end is rejected. */
  readonly final: boolean;
  readonly signal: AbortSignal;
  /** Called now and then with the byte up to which all is done, and the number of statements that were read. */
  onProgress?(bytes: number, statements: number): void;
}

export interface ReplayResult {
  readonly journal: Journal;
  /** What was written of objects that were rejected before. */
  readonly later: LaterRows;
  /** The judgement of a shape, once more. */
  readonly judge: (shape: string) => Promise<Shape>;
  /** Where this replay began: what is before it was done by earlier ones. */
  readonly from: Position;
  readonly written: number;
  readonly rejected: number;
  /** Folds that were stored by an earlier export of a run, and that its new one does not have. */
  readonly formerFolds: number;
  /** Ids of the datasets that statements name. */
  readonly datasets: readonly string[];
  readonly tail: Tail | undefined;
}

/**
 * Writes what a spool says into the database, each object whole or not at all, and records in the journal how far it is and
 * what it rejected. Ends early where `signal` is aborted. Rejects where the database fails; what was done until then is
 * recorded.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  await loadParser();
  const { db, trial, file, size, again, final, signal } = options;
  const journal = await Journal.open(db, file, size, again);
  const columns = await columnTypes(trial);
  const from = journal.start.position;
  const reader = new SpoolReader({ file, from, end: size, final, judge: tryOut });
  const replayer = new Replayer(db, journal, await journal.rejectedObjects(db));
  if (from.byte > journal.reportedUpTo) await recall();
  const units = new UnitBuilder();
  const datasets = new Set<string>();
  // One unit is written while the next is read.
  let writing = Promise.resolve();
  const write = async (unit: Unit): Promise<void> => {
    await writing;
    writing = replayer.write(unit);
    writing.catch(() => {}); // it is awaited before the next, or below
    if (sizeOf(unit) > LARGE) await writing; // two of them at once would take too much memory
    options.onProgress?.(replayer.done, replayer.written + replayer.rejected);
  };
  for (let entries = await reader.read(); entries && !signal.aborted; entries = await reader.read()) {
    for (const entry of entries) {
      if (datasets.size < MAX_DATASETS) for (const id of datasetsOf(entry)) datasets.add(id);
      for (const unit of units.add(entry)) await write(unit);
    }
  }
  if (!signal.aborted) for (const unit of units.end()) await write(unit);
  await writing;
  await replayer.abandon();
  const { written, rejected, formerFolds, later } = replayer;
  return {
    ...{ journal, later, judge: tryOut, from, written, rejected, formerFolds },
    datasets: [...datasets],
    tail: reader.tail,
  };

  /** Learns from the spool what the replay that was ended early had written of objects that it had rejected before. */
  async function recall(): Promise<void> {
    const objects = await journal.supersededObjects(db);
    if (objects.length === 0) return;
    for (const object of objects) replayer.later.watch(object);
    const rejections = await journal.unreported(db, 0, Number.MAX_SAFE_INTEGER);
    const start = { byte: journal.reportedUpTo, line: 1 };
    const done = new SpoolReader({ file, from: start, end: from.byte, final: true, judge: tryOut });
    for (let entries = await done.read(); entries; entries = await done.read()) {
      for (const entry of entries) {
        const object = objectOf(entry);
        const at = entry.to.byte;
        if (object === undefined || !replayer.later.concerns(object)) continue;
        if (!rejections.some(({ first_byte, end_byte }) => first_byte < at && at <= end_byte)) {
          replayer.later.add(object, [entry]);
        }
      }
    }
  }

  async function tryOut(text: string): Promise<Shape> {
    const shape = judge(text, columns);
    try {
      await trial.query(
        `EXPLAIN ${shape.sql}`,
        shape.slots.map(() => null),
      );
    } catch (error) {
      if (isRowsFault(error)) throw new Refusal(reasonOf(error), shape.table);
      throw error;
    }
    return shape;
  }
}

/** Of so many datasets a spool is told whether they are stored under another id. */
const MAX_DATASETS = 100_000;
/** Bytes. */
const LARGE = 2 * 1024 * 1024;
const sizeOf = ({ entries }: Unit) => entries.reduce((sum, { bytes }) => sum + bytes.length, 0);

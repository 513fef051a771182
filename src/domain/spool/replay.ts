import type { FileHandle } from "node:fs/promises";
import type { Db } from "../../db/pool.ts";
import { codeOf } from "../../errors.ts";
import { Journal, type Mark, markAfter } from "./journal.ts";
import { ObjectTransaction, type Outcome, rowsOf } from "./object.ts";
import { type Position, SpoolReader, type Tail } from "./reader.ts";
import { judge, loadParser, Refusal, type Shape } from "./shape.ts";
import { columnTypes } from "./tables.ts";
import { type Group, type Unit, UnitBuilder } from "./unit.ts";
import { isRowsFault, reasonOf, writeRows } from "./writer.ts";

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
  /** Where this replay began: what is before it was done by earlier ones. */
  readonly from: Position;
  readonly written: number;
  readonly rejected: number;
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
  const units = new UnitBuilder();
  // One unit is written while the next is read.
  let writing = Promise.resolve();
  const write = async (unit: Unit): Promise<void> => {
    await writing;
    writing = replayer.write(unit);
    writing.catch(() => {}); // it is awaited before the next, or below
    options.onProgress?.(replayer.done, replayer.written + replayer.rejected);
  };
  for (let entries = await reader.read(); entries && !signal.aborted; entries = await reader.read()) {
    for (const entry of entries) for (const unit of units.add(entry)) await write(unit);
  }
  if (!signal.aborted) for (const unit of units.end()) await write(unit);
  await writing;
  await replayer.abandon();
  return { journal, from, written: replayer.written, rejected: replayer.rejected, tail: reader.tail };

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

/** Two writers that wait for each other: PostgreSQL ends one, which may try again. */
const isTransient = (error: unknown): boolean => /^(?:40001|40P01|55P03)$/.test(codeOf(error) ?? "");
const MAX_ATTEMPTS = 5;

class Replayer {
  readonly #db: Db;
  readonly #journal: Journal;
  readonly #rejectedObjects: Map<string, number>;
  #mark: Mark;
  /** The object whose pieces are coming in, and the mark behind the last of them. */
  #open: { object: ObjectTransaction; mark: Mark } | undefined;
  written = 0;
  rejected = 0;

  constructor(db: Db, journal: Journal, rejectedObjects: Map<string, number>) {
    this.#db = db;
    this.#journal = journal;
    this.#rejectedObjects = rejectedObjects;
    this.#mark = journal.start;
  }

  /** All before this byte is done. */
  get done(): number {
    return this.#mark.position.byte;
  }

  async write(unit: Unit): Promise<void> {
    if (unit.continues || unit.goesOn) await this.#writePiece(unit);
    else if (!this.#isPlain(unit) || !(await this.#writeTogether(unit))) await this.#writeApart(unit);
  }

  /** Takes back what is not whole. */
  async abandon(): Promise<void> {
    if (this.#open) await this.#db.query("ROLLBACK");
    this.#open = undefined;
  }

  /** Whether nothing speaks against writing all of it at once. */
  #isPlain({ entries, groups }: Unit): boolean {
    return (
      !entries.some(({ row }) => row instanceof Refusal) &&
      (this.#rejectedObjects.size === 0 ||
        !groups.some(({ object = "", needs }) => [object, ...needs].some((name) => this.#rejectedObjects.has(name))))
    );
  }

  /** Many objects in one transaction, in few statements. Returns false where a row cannot be written: then none is. */
  async #writeTogether({ entries }: Unit): Promise<boolean> {
    const mark = markAfter(this.#mark, entries);
    try {
      await transaction(this.#db, async () => {
        await writeRows(this.#db, rowsOf(entries));
        await this.#journal.save(this.#db, mark, entries.length);
      });
    } catch (error) {
      if (isRowsFault(error) || isTransient(error)) return false;
      throw error;
    }
    this.#mark = mark;
    this.written += entries.length;
    return true;
  }

  /** Each object in a transaction of its own, which finds out what cannot be written. */
  async #writeApart({ entries, groups }: Unit): Promise<void> {
    const outcomes: Outcome[] = [];
    for (const group of groups) {
      for (let attempt = 1; ; attempt += 1) {
        const object = await ObjectTransaction.begin(this.#db, group, this.#obstacle(group));
        try {
          await object.write(group.entries);
          outcomes.push(await object.end());
          break;
        } catch (error) {
          await this.#db.query("ROLLBACK");
          if (!isTransient(error) || attempt === MAX_ATTEMPTS) throw error;
        }
      }
      const outcome = outcomes.at(-1);
      if (outcome) this.#remember(group, outcome);
    }
    await this.#record(markAfter(this.#mark, entries), outcomes);
  }

  async #writePiece({ entries, groups, goesOn }: Unit): Promise<void> {
    const [group] = groups;
    if (!group) return;
    this.#open ??= {
      object: await ObjectTransaction.begin(this.#db, group, this.#obstacle(group)),
      mark: this.#mark,
    };
    const { object, mark } = this.#open;
    await object.write(entries);
    this.#open = { object, mark: markAfter(mark, entries) };
    if (goesOn) return;
    const outcome = await object.end();
    this.#remember(group, outcome);
    await this.#record(this.#open.mark, [outcome]);
    this.#open = undefined;
  }

  /** What was rejected of the things that a group needs; parts alone need their object too. */
  #obstacle({ object = "", own, needs }: Group): string | undefined {
    for (const name of own.size > 0 ? needs : [object, ...needs]) {
      const line = this.#rejectedObjects.get(name);
      if (line !== undefined) return `it needs the ${name}, which was rejected on line ${line}`;
    }
    return undefined;
  }

  #remember({ object, own }: Group, outcome: Outcome): void {
    if (object === undefined) return;
    if (outcome.failedLine !== undefined) this.#rejectedObjects.set(object, outcome.failedLine);
    else if (own.size > 0 && this.#rejectedObjects.delete(object)) outcome.supersedes = object;
  }

  async #record(mark: Mark, outcomes: readonly Outcome[]): Promise<void> {
    const rejections = outcomes.flatMap((outcome) => outcome.rejections);
    const written = outcomes.reduce((sum, outcome) => sum + outcome.written, 0);
    await transaction(this.#db, async () => {
      if (rejections.length > 0) await this.#journal.reject(this.#db, rejections);
      for (const { supersedes, firstLine } of outcomes) {
        if (supersedes !== undefined) await this.#journal.supersede(this.#db, supersedes, firstLine);
      }
      await this.#journal.save(this.#db, mark, written);
    });
    this.#mark = mark;
    this.written += written;
    for (const { statements } of rejections) this.rejected += statements;
  }
}

async function transaction(db: Db, work: () => Promise<void>): Promise<void> {
  await db.query("BEGIN");
  try {
    await work();
    await db.query("COMMIT");
  } catch (error) {
    await db.query("ROLLBACK").catch(() => {}); // the first error says more than a lost connection
    throw error;
  }
}

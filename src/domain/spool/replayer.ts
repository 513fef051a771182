import type { Db } from "../../db/pool.ts";
import { inTransaction } from "../../db/transaction.ts";
import { codeOf } from "../../errors.ts";
import { ExportedFolds } from "./former-folds.ts";
import { type Journal, type Mark, markAfter, type Rejection } from "./journal.ts";
import { LaterRows } from "./later-rows.ts";
import { ObjectTransaction, rowsOf } from "./object.ts";
import type { Entry } from "./reader.ts";
import { Refusal } from "./refusal.ts";
import type { Group, Unit } from "./unit.ts";
import { isRowsFault, sendRows, settle } from "./writer.ts";

/** Two writers that wait for each other: PostgreSQL ends one, which may try again. */
const isTransient = (error: unknown): boolean => /^(?:40001|40P01|55P03)$/.test(codeOf(error) ?? "");
const MAX_ATTEMPTS = 5;

/** Writes units, and records what became of them. */
export class Replayer {
  readonly #db: Db;
  readonly #journal: Journal;
  /** What needs one of these is rejected too. By the line of the rejection. */
  readonly #rejectedObjects: Map<string, number>;
  #mark: Mark;
  /** The object whose pieces are coming in, and the mark behind the last of them. */
  #open: { object: ObjectTransaction; mark: Mark; entries: Entry[] } | undefined;
  readonly later: LaterRows;
  /** Objects of this unit that were rejected before and are written now, with the line. */
  readonly #superseded = new Map<string, number>();
  written = 0;
  rejected = 0;
  /** Folds of earlier exports that were removed. */
  formerFolds = 0;

  constructor(db: Db, journal: Journal, rejectedObjects: Map<string, number>) {
    this.#db = db;
    this.#journal = journal;
    this.#rejectedObjects = rejectedObjects;
    this.#mark = journal.start;
    this.later = new LaterRows(rejectedObjects.keys());
  }

  /** All before this byte is done. */
  get done(): number {
    return this.#mark.position.byte;
  }

  async write(unit: Unit): Promise<void> {
    await this.#journal.begin(this.#db);
    if (unit.continues || unit.goesOn) return this.#writePiece(unit);
    const mark = markAfter(this.#mark, unit.entries);
    const { groups } = unit;
    // Of an object that was rejected before, more is to be recorded than the mark.
    const plain = groups.every((group) => this.#isPlain(group) && !this.#rejectedObjects.has(group.object ?? ""));
    if (!plain || !(await this.#writeTogether(groups, mark))) await this.#writeApart(groups, mark);
  }

  /** Takes back what is not whole. */
  async abandon(): Promise<void> {
    if (this.#open) await this.#db.query("ROLLBACK");
    this.#open = undefined;
  }

  /** Whether nothing speaks against writing it, as far as can be seen. */
  #isPlain(group: Group): boolean {
    return this.#obstacle(group) === undefined && !group.entries.some(({ row }) => row instanceof Refusal);
  }

  /**
   * Many objects in one transaction, in few statements, and the mark where there is one. Returns false where a row
   * cannot be written: then none is.
   */
  async #writeTogether(groups: readonly Group[], mark?: Mark): Promise<boolean> {
    const entries = groups.flatMap((group) => group.entries).sort((a, b) => a.to.byte - b.to.byte);
    const folds = new ExportedFolds();
    for (const group of groups) folds.add(group, group.entries);
    let formerFolds = 0;
    try {
      // Sent at once, so that PostgreSQL need not wait for this process, which reads on meanwhile.
      const begun = this.#db.query("BEGIN");
      const sent = sendRows(this.#db, rowsOf(entries));
      const removing = folds.removeFormer(this.#db);
      sent.push(removing);
      if (mark) sent.push(this.#journal.save(this.#db, mark, entries.length));
      await settle([begun, ...sent, this.#db.query("COMMIT")]); // which undoes all where one has failed
      formerFolds = await removing;
    } catch (error) {
      if (isRowsFault(error) || isTransient(error)) return false;
      throw error;
    }
    if (mark) this.#mark = mark;
    this.written += entries.length;
    this.formerFolds += formerFolds;
    for (const group of groups) this.#remember(group, group.entries);
    return true;
  }

  /** As many objects together as can be, by halves; one that cannot be written alone, to find out what speaks against it. */
  async #writeApart(groups: readonly Group[], mark: Mark): Promise<void> {
    const before = this.written;
    const rejections: Rejection[] = [];
    const attempt = async (some: readonly Group[]): Promise<void> => {
      const [group] = some;
      if (some.length > 1) {
        if (
          some.length < groups.length &&
          some.every((each) => this.#isPlain(each)) &&
          (await this.#writeTogether(some))
        ) {
          return;
        }
        const half = Math.ceil(some.length / 2);
        await attempt(some.slice(0, half));
        await attempt(some.slice(half));
      } else if (group) rejections.push(...(await this.#writeAlone(group)));
    };
    await attempt(groups);
    await this.#record(mark, rejections, this.written - before);
  }

  async #writeAlone(group: Group): Promise<readonly Rejection[]> {
    for (let attempt = 1; ; attempt += 1) {
      const object = await ObjectTransaction.begin(this.#db, group, this.#obstacle(group));
      try {
        await object.write(group.entries);
        return await this.#finish(group, object, group.entries);
      } catch (error) {
        await this.#db.query("ROLLBACK").catch(() => {}); // the first error says more than a lost connection
        if (!isTransient(error) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #writePiece({ entries, groups, goesOn }: Unit): Promise<void> {
    const [group] = groups;
    if (!group) return;
    this.#open ??= {
      object: await ObjectTransaction.begin(this.#db, group, this.#obstacle(group)),
      mark: this.#mark,
      entries: [],
    };
    const open = this.#open;
    await open.object.write(entries);
    open.mark = markAfter(open.mark, entries);
    if (this.later.concerns(group.object)) open.entries.push(...entries);
    if (goesOn) return;
    this.#open = undefined;
    const before = this.written;
    const rejections = await this.#finish(group, open.object, open.entries);
    await this.#record(open.mark, rejections, this.written - before);
  }

  /** Ends an object's transaction, and keeps in mind what became of it. */
  async #finish(group: Group, object: ObjectTransaction, entries: readonly Entry[]): Promise<readonly Rejection[]> {
    const { rejections, written, failedLine, formerFolds } = await object.end();
    this.written += written;
    this.formerFolds += formerFolds;
    if (failedLine === undefined) {
      this.#remember(group, entries);
    } else if (group.object !== undefined) {
      this.#rejectedObjects.set(group.object, failedLine);
      this.later.watch(group.object);
    }
    return rejections;
  }

  /** What was rejected of the things that a group needs; parts alone need their object too. */
  #obstacle({ object = "", own, needs }: Group): string | undefined {
    if (this.#rejectedObjects.size === 0) return undefined;
    for (const name of own.size > 0 ? needs : [object, ...needs]) {
      const line = this.#rejectedObjects.get(name);
      if (line !== undefined) return `it needs the ${name}, which was rejected on line ${line}`;
    }
    return undefined;
  }

  /** Of an object that is written. */
  #remember({ object, own }: Group, entries: readonly Entry[]): void {
    if (object === undefined || !this.later.concerns(object)) return;
    if (own.size > 0 && this.#rejectedObjects.delete(object)) this.#superseded.set(object, entries[0]?.line ?? 0);
    this.later.add(object, entries);
  }

  async #record(mark: Mark, rejections: readonly Rejection[], written: number): Promise<void> {
    const inOrder = rejections.toSorted((a, b) => a.first_byte - b.first_byte);
    await inTransaction(this.#db, async () => {
      await this.#journal.reject(this.#db, inOrder);
      for (const [object, line] of this.#superseded) await this.#journal.supersede(this.#db, object, line);
      await this.#journal.save(this.#db, mark, written);
    });
    this.#mark = mark;
    this.#superseded.clear();
    for (const { statements } of rejections) this.rejected += statements;
  }
}

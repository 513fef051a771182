import type { Db } from "../../db/pool.ts";
import { ExportedFolds } from "./former-folds.ts";
import type { Rejection } from "./journal.ts";
import type { Entry, Row } from "./reader.ts";
import { Refusal } from "./refusal.ts";
import { type Group, isStranger } from "./unit.ts";
import { isRowsFault, sendRows, settle, writeRowsApart } from "./writer.ts";

/** What became of an object. */
export interface Outcome {
  readonly firstLine: number;
  /** Statements. */
  readonly written: number;
  readonly rejections: readonly Rejection[];
  /** The line for which it was rejected; undefined: it is written. */
  readonly failedLine: number | undefined;
  /** Folds of earlier exports that were removed. */
  readonly formerFolds: number;
}

/** Statements that stand together in the spool; without a reason of their own they share the object's. */
interface Stretch {
  first_byte: number;
  end_byte: number;
  line: number;
  statements: number;
  readonly reason: string | undefined;
  readonly stranger: boolean;
}

/** So many statements of an object are looked for that cannot be written; then it is clear enough. */
const MAX_FAILURES = 50;

/** Writes one object whole or not at all, and finds out what speaks against it. */
export class ObjectTransaction {
  readonly #db: Db;
  readonly #group: Group;
  readonly #obstacle: string | undefined;
  readonly #stretches: Stretch[] = [];
  #firstLine: number | undefined;
  #failedLine: number | undefined;
  #failures = 0;
  /** The object's own row cannot be written: no part of it can. */
  #headless = false;
  #written = 0;
  readonly #folds = new ExportedFolds();

  private constructor(db: Db, group: Group, obstacle: string | undefined) {
    this.#db = db;
    this.#group = group;
    this.#obstacle = obstacle;
  }

  /** @param obstacle - why it is rejected, whatever it holds */
  static async begin(db: Db, group: Group, obstacle: string | undefined): Promise<ObjectTransaction> {
    await db.query("BEGIN");
    return new ObjectTransaction(db, group, obstacle);
  }

  /** Takes the next statements of the object. Rejects where the database fails. */
  async write(entries: readonly Entry[]): Promise<void> {
    this.#firstLine ??= entries[0]?.line;
    this.#folds.add(this.#group, entries);
    const reasons = new Map<Entry, string>();
    for (const entry of entries) {
      if (!(entry.row instanceof Refusal)) continue;
      reasons.set(entry, entry.row.message);
      if (!isStranger(entry)) this.#headless ||= entry.table?.own ?? false;
    }
    if (this.#obstacle === undefined && !this.#headless) {
      const failures = await this.#writeRows(rowsOf(entries));
      this.#failures += failures.size;
      for (const entry of entries) {
        const reason = entry.row instanceof Refusal ? undefined : failures.get(entry.row);
        if (reason === undefined) continue;
        reasons.set(entry, reason);
        this.#headless ||= entry.table?.own ?? false;
      }
    }
    for (const entry of entries) this.#note(entry, reasons.get(entry));
  }

  async #writeRows(rows: readonly Row[]): Promise<Map<Row, string>> {
    const db = this.#db;
    try {
      const begun = db.query("SAVEPOINT stage1_piece");
      await settle([begun, ...sendRows(db, rows), db.query("RELEASE SAVEPOINT stage1_piece")]);
      return new Map();
    } catch (error) {
      if (!isRowsFault(error)) throw error;
      await db.query("ROLLBACK TO SAVEPOINT stage1_piece");
      return writeRowsApart(db, rows, MAX_FAILURES - this.#failures);
    }
  }

  /** Commits, or takes everything back. */
  async end(): Promise<Outcome> {
    const { object = null } = this.#group;
    const failed = this.#obstacle !== undefined || this.#failedLine !== undefined;
    const formerFolds = failed ? 0 : await this.#folds.removeFormer(this.#db);
    await this.#db.query(failed ? "ROLLBACK" : "COMMIT");
    const firstLine = this.#firstLine ?? 0;
    const shared = this.#obstacle ?? `rejected with line ${this.#failedLine}`;
    return {
      firstLine,
      formerFolds,
      written: failed ? 0 : this.#written,
      failedLine: failed ? (this.#failedLine ?? firstLine) : undefined,
      rejections: this.#stretches
        .filter(({ stranger }) => failed || stranger)
        .map(({ stranger, reason, ...stretch }) => ({
          ...stretch,
          object: stranger ? null : object,
          reason: reason ?? shared,
          superseded_by_line: null,
        })),
    };
  }

  #note(entry: Entry, reason: string | undefined): void {
    const stranger = isStranger(entry);
    if (reason !== undefined && !stranger) this.#failedLine ??= entry.line;
    if (reason === undefined) this.#written += 1;
    const first_byte = entry.to.byte - entry.bytes.length;
    const last = this.#stretches.at(-1);
    if (last && last.reason === undefined && reason === undefined && last.end_byte === first_byte) {
      last.end_byte = entry.to.byte;
      last.statements += 1;
    } else {
      const { line, to } = entry;
      this.#stretches.push({ first_byte, end_byte: to.byte, line, statements: 1, reason, stranger });
    }
  }
}

export function rowsOf(entries: readonly Entry[]): Row[] {
  return entries.flatMap(({ row }) => (row instanceof Refusal ? [] : [row]));
}

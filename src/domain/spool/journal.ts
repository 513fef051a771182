import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Db } from "../../db/pool.ts";
import type { Entry, Position } from "./reader.ts";

const CHUNK = 1024 * 1024;
const PAGE = 1000;

/** Everything in a spool before this place is done: each statement is written, or rejected. */
export interface Mark {
  readonly position: Position;
  /** SHA-256 of the bytes before it. Not to be changed: copies are. */
  readonly hash: Hash;
}

/** The mark behind these entries, which follow it. */
export function markAfter(mark: Mark, entries: readonly Entry[]): Mark {
  const hash = mark.hash.copy();
  for (const { bytes } of entries) hash.update(bytes);
  return { position: entries.at(-1)?.to ?? mark.position, hash };
}

/** A stretch of statements, one after another, that were not written. */
export interface Rejection {
  readonly first_byte: number;
  readonly end_byte: number;
  readonly line: number;
  readonly statements: number;
  /** What they are a part of, as `run 1111…`; null where that could not be told. */
  readonly object: string | null;
  readonly reason: string;
  /** Where a later export of the object begins, of which at least its own row was written. */
  readonly superseded_by_line: number | null;
}

interface StoredMark {
  replay_id: number;
  token: string;
  bytes: number;
  lines: number;
  sha256: string;
  reported_bytes: number;
}

/**
 * What the database knows of one spool: how far it was replayed, and what of it was rejected. A replay that was ended
 * early goes on in its own row; otherwise each has a new one, so that a spool is known by each length that it once had.
 */
export class Journal {
  #id: number | undefined;
  #token: string | undefined;
  /** Where the replay goes on. */
  readonly start: Mark;
  /** Rejections before this byte stand in the file of rejected statements. */
  readonly reportedUpTo: number;

  private constructor(row: { replay_id: number; token: string } | undefined, start: Mark, reported: number) {
    this.#id = row?.replay_id;
    this.#token = row?.token;
    this.start = start;
    this.reportedUpTo = reported;
  }

  /**
   * Finds the longest beginning of the file that was replayed before, or begins anew.
   *
   * @param size - bytes of the file that count
   * @param again - begin anew anyway
   */
  static async open(db: Db, file: FileHandle, size: number, again: boolean): Promise<Journal> {
    const stored = await db.query<StoredMark>(
      `SELECT replay_id, token, bytes, lines, sha256, reported_bytes FROM stage1_replays
       WHERE bytes BETWEEN 1 AND $1 AND NOT $2 ORDER BY bytes, replay_id`,
      [size, again],
    );
    const hash = createHash("sha256");
    let found = new Journal(undefined, { position: { byte: 0, line: 1 }, hash: hash.copy() }, 0);
    const buffer = Buffer.allocUnsafe(CHUNK);
    let at = 0;
    for (const row of stored) {
      const { bytes, lines, sha256, reported_bytes } = row;
      while (at < bytes) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
        if (bytesRead === 0) return found;
        hash.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      if (hash.copy().digest("hex") !== sha256) continue;
      const start = { position: { byte: bytes, line: lines }, hash: hash.copy() };
      found = new Journal(reported_bytes < bytes ? row : undefined, start, reported_bytes);
    }
    return found;
  }

  /** Makes the row of this replay, where it has none. Not part of a transaction that may be undone. */
  async begin(db: Db): Promise<void> {
    if (this.#id !== undefined) return;
    const { position, hash } = this.start;
    const [row] = await db.query<{ replay_id: number; token: string }>(
      `INSERT INTO stage1_replays (bytes, lines, sha256, reported_bytes) VALUES ($1, $2, $3, $1) RETURNING replay_id, token`,
      [position.byte, position.line, hash.copy().digest("hex")],
    );
    this.#id = row?.replay_id;
    this.#token = row?.token;
  }

  /** What the file of rejected statements knows this replay by, once something was done. */
  get token(): string | undefined {
    return this.#token;
  }

  /**
   * Stores how far the replay is. In the transaction that does the last of it, or after the transactions of single objects:
   * a kill between these writes them once more.
   */
  async save(db: Db, { position, hash }: Mark, written: number): Promise<void> {
    await db.query(
      `UPDATE stage1_replays SET bytes = $2, lines = $3, sha256 = $4, statements = statements + $5, updated_at = now()
       WHERE replay_id = $1`,
      [this.#id, position.byte, position.line, hash.copy().digest("hex"), written],
    );
  }

  async reject(db: Db, rejections: readonly Rejection[]): Promise<void> {
    for (let from = 0; from < rejections.length; from += PAGE) {
      const page = rejections.slice(from, from + PAGE);
      await db.query(
        `INSERT INTO stage1_replay_rejections (replay_id, first_byte, end_byte, line, statements, object, reason)
         SELECT $1, first_byte, end_byte, line, statements, object, reason
         FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
           AS own(first_byte, end_byte, line, statements, object, reason)`,
        [
          this.#id,
          page.map((rejection) => rejection.first_byte),
          page.map((rejection) => rejection.end_byte),
          page.map((rejection) => rejection.line),
          page.map((rejection) => rejection.statements),
          page.map((rejection) => rejection.object),
          page.map((rejection) => rejection.reason),
        ],
      );
    }
  }

  /** Notes that a later export of an object that was rejected is written, from this line on. */
  async supersede(db: Db, object: string, line: number): Promise<void> {
    await db.query(
      `UPDATE stage1_replay_rejections SET superseded_by_line = $4
       WHERE replay_id = $1 AND object = $2 AND first_byte >= $3 AND line < $4 AND superseded_by_line IS NULL`,
      [this.#id, object, this.reportedUpTo, line],
    );
  }

  /** The objects that were rejected and not exported again since: what needs them is rejected too. By the line of the rejection. */
  async rejectedObjects(db: Db): Promise<Map<string, number>> {
    const rows = await db.query<{ object: string; line: number }>(
      `SELECT object, min(line) AS line FROM stage1_replay_rejections
       WHERE replay_id = $1 AND first_byte >= $2 AND superseded_by_line IS NULL AND object IS NOT NULL GROUP BY object`,
      [this.#id, this.reportedUpTo],
    );
    return new Map(rows.map(({ object, line }) => [object, line]));
  }

  /** The objects that were rejected and exported again since. */
  async supersededObjects(db: Db): Promise<string[]> {
    const rows = await db.query<{ object: string }>(
      `SELECT DISTINCT object FROM stage1_replay_rejections
       WHERE replay_id = $1 AND first_byte >= $2 AND superseded_by_line IS NOT NULL`,
      [this.#id, this.reportedUpTo],
    );
    return rows.map(({ object }) => object);
  }

  /** Rejections that are in no file of rejected statements yet, in order, from a byte on. */
  unreported(db: Db, from: number, limit: number): Promise<Rejection[]> {
    return db.query<Rejection>(
      `SELECT first_byte, end_byte, line, statements, object, reason, superseded_by_line FROM stage1_replay_rejections
       WHERE replay_id = $1 AND first_byte >= $2 ORDER BY first_byte LIMIT $3`,
      [this.#id, Math.max(from, this.reportedUpTo), limit],
    );
  }

  /** All rejections so far stand in the file of rejected statements. */
  async markReported(db: Db): Promise<void> {
    await db.query("UPDATE stage1_replays SET reported_bytes = bytes WHERE replay_id = $1", [this.#id]);
  }
}

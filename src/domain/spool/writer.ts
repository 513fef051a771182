import type { Db } from "../../db/pool.ts";
import { codeOf, messageOf } from "../../errors.ts";
import type { Literal } from "./lexer.ts";
import type { Row } from "./reader.ts";
import { SPOOL_TABLES } from "./tables.ts";
import { canonicalId } from "./uuid.ts";

/** Rows that one statement writes: of one shape, no two of them with the same key, or with the same slug. */
interface Batch {
  readonly sql: string;
  readonly single: boolean;
  readonly rows: readonly Row[];
}

const RANKS = new Set(SPOOL_TABLES.map(({ rank }) => rank));
const MAX_ROWS = 1000;
/** Characters. A clipboard text can be long. */
const MAX_LENGTH = 1_000_000;

/** Sends the few statements that write these rows, of which later ones win. For `settle`. */
export function sendRows(db: Db, rows: readonly Row[]): Promise<unknown>[] {
  return batches(rows).map((batch) => writeBatch(db, batch));
}

/** Waits for statements that were sent one after another. Rejects with the error of the first that failed. */
export async function settle(sent: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(sent)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}

/**
 * Finds out which rows cannot be written, and writes the others. Part of a transaction, which stays usable.
 *
 * @param limit - after so many no more are looked for, and what is left is not written
 * @returns each such row with the reason
 */
export async function writeRowsApart(db: Db, rows: readonly Row[], limit: number): Promise<Map<Row, string>> {
  const failures = new Map<Row, string>();
  const attempt = async (batch: Batch): Promise<void> => {
    if (failures.size >= limit) return;
    await db.query("SAVEPOINT stage1_replay");
    try {
      await writeBatch(db, batch);
      await db.query("RELEASE SAVEPOINT stage1_replay");
    } catch (error) {
      if (!isRowsFault(error)) throw error;
      await db.query("ROLLBACK TO SAVEPOINT stage1_replay");
      await db.query("RELEASE SAVEPOINT stage1_replay");
      const [first] = batch.rows;
      if (batch.rows.length === 1 && first) failures.set(first, reasonOf(error));
      else {
        const half = Math.ceil(batch.rows.length / 2);
        await attempt({ ...batch, rows: batch.rows.slice(0, half) });
        await attempt({ ...batch, rows: batch.rows.slice(half) });
      }
    }
  };
  for (const batch of batches(rows)) {
    await attempt(batch);
    // Without an object's own row, each part of it would fail for that reason alone.
    if (batch.rows.some((row) => row.shape.table.own && failures.has(row))) break;
  }
  return failures;
}

/** Parents before children; otherwise in order. */
function batches(rows: readonly Row[]): Batch[] {
  const all: Batch[] = [];
  for (const rank of RANKS) {
    let batch: { sql: string; single: boolean; rows: Row[] } | undefined;
    let keys = new Set<string>();
    let slugs = new Set<string>();
    let length = 0;
    for (const row of rows) {
      const { shape, values } = row;
      if (shape.table.rank !== rank) continue;
      const key = keyOf(row);
      const slug = shape.slug === undefined ? undefined : values[shape.slug];
      const isTaken = keys.has(key) || (slug != null && slugs.has(slug));
      const fits = batch && batch.sql === shape.sql && !shape.single && !isTaken;
      if (!batch || !fits || batch.rows.length >= MAX_ROWS || length > MAX_LENGTH) {
        batch = { sql: shape.sql, single: shape.single, rows: [] };
        all.push(batch);
        keys = new Set();
        slugs = new Set();
        length = 0;
      }
      batch.rows.push(row);
      keys.add(key);
      if (slug != null) slugs.add(slug);
      for (const value of values) length += value?.length ?? 0;
    }
  }
  return all;
}

/** What tells a row of its table from the others, however it is spelled. */
export function keyOf({ shape, values }: Row): string {
  return shape.key
    .map(({ slot, type }) => {
      const value = values[slot] ?? "";
      if (type === "uuid") return canonicalId(value);
      return type === "text" ? value : String(Number(value)); // a fold's number: 1, 01 and 1e0 are one
    })
    .join("\n");
}

async function writeBatch(db: Db, { sql, single, rows }: Batch): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const parameters = single
    ? first.values
    : first.values.map((_, slot) => arrayText(rows.map(({ values }) => values[slot] ?? null)));
  await db.query(sql, parameters);
}

/** The text of a text[]: quicker to make than the driver's, which asks every value for its type. */
function arrayText(values: readonly Literal[]): string {
  const elements = values.map((value) => {
    if (value === null) return "NULL";
    return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : `"${value}"`;
  });
  return `{${elements.join(",")}}`;
}

/**
 * Whether rows are to blame for an error, as opposed to a server that ends, is full, or lets two writers wait for each
 * other. Classes of SQLSTATE: 0A feature, 21 cardinality, 22 data, 23 integrity, 42 types and names (but 42501 rights),
 * 54 too large or too deep, P0 raised by a trigger.
 */
export function isRowsFault(error: unknown): boolean {
  return /^(?:0A|21|22|23|42|54|P0)/.test(codeOf(error) ?? "") && codeOf(error) !== "42501";
}

/** What an operator can mend, without the names of constraints. */
export function reasonOf(error: unknown): string {
  const { detail, table, column, constraint = "" } = error as Partial<Record<string, string>>;
  const code = codeOf(error);
  if (code === "23503" || code === "23505") return detail ?? messageOf(error);
  if (code === "23502") return `${column} must have a value`;
  if (code === "23514") {
    const checked = /_(side|row_count)_check$/.exec(constraint)?.[1];
    return `a value is not allowed in ${table}${checked === undefined ? "" : `: ${checked}`}`;
  }
  return messageOf(error);
}

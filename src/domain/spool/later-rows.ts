import type { Entry, Row } from "./reader.ts";
import { Refusal } from "./refusal.ts";
import { keyOf } from "./writer.ts";

/** So many rows are kept in mind; what is beyond counts as not written again. */
const MAX_ROWS = 200_000;

/**
 * The rows that were written of objects that had been rejected before, with the byte at which the last statement of each
 * ends. What was rejected of such a row is out of date: replayed once more, it would bring back the past.
 */
export class LaterRows {
  readonly #rows = new Map<string, Map<string, number>>();
  #count = 0;

  constructor(objects: Iterable<string>) {
    for (const object of objects) this.watch(object);
  }

  /** From now on what is written of this object is kept in mind. */
  watch(object: string): void {
    if (!this.#rows.has(object)) this.#rows.set(object, new Map());
  }

  concerns(object: string | undefined): boolean {
    return object !== undefined && this.#rows.has(object);
  }

  add(object: string, entries: readonly Entry[]): void {
    const known = this.#rows.get(object);
    for (const { row, to } of entries) {
      if (!known || this.#count >= MAX_ROWS) return;
      if (row instanceof Refusal) continue;
      known.set(nameOf(row), to.byte);
      this.#count += 1;
    }
  }

  /** Whether the row of a statement was written by a later one. */
  has(object: string | null, { row, to }: Entry): boolean {
    if (row instanceof Refusal) return false;
    return (this.#rows.get(object ?? "")?.get(nameOf(row)) ?? 0) > to.byte;
  }
}

const nameOf = (row: Row) => `${row.shape.table.name}\n${keyOf(row)}`;

import type { Db } from "../../db/pool.ts";
import type { Entry } from "./reader.ts";
import { Refusal } from "./refusal.ts";
import type { Group } from "./unit.ts";

/** The numbers of the folds of each run that is exported with its own row. Of several exports of a run the last counts. */
export class ExportedFolds {
  readonly #numbers = new Map<string, string[]>();

  /** Adds an export of an object, or a piece of one. */
  add({ object, own }: Group, entries: readonly Entry[]): void {
    if (object === undefined || !own.has("walkforward_runs")) return;
    for (const { row } of entries) {
      if (row instanceof Refusal) continue;
      const { table, key } = row.shape;
      if (table.name === "walkforward_runs") this.#numbers.set(object, []);
      const number = row.values[key.at(-1)?.slot ?? -1];
      if (table.name === "walkforward_folds" && number != null) this.#numbers.get(object)?.push(number);
    }
  }

  /** Removes the folds of earlier exports. Part of the transaction that writes the runs. Returns how many there were. */
  async removeFormer(db: Db): Promise<number> {
    const rows = [...this.#numbers].flatMap(([object, numbers]) =>
      numbers.map((number) => [object.slice(object.indexOf(" ") + 1), number] as const),
    );
    if (rows.length === 0) return 0;
    const [found] = await db.query<{ removed: number }>(
      // As the rows were written: 1e0 is a whole number too.
      "SELECT stage1_remove_former_folds($1::uuid[], $2::numeric[]::integer[]) AS removed",
      [rows.map(([id]) => id), rows.map(([, number]) => number)],
    );
    return found?.removed ?? 0;
  }
}

import type { SpoolTable } from "./tables.ts";

/** Why a statement is not replayed, for the operator. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** The table that it names, where it could be read so far. */
  readonly table: SpoolTable | undefined;
  /** Whether it is no SQL at all, perhaps since it was broken off. */
  readonly unparsed: boolean;

  constructor(message: string, table?: SpoolTable, unparsed = false) {
    super(message);
    this.table = table;
    this.unparsed = unparsed;
  }
}

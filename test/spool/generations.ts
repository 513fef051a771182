import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Small spools in the shape of each generation, whose values are invented. */
export const SPOOLS = ["gen1", "gen2", "gen3", "odd", "nofolds", "fewerfolds1", "fewerfolds2", "otherid"] as const;

/** The text of one of these. */
export const spoolText = (name: (typeof SPOOLS)[number]): string =>
  readFileSync(new URL(`generations/${name}.sql`, import.meta.url), "utf8");

/** A spool that a desktop wrote. It is data of others, so it is beside the checkout or not there at all. */
const REAL = new URL("../../../shared/data/desktop-spool-2025-11.sql.gz", import.meta.url);
export const hasRealSpool = existsSync(REAL);
export const realSpoolText = (): string => gunzipSync(readFileSync(REAL)).toString();

/** The statements of a spool of these, which end with a semicolon at the end of a line. */
export function statementsOf(text: string): string[] {
  return text.split(/(?<=;\r?\n)/).filter((part) => part.includes(";"));
}

/** The same items in another order, which is the same for the same seed. */
export function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return state / 0x80_00_00_00;
  };
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

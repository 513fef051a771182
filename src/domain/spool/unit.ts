import type { Entry } from "./reader.ts";
import { Refusal } from "./refusal.ts";
import type { ObjectKind } from "./tables.ts";
import { canonicalId, isId } from "./uuid.ts";

/** Statements of one export of an object, in order. */
export interface Group {
  /** As `run 1111…`; undefined: not known. */
  object: string | undefined;
  readonly kind: ObjectKind | undefined;
  /** What must be there before it, in the same form. */
  readonly needs: Set<string>;
  /** Tables whose row of the object's own it holds: a second one of the same table begins a new export. */
  readonly own: Set<string>;
  readonly entries: Entry[];
}

/** Consecutive statements of a spool that are done together. */
export interface Unit {
  readonly entries: readonly Entry[];
  /** By object, in the order in which they begin. */
  readonly groups: readonly Group[];
  /** A piece of one large object: there was one before, or there is another after. */
  readonly continues: boolean;
  readonly goesOn: boolean;
}

/** So many statements, or bytes, are done together, unless an object has more. */
const ENOUGH = 2000;
const ENOUGH_BYTES = 1024 * 1024;

/** Refused, and nothing says that it is a part of anything: it is rejected by itself. */
export const isStranger = ({ row, table }: Entry): boolean => row instanceof Refusal && table === undefined;

/** Gathers statements into units that end where an object does. A larger object comes in pieces. */
export class UnitBuilder {
  #entries: Entry[] = [];
  #groups: Group[] = [];
  readonly #latest = new Map<string, Group>();
  #bytes = 0;
  #continues = false;

  /** Takes the next statement. Returns what is complete without it, in order. */
  add(entry: Entry): Unit[] {
    const complete: Unit[] = [];
    const object = objectOf(entry);
    let group = this.#groupOf(entry, object);
    const last = this.#groups.at(-1);
    const full = this.#entries.length >= ENOUGH || this.#bytes >= ENOUGH_BYTES;
    if (group !== last && (this.#continues || full)) {
      complete.push(this.#take(false));
      group = undefined;
    } else if (group && full) {
      const start = this.#entries.length - group.entries.length;
      if (start > 0 && this.#entries[start] === group.entries[0]) {
        complete.push(this.#takeBefore(group, start));
      } else {
        complete.push(this.#take(this.#groups.length === 1));
        group = this.#groups.at(-1);
      }
    }
    this.#put(entry, object, group);
    return complete;
  }

  /** What is left at the end of the spool. */
  end(): Unit[] {
    return this.#entries.length > 0 || this.#continues ? [this.#take(false)] : [];
  }

  /** The group of this unit that a statement belongs to; undefined: it begins one. */
  #groupOf(entry: Entry, object: string | undefined): Group | undefined {
    const last = this.#groups.at(-1);
    if (isStranger(entry)) return last;
    const { table } = entry;
    if (object === undefined) {
      // What cannot be read is a part of what it stands with.
      return table && !table.own && last?.kind === table.object ? last : undefined;
    }
    const known = this.#latest.get(object);
    if (!known) {
      // Parts behind an object's own row that could not be read.
      return table && !table.own && last?.kind === table.object && last.object === undefined ? last : undefined;
    }
    return table?.own && known.own.has(table.name) ? undefined : known;
  }

  #put(entry: Entry, object: string | undefined, found: Group | undefined): void {
    const { table, row } = entry;
    const group = found ?? { object, kind: table?.object, needs: new Set(), own: new Set(), entries: [] };
    if (!found) this.#groups.push(group);
    group.object ??= object;
    if (group.object !== undefined) this.#latest.set(group.object, group);
    if (table?.own) group.own.add(table.name);
    if (!(row instanceof Refusal)) {
      row.shape.table.needs.forEach(([, kind], i) => {
        const slot = row.shape.needs[i];
        const id = slot === undefined ? undefined : row.values[slot];
        if (id != null) group.needs.add(nameOf(kind, id));
      });
    }
    group.entries.push(entry);
    this.#entries.push(entry);
    this.#bytes += entry.bytes.length;
  }

  #take(goesOn: boolean): Unit {
    const unit = { entries: this.#entries, groups: this.#groups, continues: this.#continues, goesOn };
    const [only] = this.#groups;
    this.#clear();
    if (goesOn && only) {
      this.#continues = true;
      const group = { ...only, entries: [] };
      this.#groups.push(group);
      if (group.object !== undefined) this.#latest.set(group.object, group);
    }
    return unit;
  }

  /** All but the last group, whose statements all stand at the end. */
  #takeBefore(last: Group, start: number): Unit {
    const unit = {
      entries: this.#entries.slice(0, start),
      groups: this.#groups.slice(0, -1),
      continues: false,
      goesOn: false,
    };
    this.#clear();
    this.#groups.push(last);
    this.#entries.push(...last.entries);
    if (last.object !== undefined) this.#latest.set(last.object, last);
    for (const { bytes } of last.entries) this.#bytes += bytes.length;
    return unit;
  }

  #clear(): void {
    this.#entries = [];
    this.#groups = [];
    this.#latest.clear();
    this.#bytes = 0;
    this.#continues = false;
  }
}

/** The object that a statement belongs to, as `run 1111…`; undefined where it cannot be read. */
export function objectOf({ row }: Entry): string | undefined {
  if (row instanceof Refusal || row.shape.id === undefined) return undefined;
  const id = row.values[row.shape.id];
  return id == null ? undefined : nameOf(row.shape.table.object, id);
}

/** Ids of the datasets that a statement names, as the dataset it writes or the one its row belongs to. */
export function datasetsOf({ row }: Entry): string[] {
  if (row instanceof Refusal || !row.shape.table.own) return []; // a part names its object alone
  const { table, id, needs } = row.shape;
  const slots = table.needs.map(([, kind], i) => (kind === "dataset" ? needs[i] : undefined));
  return [table.object === "dataset" ? id : undefined, ...slots]
    .map((slot) => (slot === undefined ? undefined : row.values[slot]))
    .filter((value) => value != null)
    .map(canonicalId)
    .filter(isId);
}

const nameOf = (kind: ObjectKind, id: string) => `${kind} ${canonicalId(id)}`;

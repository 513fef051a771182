import {
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from "graphql";
import type { Random } from "./random.ts";

/** A value as JSON; undefined: left out. */
export type Json = undefined | null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/**
 * What the values of a document are like. `none`: the resolvers accept them, all cursors fit. `refused`: of the right types,
 * but some of them the resolvers refuse. `invalid`: some are of wrong types too, so that a document may not be valid.
 */
export type Faults = "none" | "refused" | "invalid";

/** A list that an earlier answer showed: its cursors are good for these arguments alone, and below this parent. */
export interface KnownPage {
  /** `Query.datasets`, `Dataset.runs`. */
  readonly list: string;
  /** The id of the row that the list belongs to. */
  readonly parent: string | undefined;
  /** `filter` and `orderBy`, as variables hold them. */
  readonly args: JsonObject;
  readonly cursors: readonly string[];
}

/** Real values to ask for, by the name of the argument or input field that takes them, and real cursors. */
export interface Pool {
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly pages: readonly KnownPage[];
}

const ODD_TEXTS = [
  "",
  " ",
  "%",
  "_",
  "\\",
  "'",
  '"',
  "é",
  "e\u0301",
  "😀",
  "\u2028",
  "\u007f",
  "$x",
  "$1",
  '"""',
  "#",
  "\t",
];
/** What no list takes: not one of base64, of JSON, of the right form, of this list, of this length, of these types. */
const BAD_CURSORS = [
  "",
  "?",
  "x",
  ...["1", "[]", "null", '["x"]', '{"a":1}', "[1,2]"].map((text) => Buffer.from(text).toString("base64url")),
];
const BAD_IDS = [
  "",
  "x",
  "12",
  "Dataset:1",
  ...["Dataset:1", "Trade:x", "Dataset", "::", "WalkforwardRun:\0"].map((text) =>
    Buffer.from(text).toString("base64url"),
  ),
];
const NOBODYS_ID = Buffer.from("Dataset:00000000-0000-0000-0000-000000000000").toString("base64url");
const WRONG: readonly Json[] = [
  null,
  true,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e300,
  "",
  "x",
  "NONE",
  "\0",
  [],
  [null],
  [[]],
  {},
  { x: 1 },
];

/** Values for arguments and input fields, by their type and their name. */
export class Values {
  readonly pool: Pool;
  readonly faults: Faults;
  private readonly random: Random;

  constructor(random: Random, pool: Pool, faults: Faults) {
    this.random = random;
    this.pool = pool;
    this.faults = faults;
  }

  /** Whether a fault may be put here: seldom, so that most of a document is still reached. */
  fault(): boolean {
    return this.faults !== "none" && this.random.chance(0.06);
  }

  /** A value of the type; undefined only where it may be left out. */
  make(type: GraphQLInputType, name: string): Json {
    const { random } = this;
    if (this.faults === "invalid" && random.chance(0.05)) return random.pick(WRONG);
    if (!isNonNullType(type) && random.chance(0.15)) return random.chance(0.5) ? null : undefined;
    const inner = getNullableType(type);
    if (isListType(inner)) {
      const length = random.chance(0.1) ? 0 : 1 + random.int(3);
      return Array.from({ length }, () => this.make(inner.ofType, name) ?? null);
    }
    if (isEnumType(inner)) return random.pick(inner.getValues()).name;
    if (isInputObjectType(inner)) {
      const fields = Object.values(inner.getFields());
      if (inner.isOneOf) {
        const { name: key, type: of } = random.pick(fields);
        return { [key]: this.some(of, key) };
      }
      const chosen = random.shuffled(fields).filter((field) => isRequiredInputField(field) || random.chance(0.4));
      return Object.fromEntries(chosen.map((field) => [field.name, this.make(field.type, field.name)]));
    }
    return this.scalar(inner.name, name);
  }

  /** A value that is neither null nor left out. */
  some(type: GraphQLInputType, name: string): Json {
    for (let attempt = 0; attempt < 20; attempt++) {
      const value = this.make(type, name);
      if (value != null) return value;
    }
    return this.scalar("String", name);
  }

  private scalar(type: string, name: string): Json {
    const { random } = this;
    if (type === "Boolean") return random.chance(0.5);
    if (type === "Int" || type === "SafeInt") {
      if (this.fault()) return random.pick([-1, 5000, 2 ** 31 - 1, -(2 ** 31), 1000]);
      return name === "offset" ? random.int(5) : random.chance(0.07) ? 0 : 1 + random.int(3);
    }
    if (type === "DateTime") return this.instant();
    if (type === "JSONObject") return { a: 1, nested: { list: [1, "x", null, true, 0.5] } };
    return this.text(type, name);
  }

  private text(type: string, name: string): string {
    const { random } = this;
    const known = this.pool.values[name.replace(/^ids$/, "id")] ?? [];
    const real = known.length > 0 && random.chance(0.8) ? random.pick(known) : undefined;
    if (type === "UUID") {
      const id = real ?? `00000000-0000-0000-0000-${String(random.int(1000)).padStart(12, "0")}`;
      return random.chance(0.15) ? id.toUpperCase() : id;
    }
    if (type === "ID") return this.fault() ? random.pick(BAD_IDS) : (real ?? NOBODYS_ID);
    if (name === "after" || name === "before") return random.pick(BAD_CURSORS);
    if (this.fault()) return random.pick(["\0", "a\0b", "line\nbreak"]);
    if (real === undefined) return random.pick(ODD_TEXTS);
    if (name !== "search") return real;
    const start = random.int(real.length);
    const part = [...real.slice(start, start + 1 + random.int(4))]
      .join("")
      .replaceAll(/[\n\0]/g, "")
      .toWellFormed();
    return random.chance(0.3) ? part.toUpperCase() : part;
  }

  private instant(): string {
    const { random } = this;
    const known = this.pool.values["instant"] ?? [];
    if (known.length > 0 && random.chance(0.6)) return random.pick(known);
    return random.pick([
      "2025-02-01T00:00:00Z",
      "2025-02-01T00:00:00.000001Z",
      "2025-01-31t22:30:00.0000010-01:30",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999Z",
      "2024-02-29T12:00:00+14:00",
    ]);
  }

  /** A cursor that some list handed out, seldom the right one. */
  strayCursor(): string {
    const { random } = this;
    const page = this.pool.pages.length > 0 ? random.pick(this.pool.pages) : undefined;
    return page && random.chance(0.6) ? random.pick(page.cursors) : random.pick(BAD_CURSORS);
  }
}

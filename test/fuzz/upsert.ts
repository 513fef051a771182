import { type GraphQLSchema, getNamedType, isLeafType, isObjectType, isRequiredArgument } from "graphql";
import type { Random } from "../graphql/random/random.ts";
import type { Json, Pool } from "../graphql/random/values.ts";
import type { OddValues } from "./odd-values.ts";
import type { Operation } from "./wire.ts";

const NAMES: readonly string[] = ["fuzz", "a", "A-b_c.d", "x".repeat(127), "0", "fuzz.1", "telemetryx"];
const BAD_NAMES: readonly string[] = [
  ...["", " ", "a b", ".a", "a.", "a..b", "a/b", "sys.x", "telemetry", "TELEMETRY_CONFIG", "x".repeat(128), "é", "a\0"],
  ...["a\n", "\ud800", "'", "%"],
];
const INSTANTS: readonly string[] = [
  "2025-01-01T00:00:00Z",
  "2025-06-01T00:00:00.000001+01:00",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999Z",
];
/** Many write the same few datasets, so that they meet. */
const DATASETS = 12;

function nested(levels: number, inner: Json = 1): Json {
  let value = inner;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { a: value } : [value];
  return value;
}

/** Mutations whose values are right, or wrong in ways that the input's own type does not tell. */
export class Upserts {
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #odd: OddValues;
  readonly #schema: GraphQLSchema;

  constructor(schema: GraphQLSchema, random: Random, pool: Pool, odd: OddValues) {
    this.#schema = schema;
    this.#random = random;
    this.#pool = pool;
    this.#odd = odd;
  }

  operation(): Operation {
    const random = this.#random;
    const count = random.chance(0.8) ? 1 : 1 + random.int(4);
    const inputs = Array.from({ length: count }, () => this.#input());
    const fields = inputs.map((_, i) => `m${i}: upsertDataset(input: ${this.#passed(inputs, i)}) ${this.#payload()}`);
    const declared = inputs.flatMap((input, i) => this.#declared(input, i));
    const given = inputs.flatMap((input, i) => this.#given(input, i));
    return {
      query: `mutation Write${declared.length > 0 ? `(${declared.join(", ")})` : ""} { ${fields.join(" ")} }`,
      variables: Object.fromEntries(given),
    };
  }

  /** Every second input is one variable, the others a variable for each field. */
  #passed(inputs: readonly Record<string, Json>[], i: number): string {
    if (i % 2 === 0) return `$input${i}`;
    const fields = Object.keys(inputs[i] ?? {}).filter((name) => this.#type(name) !== undefined);
    return `{${fields.map((name) => `${name}: $${name}${i}`).join(", ")}}`;
  }

  #declared(input: Record<string, Json>, i: number): string[] {
    if (i % 2 === 0) return [`$input${i}: UpsertDatasetInput!`];
    return Object.keys(input).flatMap((name) => {
      const type = this.#type(name);
      return type === undefined ? [] : [`$${name}${i}: ${type}`];
    });
  }

  #given(input: Record<string, Json>, i: number): [string, Json][] {
    if (i % 2 === 0) return [[`input${i}`, input]];
    return Object.entries(input).map(([name, value]) => [`${name}${i}`, value]);
  }

  #type(field: string): string | undefined {
    const input = this.#schema.getType("UpsertDatasetInput");
    const fields = input && "getFields" in input ? input.getFields() : {};
    return fields[field] && String(fields[field].type);
  }

  #input(): Record<string, Json> {
    const { chance, shuffled, pick, int } = this.#random;
    const make: Record<string, (wrong: boolean) => Json> = {
      datasetId: () => this.#id(),
      datasetSlug: (wrong) => this.#name(wrong, this.#pool.values["datasetSlug"]),
      ohlcvMeasurement: (wrong) => this.#name(wrong, this.#pool.values["name"]),
      indicatorMeasurement: (wrong) => this.#name(wrong, this.#pool.values["name"]),
      symbol: (wrong) => this.#text(wrong),
      granularity: (wrong) => this.#text(wrong),
      source: (wrong) => this.#text(wrong),
      ohlcvRowCount: (wrong) => this.#count(wrong),
      indicatorRowCount: (wrong) => this.#count(wrong),
      ohlcvFirstTs: (wrong) => this.#instant(wrong),
      ohlcvLastTs: (wrong) => this.#instant(wrong),
      indicatorFirstTs: (wrong) => this.#instant(wrong),
      indicatorLastTs: (wrong) => this.#instant(wrong),
      metadata: (wrong) => this.#metadata(wrong),
    };
    const given = shuffled(Object.keys(make)).filter((name) => this.#type(name)?.endsWith("!") || chance(0.4));
    // One fault or two: with more of them, the first would hide the others.
    const faulty = chance(0.6) ? shuffled(given).slice(0, 1 + int(2)) : [];
    const input: Record<string, Json> = Object.fromEntries(
      given.map((name) => [name, chance(0.02) ? null : make[name]?.(faulty.includes(name))]),
    );
    if (faulty.length === 0 || chance(0.8)) return input;
    // Not of the right type, not there, or there and unknown.
    const name = pick(given);
    if (int(3) === 0) delete input[name];
    else input[int(2) === 0 ? name : this.#odd.text()] = this.#odd.any();
    return input;
  }

  #id(): Json {
    const { chance, int, pick } = this.#random;
    if (chance(0.15)) return pick(this.#pool.values["datasetId"] ?? []);
    if (chance(0.05)) return this.#odd.text();
    return `f0000000-0000-0000-0000-${String(int(DATASETS)).padStart(12, "0")}`;
  }

  #name(wrong: boolean, known: readonly string[] = []): Json {
    const { chance, int, pick } = this.#random;
    if (wrong && chance(0.8)) return chance(0.7) ? pick(BAD_NAMES) : this.#odd.text();
    if (chance(0.1)) return pick(known);
    return chance(0.3) ? pick(NAMES) : `fuzz_${int(DATASETS)}`;
  }

  #text(wrong: boolean): Json {
    const { chance, pick } = this.#random;
    if (wrong && chance(0.8)) return chance(0.4) ? pick(["a\0b", "\ud800", "x\udfff"]) : this.#odd.text();
    return pick(["BTCUSDT", "4h", "", null, "é😀", " "]);
  }

  #count(wrong: boolean): Json {
    const { chance, int } = this.#random;
    return wrong && chance(0.8) ? (chance(0.4) ? -1 - int(5) : this.#odd.number()) : chance(0.1) ? null : int(1000);
  }

  #instant(wrong: boolean): Json {
    const { chance, pick } = this.#random;
    return wrong && chance(0.4) ? this.#odd.text() : chance(0.1) ? null : pick(INSTANTS);
  }

  #metadata(wrong: boolean): Json {
    const { chance, pick, int } = this.#random;
    if (!wrong || chance(0.1)) return pick([{}, null, { a: 1 }, { a: { b: [1, "x", null, 1e308] } }, { "": 0 }]);
    return pick<() => Json>([
      () => this.#odd.any(),
      () => ({ [this.#odd.text()]: this.#odd.any() }),
      () => ({ text: this.#odd.text(), number: this.#odd.number() }),
      () => nested(98 + int(6)),
      () => pick<Json>([{ a: "\0" }, { "\ud800": 1 }, nested(150, "\udfff")]),
      () => nested(1000 + int(1000)),
      () => nested(50, this.#odd.text()),
      () => Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, i])),
      () => JSON.parse('{"__proto__": {"toJSON": 1}, "constructor": null, "length": -1}') as Json,
      () => ({ list: Array.from({ length: 5000 }, (_, i) => i / 3) }),
    ])();
  }

  /** Of the dataset all that is one value and needs no argument, or a part of it; and a list below it. */
  #payload(): string {
    const { chance } = this.#random;
    const dataset = this.#schema.getType("Dataset");
    const fields = isObjectType(dataset) ? Object.values(dataset.getFields()) : [];
    const leaves = fields
      .filter(({ type, args }) => isLeafType(getNamedType(type)) && !args.some(isRequiredArgument))
      .map(({ name }) => name)
      .filter(() => chance(0.6));
    const list = chance(0.3) ? "runs(first: 2) { totalCount nodes { runId } }" : "";
    return `{ userErrors { code field message } dataset { __typename ${leaves.join(" ")} ${list} } }`;
  }
}

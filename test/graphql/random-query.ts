import {
  GraphQLBoolean,
  type GraphQLCompositeType,
  GraphQLNonNull,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
} from "graphql";
import type { KnownRow } from "./random/arguments.ts";
import { Keys, Region, useOf } from "./random/keys.ts";
import { createRandom, type Random } from "./random/random.ts";
import { type Faults, type JsonObject, type Pool, Values } from "./random/values.ts";
import { Writer, withNoise } from "./random/writer.ts";

/** A request as a client sends it. */
export interface RandomQuery {
  readonly text: string;
  readonly operationName: string | undefined;
  readonly variables: JsonObject;
  /** Other values for the same document: what is compiled once is asked again. */
  readonly otherVariables: JsonObject;
}

/**
 * A random query over every readable part of the schema, the same for the same seed, schema and pool. Valid unless `faults` is
 * `invalid`. Its answer is small: rows are estimated, and bounded.
 */
export function randomQuery(schema: GraphQLSchema, seed: number, pool: Pool, faults: Faults): RandomQuery {
  return new Generator(schema, createRandom(seed), pool, faults).query();
}

/** What a stretch of the document refers to. */
interface References {
  readonly variables: Set<string>;
  readonly fragments: Set<string>;
}

interface Fragment extends References {
  readonly name: string;
  readonly type: GraphQLCompositeType;
  readonly height: number;
  readonly rows: number;
  readonly text: string;
}

/** Where a selection set stands. */
interface Place {
  readonly region: Region<Fragment>;
  readonly references: References;
  /** How many levels may still follow. */
  readonly depth: number;
  /** How many rows it may bring for each of its own. */
  readonly room: number;
  readonly row: KnownRow | undefined;
  /** Below a named fragment, which may be used elsewhere: no cursors. */
  readonly shared: boolean;
}

interface Selections {
  readonly text: string;
  /** Rows that it brings for each one. */
  readonly rows: number;
  readonly height: number;
}

const MAX_FIELDS = 70;

class Generator {
  private readonly schema: GraphQLSchema;
  private readonly random: Random;
  private readonly values: Values;
  private readonly writer: Writer;
  private readonly keys: Keys;
  private readonly fragments = new Map<string, Fragment>();
  private fields = 0;

  constructor(schema: GraphQLSchema, random: Random, pool: Pool, faults: Faults) {
    this.schema = schema;
    this.random = random;
    this.values = new Values(random, pool, faults);
    this.writer = new Writer(random, this.values);
    this.keys = new Keys(schema, random, this.values, this.writer);
  }

  query(): RandomQuery {
    const { random } = this;
    const type = this.schema.getQueryType();
    if (!type) throw new TypeError("the schema has no queries");
    const root = new Region<Fragment>();
    const count = random.chance(0.8) ? 1 : 2 + random.int(2);
    const names = random.shuffled(["Q", "query", "fragment", "__proto__", "q", "_n_"]).slice(0, count);
    const operations = names.map((name) => {
      const references = { variables: new Set<string>(), fragments: new Set<string>() };
      this.fields = 0;
      const place = { region: root, references, depth: 4 + random.int(8), room: 120, row: undefined, shared: false };
      return { name, references, text: this.selections(type, place).text };
    });
    const anonymous = count === 1 && random.chance(0.5);
    const texts = operations.map(({ name, references, text }) => {
      const variables = this.writer.definitions(this.reached(references, "variables"));
      if (anonymous && variables === "" && random.chance(0.5)) return text;
      return `query ${anonymous ? "" : name} ${variables} ${text}`;
    });
    const reached = new Set(operations.flatMap(({ references }) => [...this.reached(references, "fragments")]));
    for (const { name, type, text } of this.fragments.values()) {
      if (reached.has(name)) texts.push(`fragment ${name} on ${type.name} ${text}`);
    }
    if (count > 1 && random.chance(0.2))
      texts.push(
        'mutation Other { upsertDataset(input: {datasetId: "00000000-0000-0000-0000-000000000000", datasetSlug: "x", ohlcvMeasurement: "x", indicatorMeasurement: "x"}) { __typename } }',
      );
    const asked =
      anonymous || (count === 1 && texts.length === 1 && random.chance(0.4)) ? undefined : random.pick(names);
    return {
      text: withNoise(random.shuffled(texts).join("\n"), random),
      operationName: this.values.fault() ? random.pick([undefined, "Nobody"]) : asked,
      variables: this.writer.sent("value"),
      otherVariables: this.writer.sent("other"),
    };
  }

  /** All that is referred to, also through fragments. */
  private reached(from: References, kind: keyof References): Set<string> {
    const found = new Set(from[kind]);
    for (const name of from.fragments) {
      const fragment = this.fragments.get(name);
      if (fragment) for (const inner of this.reached(fragment, kind)) found.add(inner);
    }
    return found;
  }

  private selections(type: GraphQLCompositeType, place: Place): Selections {
    const { random } = this;
    const texts: string[] = [];
    let rows = 0;
    let height = 0;
    const wanted = 1 + random.int(Math.min(8, this.keys.possible(type, this.bounded(place)) + 1));
    for (let i = 0; i < wanted; i++) {
      const one = this.selection(type, { ...place, room: place.room - rows });
      texts.push(one.text);
      rows += one.rows;
      height = Math.max(height, one.height);
    }
    return { text: `{ ${texts.join(" ")} }`, rows, height };
  }

  /** Goes no deeper where there is enough already. */
  private bounded(place: Place): Place {
    return this.fields > MAX_FIELDS ? { ...place, depth: 0 } : place;
  }

  private selection(type: GraphQLCompositeType, place: Place): Selections {
    const { random } = this;
    const abstract = isAbstractType(type);
    if (place.depth > 0 && random.chance(abstract ? 0.7 : 0.1)) return this.inlineFragment(type, place);
    if (place.depth > 0 && random.chance(0.12)) return this.spread(type, place);
    return this.field(type, place);
  }

  private inlineFragment(type: GraphQLCompositeType, place: Place): Selections {
    const condition = this.random.chance(0.25) ? undefined : this.random.pick(this.meeting(type));
    const inner = this.selections(condition ?? type, { ...place, depth: place.depth - 1 });
    const on = condition ? `on ${condition.name}` : "";
    return { ...inner, height: inner.height + 1, text: `... ${on} ${this.directives(place.references)} ${inner.text}` };
  }

  private spread(type: GraphQLCompositeType, place: Place): Selections {
    const { random } = this;
    const { region, references } = place;
    const types = this.meeting(type);
    const known = region.fragments.filter(
      (one) => types.includes(one.type) && one.height < place.depth && one.rows <= place.room,
    );
    let fragment: Fragment;
    if (known.length > 0 && random.chance(0.6)) fragment = random.pick(known);
    else {
      const own = { variables: new Set<string>(), fragments: new Set<string>() };
      const on = random.pick(types);
      const inner = this.selections(on, {
        ...place,
        references: own,
        depth: place.depth - 1,
        row: undefined,
        shared: true,
      });
      fragment = { ...own, ...inner, type: on, name: this.fragmentName() };
      this.fragments.set(fragment.name, fragment);
      region.fragments.push(fragment);
    }
    references.fragments.add(fragment.name);
    return {
      text: `...${fragment.name} ${this.directives(references)}`,
      rows: fragment.rows,
      height: fragment.height + 1,
    };
  }

  private fragmentName(): string {
    const odd = this.random.pick(["__proto__", "constructor", "toString", "fragment", "query", "F"]);
    return this.fragments.has(odd) || this.random.chance(0.7) ? `f${this.fragments.size}` : odd;
  }

  /** The types that a fragment inside this one may be on: itself, its interfaces, and what else an object of it may be. */
  private meeting(type: GraphQLCompositeType): GraphQLCompositeType[] {
    if (isAbstractType(type)) return [type, ...this.schema.getPossibleTypes(type)];
    return [type, ...type.getInterfaces()];
  }

  private field(type: GraphQLCompositeType, place: Place): Selections {
    this.fields++;
    const { random } = this;
    const key = this.keys.choose(type, this.bounded(place));
    const use = useOf(key, type);
    if (!use) throw new Error(`no field for the key ${key.name} of ${type.name}`);
    for (const variable of use.variables) place.references.variables.add(variable);
    const args = use.args.length === 0 ? "" : `(${random.shuffled(use.args).join(", ")})`;
    const alias = key.name === use.field.name && random.chance(0.95) ? "" : `${key.name}: `;
    const head = `${alias}${use.field.name}${args} ${this.directives(place.references)}`;
    const named = getNamedType(use.field.type);
    if (!isCompositeType(named)) return { text: head, rows: 0, height: 1 };
    const introspecting = type === this.schema.getQueryType() && named.name.startsWith("__");
    const inner = this.selections(named, {
      ...place,
      region: key.below,
      depth: introspecting ? Math.min(4, place.depth - 1) : place.depth - 1,
      room: place.room / Math.max(1, use.call.rows) - 1,
      row: use.call.row,
    });
    return {
      text: `${head} ${inner.text}`,
      rows: Math.max(1, use.call.rows) * (1 + inner.rows),
      height: inner.height + 1,
    };
  }

  private directives(references: References): string {
    const { random } = this;
    if (!random.chance(0.1)) return "";
    const names = random.chance(0.2) ? random.shuffled(["include", "skip"]) : [random.pick(["include", "skip"])];
    return names
      .map((name) => `@${name}(if: ${this.writer.condition(CONDITION, references.variables, name === "include")})`)
      .join(" ");
  }
}

const CONDITION = new GraphQLNonNull(GraphQLBoolean);

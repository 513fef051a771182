import {
  GraphQLID,
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Lexer,
  Source,
  TokenKind,
} from "graphql";
import type { Random } from "./random.ts";
import type { Json, JsonObject, Values } from "./values.ts";

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly defaultText: string | undefined;
  readonly value: Json;
  /** What it is in the other set. */
  readonly other: Json;
  readonly varies: boolean;
}

interface How {
  /** The value is to be the same in the other set of variables. */
  readonly fixed?: boolean;
  /** The only field of a @oneOf input, where a variable must not be null. */
  readonly oneOf?: boolean;
}

// Names that an object of JavaScript has from birth, and ones that differ in case alone.
const ODD_NAMES = [
  "constructor",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "_",
  "__v",
  "on",
  "query",
  "true1",
  "V",
  "v",
];

/** Writes values into the text of a document: as literals, or as variables, which it declares. */
export class Writer {
  private readonly variables = new Map<string, Variable>();

  private readonly random: Random;
  private readonly values: Values;

  constructor(random: Random, values: Values) {
    this.random = random;
    this.values = values;
  }

  /**
   * The text of a value at a place of this type; undefined where it is left out. `name` is the argument's or the input
   * field's. `uses` collects the variables.
   */
  write(type: GraphQLInputType, value: Json, name: string, uses: Set<string>, how: How = {}): string | undefined {
    if (this.random.chance(0.25)) return this.variable(type, value, name, uses, how);
    if (value === undefined) return undefined;
    const { random } = this;
    const fixed = how.fixed ? { fixed: true } : {};
    const inner = getNullableType(type);
    if (isListType(inner) && isArray(value)) {
      const items = value;
      const item = (of: Json) => this.write(inner.ofType, of ?? null, name, uses, fixed) ?? "null";
      const [only] = items;
      if (items.length === 1 && only != null && !isArray(only) && random.chance(0.4))
        return this.literal(inner.ofType, only);
      return `[${items.map(item).join(random.pick([", ", " ", ",,\n"]))}]`;
    }
    if (isInputObjectType(inner) && isObject(value)) {
      const fields = inner.getFields();
      const texts = Object.entries(value).map(([key, of]) => {
        const field = fields[key];
        const text = field
          ? this.write(field.type, of, key, uses, { ...fixed, oneOf: inner.isOneOf })
          : this.untyped(of);
        return text === undefined ? "" : `${key}: ${text}`;
      });
      return `{${texts.filter((text) => text !== "").join(", ")}}`;
    }
    return this.literal(type, value);
  }

  /** A condition of @skip or @include. */
  condition(type: GraphQLInputType, uses: Set<string>, mostly: boolean): string {
    const value = this.random.chance(0.8) ? mostly : !mostly;
    return this.write(type, value, "if", uses) ?? "true";
  }

  /** `($a: Int = 1, …)` of an operation that uses these; empty where it uses none. */
  definitions(uses: ReadonlySet<string>): string {
    const used = [...this.variables.values()].filter(({ name }) => uses.has(name));
    const texts = this.random
      .shuffled(used)
      .map(({ name, type, defaultText }) => `$${name}: ${type}${defaultText === undefined ? "" : ` = ${defaultText}`}`);
    return texts.length === 0 ? "" : `(${texts.join(", ")})`;
  }

  /** What to send: the values that were meant, or others of the same types. */
  sent(which: "value" | "other"): JsonObject {
    const entries = [...this.variables.values()].map((variable) => [variable.name, variable[which]] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  private variable(type: GraphQLInputType, value: Json, name: string, uses: Set<string>, how: How): string {
    const { random } = this;
    const bare = String(getNullableType(type));
    const known = [...this.variables.values()].filter(
      (one) =>
        one.type === `${bare}!` && JSON.stringify(one.value) === JSON.stringify(value) && !(how.fixed && one.varies),
    );
    const variable =
      value != null && known.length > 0 && random.chance(0.6)
        ? random.pick(known)
        : this.declare(type, bare, value, name, how);
    uses.add(variable.name);
    return `$${variable.name}`;
  }

  private declare(type: GraphQLInputType, bare: string, value: Json, name: string, how: How): Variable {
    const { random } = this;
    const required = isNonNullType(type) || how.oneOf === true;
    const inner = getNullableType(type);
    const varies = !how.fixed && value != null && random.chance(0.7);
    const other = varies ? this.values.some(inner, name) : value;
    const add = (declared: string, sent: Json, defaultText?: string) => {
      const variable = {
        name: this.freshName(),
        type: declared,
        defaultText,
        value: this.unlisted(sent),
        // What has a default may be left out in one set and not in the other.
        other: defaultText !== undefined && !how.fixed && random.chance(0.3) ? undefined : this.unlisted(other),
        varies: varies || defaultText !== undefined,
      };
      this.variables.set(variable.name, variable);
      return variable;
    };
    if (value == null) {
      if (required) return add(`${bare}!`, value); // as a fault: found when it is sent
      if (value === undefined) return add(bare, undefined);
      return random.chance(0.3) ? add(bare, undefined, "null") : add(bare, null);
    }
    const declared = how.oneOf || random.chance(0.5) ? `${bare}!` : bare;
    const form = random.int(4);
    if (form === 0) return add(declared, undefined, this.literal(inner, value));
    if (form === 1) return add(declared, value, this.literal(inner, this.values.some(inner, name)));
    return add(required ? `${bare}!` : declared, value);
  }

  /** A list of one is sometimes sent as that one. */
  private unlisted(value: Json): Json {
    if (!isArray(value) || value.length !== 1 || !this.random.chance(0.3)) return value;
    const only = value[0];
    return only == null || isArray(only) ? value : only;
  }

  private freshName(): string {
    const odd = this.random.pick(ODD_NAMES);
    if (this.random.chance(0.2) && !this.variables.has(odd)) return odd;
    return `v${this.variables.size}`;
  }

  /** A value without variables. */
  private literal(type: GraphQLInputType, value: Json): string {
    const inner = getNullableType(type);
    if (isListType(inner) && isArray(value)) {
      return `[${value.map((item) => this.literal(inner.ofType, item)).join(", ")}]`;
    }
    if (isInputObjectType(inner) && isObject(value)) {
      const fields = inner.getFields();
      const texts = Object.entries(value)
        .filter(([, of]) => of !== undefined)
        .map(([key, of]) => `${key}: ${fields[key] ? this.literal(fields[key].type, of) : this.untyped(of)}`);
      return `{${texts.join(", ")}}`;
    }
    if (isEnumType(inner) && typeof value === "string" && inner.getValue(value)) return value;
    if (inner === GraphQLID && typeof value === "string" && /^[1-9]\d*$/.test(value)) return value;
    return this.untyped(value);
  }

  private untyped(value: Json): string {
    if (value == null) return "null";
    if (typeof value === "string") return this.string(value);
    if (isArray(value)) return `[${value.map((item) => this.untyped(item)).join(" ")}]`;
    if (isObject(value)) {
      return `{${Object.entries(value)
        .map(([key, of]) => `${key}: ${this.untyped(of)}`)
        .join(" ")}}`;
    }
    return String(value);
  }

  private string(value: string): string {
    const { random } = this;
    if (
      random.chance(0.15) &&
      /^(?!["\s])[^\p{Cc}]*(?<!["\\\s])$/u.test(value) &&
      !value.includes('"""') &&
      value !== ""
    ) {
      return random.chance(0.5) ? `"""${value}"""` : `"""\n    ${value}\n  """`;
    }
    const character = (c: string) => {
      const code = c.codePointAt(0) ?? 0;
      const hex = code.toString(16);
      if (c === '"' || c === "\\") return `\\${c}`;
      if (code < 32 || code === 127 || random.chance(0.02)) {
        return code > 0xffff || random.chance(0.3) ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
      }
      return c;
    };
    return `"${[...value].map(character).join("")}"`;
  }
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !isArray(value);
}

/** The same document with other blanks, commas, line breaks and comments between its tokens. */
export function withNoise(text: string, random: Random): string {
  const lexer = new Lexer(new Source(text));
  const pieces: string[] = random.chance(0.2) ? ["\ufeff"] : [];
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    pieces.push(text.slice(token.start, token.end));
    pieces.push(
      random.chance(0.85)
        ? " "
        : random.pick(["\n", ",", "\t", "\r\n", ' # é\u2028 } " {\n', "#\n", "\r", ",,", " \ufeff", '#"""\n']),
    );
  }
  return pieces.join("");
}

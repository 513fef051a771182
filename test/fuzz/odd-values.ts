import type { Random } from "../graphql/random/random.ts";
import type { Json, Pool } from "../graphql/random/values.ts";

/** Half of a surrogate pair, a NUL, and texts that mean something to one of the languages on the way. */
const TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\udc00x",
  "a\ud83d",
  "\ud83d\ude00",
  "\uffff\ufffe\ufeff",
  "\u202e\u2028\u2029",
  "e\u0301".repeat(200),
  "\u{1f600}".repeat(2000),
  "x".repeat(100_000),
  "%".repeat(3000),
  "_\\%".repeat(500),
  "\\",
  "\\'",
  "'; DROP TABLE stage1; --",
  "$1",
  "$$",
  "{{x}}",
  "\n",
  "a\nb",
  "\r\n\t\b\f\u007f",
  "NaN",
  "Infinity",
  "null",
  "{}",
  "[]",
  '"',
  '"""',
  "1e400",
  "__proto__",
  "..",
  ".a",
  "a..b",
  "sys.x",
  "x".repeat(127),
  "x".repeat(128),
  "é",
  // No uuids, or odd ones.
  "00000000-0000-0000-0000-000000000000",
  "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
  "{00000000-0000-0000-0000-000000000000}",
  "00000000000000000000000000000000",
  "00000000-0000-0000-0000-000000000000\n",
  "0000000g-0000-0000-0000-000000000000",
  "٠0000000-0000-0000-0000-000000000000",
  // No instants, or the last ones.
  "0001-01-01T00:00:00Z",
  "0001-01-01T00:00:00+14:00",
  "9999-12-31T23:59:59.999999Z",
  "9999-12-31T23:59:59.9999999Z",
  "9999-12-31T23:59:59-14:00",
  "0000-01-01T00:00:00Z",
  "2025-02-30T00:00:00Z",
  "2025-01-01T24:00:00Z",
  "2025-01-01T23:59:60Z",
  "2025-01-01T00:00:00",
  "2025-01-01T00:00:00+23:59",
  "2025-01-01T00:00:00+99:99",
  "2025-01-01T00:00:00Z\n",
  "294277-01-01T00:00:00Z",
  "infinity",
  "now",
  "epoch",
];

const NUMBERS: readonly number[] = [
  ...[0, -0, -1, 1, 2, 0.5, 1.0000001, 99, 100, 101, 999, 1000, 1001, 10_000],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 2 ** 63, 2 ** 64],
  ...[1e20, 1e21, 1e308, -1e308, 5e-324, 1e-7],
];

/** What PostgreSQL could not cast, or hardly, where a position has one of its values. */
const POSITIONS: readonly Json[] = [
  "infinity",
  "-infinity",
  "294276-12-31 23:59:59.999999+00",
  "294277-01-01 00:00:00+00",
  "4714-11-24 00:00:00+00 BC",
  "4714-11-23 00:00:00+00 BC",
  "0001-02-29 00:00:00+00 BC",
  "0000-01-01 00:00:00+00",
  "2025-02-30 00:00:00+00",
  "2025-01-01 24:00:00+00",
  "2025-01-01 00:00:00.1234567+00",
  "2025-01-01 00:00:00+00\n",
  "2025-01-01 00:00:00",
  "2025-01-01T00:00:00Z",
  "now",
  "00000000-0000-0000-0000-000000000000",
  "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
  "00000000-0000-0000-0000-000000000000 ",
  7,
  null,
  [],
  {},
  [["x"]],
];

/** Values that nobody meant, of any type and of none. */
export class OddValues {
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #cursors: ReadonlySet<string>;
  readonly #ids: ReadonlySet<string>;

  constructor(random: Random, pool: Pool) {
    this.#random = random;
    this.#pool = pool;
    this.#cursors = new Set(pool.pages.flatMap(({ cursors }) => cursors));
    this.#ids = new Set(pool.values["id"]);
  }

  text(): string {
    const { chance, pick } = this.#random;
    return chance(0.1) ? this.noise() : pick(TEXTS);
  }

  number(): number {
    return this.#random.pick(NUMBERS);
  }

  any(depth = 3): Json {
    const { int, pick } = this.#random;
    const kind = int(depth > 0 ? 8 : 6);
    if (kind < 2) return this.text();
    if (kind < 4) return this.number();
    if (kind === 4) return pick([true, false]);
    if (kind === 5) return null;
    const items = Array.from({ length: int(4) }, () => this.any(depth - 1));
    return kind === 6 ? items : Object.fromEntries(items.map((item) => [this.text(), item]));
  }

  /** In the place of a text that was meant: cursors and ids become such as are damaged. */
  inPlaceOf(text: string): string {
    if (this.#cursors.has(text)) return this.cursor(text);
    if (this.#ids.has(text)) return this.id(text);
    const { chance, int } = this.#random;
    if (chance(0.2)) return text + this.text();
    if (chance(0.2)) return text.slice(0, int(text.length + 1));
    return this.text();
  }

  /** A text that no dictionary makes shorter. */
  noise(): string {
    const { int } = this.#random;
    const characters = Array.from({ length: int(9000) }, () => String.fromCharCode(33 + int(90)));
    return characters.join("").replace(/[\\"]/g, "'");
  }

  /** A real cursor that is damaged, mostly so that it still names its list; or one that was made up. */
  cursor(real: string = this.someCursor()): string {
    const random = this.#random;
    const bytes = Buffer.from(real, "base64url");
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const [scope, ...position] = JSON.parse(bytes.toString()) as string[];
    const at = random.int(position.length);
    switch (random.int(14)) {
      case 0:
        bytes[random.int(bytes.length)] = (bytes[random.int(bytes.length)] ?? 0) ^ (1 << random.int(8));
        return bytes.toString("base64url");
      case 1:
        return real.slice(0, random.int(real.length));
      case 2:
        return real + random.pick(["=", "A", "!", "\0", " ", "é", "AAAA"]);
      case 3:
        return bytes.toString(random.pick(["base64", "hex", "utf8"]));
      case 4:
        return encode(this.any());
      case 5:
        return encode([scope, ...position, this.any(1)]);
      case 6:
        return encode([scope, ...position.slice(1)]);
      case 7:
        return encode([this.text(), ...position]);
      case 8:
        return encode([scope, ...random.shuffled(position)]);
      case 9:
        return encode([scope, ...position.with(at, this.text())]);
      case 10:
        return encode([scope, ...position.with(at, random.pick(POSITIONS) as string)]);
      case 11:
        return this.someCursor();
      default:
        return encode([scope, ...position.with(at, this.#nearly(position[at] ?? ""))]);
    }
  }

  /** With another character somewhere. */
  #nearly(text: string): string {
    const at = this.#random.int(text.length + 1);
    return text.slice(0, at) + this.#random.pick([..."0139-: .+aT", ""]) + text.slice(at + 1);
  }

  someCursor(): string {
    return this.#random.pick(this.#random.pick(this.#pool.pages).cursors);
  }

  /** A real id that is damaged, or one that was made up. */
  id(real: string = this.#random.pick(this.#pool.values["id"] ?? [])): string {
    const { int, pick } = this.#random;
    const text = Buffer.from(real, "base64url").toString();
    const [type = "", id = ""] = text.split(":");
    const encode = (of: string) => Buffer.from(of).toString("base64url");
    switch (int(8)) {
      case 0:
        return encode(`${pick(["Trade", "Query", "dataset", "__proto__", "constructor", ""])}:${id}`);
      case 1:
        return encode(`${type}:${this.text()}`);
      case 2:
        return encode(`${text}:${id}`);
      case 3:
        return real.slice(0, int(real.length));
      case 4:
        return text;
      case 5:
        return encode(`${type}:${id.toUpperCase()}`);
      case 6:
        return encode(`${pick(["Dataset", "WalkforwardRun", "Simulation"])}:${id}`);
      default:
        return this.text();
    }
  }
}

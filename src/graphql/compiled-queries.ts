import { type GraphQLSchema, validate } from "graphql";
import { type CompiledQuery, compile } from "./executor.ts";
import { parseWithin, type QueryLimits } from "./query-limits.ts";

/** In characters of a document, each of which takes some hundred bytes: so heavy may all that are kept be together. */
const MAX_WEIGHT = 200_000;
/** Compiled, a field takes some kilobytes; and a fragment may bring hundreds of them in a few characters. */
const WEIGHT_OF_FIELD = 20;
/** A longer one is compiled each time: who writes values into a document has many of them, and long ones. */
const MAX_LENGTH = 10_000;

/** Compiles queries, and keeps those used last. */
export class CompiledQueries {
  readonly #schema: GraphQLSchema;
  readonly #limits: QueryLimits;
  /** By operation and text, the one used last at the end. */
  readonly #kept = new Map<string, CompiledQuery | undefined>();
  #weight = 0;

  constructor(schema: GraphQLSchema, limits: QueryLimits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  /** Whether `get` has nothing to do. */
  has(text: string, operationName: string | undefined): boolean {
    return this.#kept.has(keyOf(text, operationName));
  }

  /** undefined for what is no valid query within the limits. */
  get(text: string, operationName: string | undefined): CompiledQuery | undefined {
    const key = keyOf(text, operationName);
    const compiled = this.#kept.has(key) ? this.#kept.get(key) : this.#compile(text, operationName);
    this.#forget(key);
    if (key.length <= MAX_LENGTH) {
      this.#kept.set(key, compiled);
      this.#weight += weightOf(key, compiled);
    }
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= MAX_WEIGHT) break;
      this.#forget(oldest);
    }
    return compiled;
  }

  #forget(key: string): void {
    const compiled = this.#kept.get(key);
    if (this.#kept.delete(key)) this.#weight -= weightOf(key, compiled);
  }

  #compile(text: string, operationName: string | undefined): CompiledQuery | undefined {
    try {
      const document = parseWithin(this.#limits, text);
      if (validate(this.#schema, document).length > 0) return undefined;
      return compile(this.#schema, document, operationName, this.#limits);
    } catch {
      return undefined; // malformed, or beyond the limits; or nested so deeply that its rules exhaust the stack
    }
  }
}

function keyOf(text: string, operationName = ""): string {
  return `${operationName}\n${text}`;
}

function weightOf(key: string, compiled: CompiledQuery | undefined): number {
  return key.length + WEIGHT_OF_FIELD * (compiled?.fields ?? 0);
}

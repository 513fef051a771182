import { type GraphQLSchema, parse, validate } from "graphql";
import { type CompiledQuery, compile } from "./executor.ts";

/** Characters of all documents together. A document takes some hundred bytes for each, parsed and compiled. */
const MAX_KEPT = 200_000;
/** A longer one is compiled each time: who writes values into a document has many of them, and long ones. */
const MAX_LENGTH = 10_000;

/** Compiles queries, and keeps those used last. */
export class CompiledQueries {
  readonly #schema: GraphQLSchema;
  /** By operation and text, the one used last at the end. */
  readonly #kept = new Map<string, CompiledQuery | undefined>();
  #length = 0;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** undefined for what is no valid query. */
  get(text: string, operationName: string | undefined): CompiledQuery | undefined {
    const key = `${operationName ?? ""}\n${text}`;
    const compiled = this.#kept.has(key) ? this.#kept.get(key) : this.#compile(text, operationName);
    this.#forget(key);
    if (key.length <= MAX_LENGTH) {
      this.#kept.set(key, compiled);
      this.#length += key.length;
    }
    for (const oldest of this.#kept.keys()) {
      if (this.#length <= MAX_KEPT) break;
      this.#forget(oldest);
    }
    return compiled;
  }

  #forget(key: string): void {
    if (this.#kept.delete(key)) this.#length -= key.length;
  }

  #compile(text: string, operationName: string | undefined): CompiledQuery | undefined {
    try {
      const document = parse(text);
      return validate(this.#schema, document).length === 0 ? compile(this.#schema, document, operationName) : undefined;
    } catch {
      return undefined; // malformed; or nested so deeply that its rules exhaust the stack
    }
  }
}

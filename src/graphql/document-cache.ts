import type { DocumentNode } from "graphql";

/** In characters, each of which takes some hundred bytes once it is parsed: of all that are kept together, and of one. */
const MAX_LENGTH_OF_ALL = 200_000;
const MAX_LENGTH = 10_000;

/**
 * Documents that Yoga has parsed, those used last. Not its own cache: that keeps a thousand, however long they are, and their
 * errors with their texts, so that a thousand wrong requests of 1 MB took all memory.
 */
export class DocumentCache {
  /** By text, the one used last at the end. */
  readonly #kept = new Map<string, DocumentNode>();
  #length = 0;

  get(text: string): DocumentNode | undefined {
    const document = this.#kept.get(text);
    if (!document) return undefined;
    this.#kept.delete(text);
    this.#kept.set(text, document);
    return document;
  }

  set(text: string, document: DocumentNode): void {
    if (text.length > MAX_LENGTH || this.#kept.has(text)) return;
    this.#kept.set(text, document);
    this.#length += text.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#length <= MAX_LENGTH_OF_ALL) break;
      this.#kept.delete(oldest);
      this.#length -= oldest.length;
    }
  }
}

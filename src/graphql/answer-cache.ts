/** An answer as it is sent. */
export interface Answer {
  /** JSON, encoded. */
  readonly body: Buffer;
  readonly etag: string;
  /** The name of the operation that it answers. */
  readonly operation?: string | undefined;
}

/** A moment in the order of changes. */
export type Snapshot = number;

export interface AnswerCacheOptions {
  /** What all answers may take together, with keys and overhead. */
  readonly maxBytes: number;
  /** The tables that answers are read from. A change of any other forgets all answers, since nothing is known of it. */
  readonly tables: readonly string[];
}

interface Entry {
  readonly answer: Answer;
  readonly tables: readonly string[];
  readonly bytes: number;
}

/** Measured, with what the process takes: the entry, its places in the maps, the Buffer and the header of its memory. */
const ENTRY_BYTES = 800;
const BYTES_PER_TABLE = 60;
/** One answer must not drive out all others. */
const LARGEST_SHARE = 1 / 10;

/**
 * Answers, until a table that they were read from changes. An answer is stored only if none of its tables changed since before
 * its first statement, so what is here was true after the last change that was heard of. Least recently used ones go first.
 */
export class AnswerCache {
  readonly #maxBytes: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  /** The keys of the answers read from a table. */
  readonly #keys: ReadonlyMap<string, Set<string>>;
  /** When each table changed last. */
  readonly #changes = new Map<string, Snapshot>();
  /** Answers of a request that began before are not stored. */
  #forgot: Snapshot = 0;
  #now: Snapshot = 0;
  #bytes = 0;
  #live = false;

  constructor({ maxBytes, tables }: AnswerCacheOptions) {
    this.#maxBytes = maxBytes;
    this.#keys = new Map(tables.map((table) => [table, new Set()]));
  }

  /** Whether every change is heard of. While it is false, as at the start, nothing is served or stored. Set, it forgets all. */
  get live(): boolean {
    return this.#live;
  }

  set live(value: boolean) {
    this.#live = value;
    this.invalidateAll();
  }

  /** What is held, in bytes; at most `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets the answers that were read from this table, those that are being read now too. */
  invalidate(table: string): void {
    const keys = this.#keys.get(table);
    if (!keys) {
      this.invalidateAll();
      return;
    }
    this.#now += 1;
    this.#changes.set(table, this.#now);
    for (const key of keys) this.#forget(key);
  }

  /** Forgets all answers, those that are being read now too. */
  invalidateAll(): void {
    this.#now += 1;
    this.#forgot = this.#now;
    this.#entries.clear();
    for (const keys of this.#keys.values()) keys.clear();
    this.#bytes = 0;
  }

  get(key: string): Answer | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.answer;
  }

  /** To be taken before the first statement of a request. */
  snapshot(): Snapshot {
    return this.#now;
  }

  /**
   * Stores an answer, unless one of its tables changed since the snapshot, or changes could have been missed, or it is
   * larger than a tenth of the cache.
   *
   * @param key - a text of its own: a slice of a longer one would keep all of that
   * @param tables - all that it was read from, those without a row in it too
   */
  set(key: string, answer: Answer, tables: ReadonlySet<string>, snapshot: Snapshot): void {
    if (!this.#live || this.#forgot > snapshot) return;
    for (const table of tables) {
      // Of a table that is not known, no change would be heard.
      if (!this.#keys.has(table) || (this.#changes.get(table) ?? 0) > snapshot) return;
    }
    const bytes =
      ENTRY_BYTES +
      BYTES_PER_TABLE * tables.size +
      2 * (key.length + answer.etag.length + (answer.operation?.length ?? 0)) +
      answer.body.byteLength;
    if (bytes > this.#maxBytes * LARGEST_SHARE) return;

    this.#forget(key);
    this.#entries.set(key, { answer: { ...answer, body: ownMemory(answer.body) }, tables: [...tables], bytes });
    this.#bytes += bytes;
    for (const table of tables) this.#keys.get(table)?.add(key);
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    for (const table of entry.tables) this.#keys.get(table)?.delete(key);
    this.#bytes -= entry.bytes;
  }
}

/** A small Buffer is part of a larger one that Node shares out, and would keep all of it. */
function ownMemory(body: Buffer): Buffer {
  if (body.buffer.byteLength === body.byteLength) return body;
  const own = Buffer.allocUnsafeSlow(body.byteLength);
  body.copy(own);
  return own;
}

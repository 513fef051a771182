import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { countLines, type Lexed, Lexer, type Literal } from "./lexer.ts";
import { Refusal, rowOf, type Shape } from "./shape.ts";
import { type SpoolTable, tableNamedIn } from "./tables.ts";

/** A place in a spool: a byte offset, and the line that it is on, from 1. */
export interface Position {
  readonly byte: number;
  readonly line: number;
}

/** One statement of a spool. */
export interface Entry {
  /** The line of its first word. */
  readonly line: number;
  /** Its end: after its semicolon, or after what was read in place of one. The next entry begins here. */
  readonly to: Position;
  /** Its bytes, with the blanks and comments before it. */
  readonly bytes: Buffer;
  /** Index of its first word in these bytes. */
  readonly start: number;
  /** The table that it is about, as far as that could be told. */
  readonly table: SpoolTable | undefined;
  /** The row that it writes, or why it is not run. */
  readonly row: Row | Refusal;
}

export interface Row {
  readonly shape: Shape;
  /** The parameters of the shape's statement. */
  readonly values: readonly Literal[];
}

/** A last statement that is not ended: it is for the next replay. */
export interface Tail {
  readonly line: number;
  readonly table: SpoolTable | undefined;
}

interface ReaderOptions {
  readonly file: FileHandle;
  readonly from: Position;
  /** The spool ends at this byte, also where it has grown since. */
  readonly end: number;
  /** Nothing will be appended: a last statement that is not ended is refused, not left. */
  readonly final: boolean;
  /** Judges a shape. Rejects with Refusal. */
  judge(shape: string): Promise<Shape>;
}

const CHUNK = 128 * 1024;
/** A longer statement is no row of these tables; so much is held in memory, and no more. */
const MAX_STATEMENT = 16 * 1024 * 1024;
/** Shapes are few. Where they are not, they are judged again rather than kept. */
const MAX_SHAPES = 1000;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");
/** How the desktop begins a statement. Inside a text it may be a text's own words, so it alone decides nothing. */
const BEGINNING = "\nINSERT INTO ";
/** So many beginnings inside one statement are tried. */
const MAX_BEGINNINGS = 100;

/** Reads a spool from a place on, some statements at a time. */
export class SpoolReader {
  readonly #options: ReaderOptions;
  readonly #lexer = new Lexer();
  readonly #shapes = new Map<string, Shape | Refusal>();
  /** Bytes of the spool; what begins at `#index`, which is `#at` in the spool, is not returned yet. */
  #bytes: Buffer = Buffer.alloc(0);
  #index = 0;
  #at: Position;
  /** Whether all bytes are read, and whether all of their statements are returned. */
  #last = false;
  #ended = false;
  #tail: Tail | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#at = options.from;
  }

  /** Known once `read` has returned undefined. */
  get tail(): Tail | undefined {
    return this.#tail;
  }

  /** The next statements in order, perhaps none; undefined at the end. */
  async read(): Promise<Entry[] | undefined> {
    if (this.#ended) return undefined;
    await this.#fill();
    const entries: Entry[] = [];
    for (let entry = await this.#next(); entry; entry = await this.#next()) {
      entries.push(entry);
      this.#index += entry.bytes.length;
      this.#at = entry.to;
    }
    this.#ended = this.#last;
    return entries;
  }

  /** Reads a chunk, or as much as is there already: so a long statement is looked at only a few times while it comes in. */
  async #fill(): Promise<void> {
    const { file, end } = this.#options;
    const rest = this.#bytes.subarray(this.#index);
    const position = this.#at.byte + rest.length;
    const wanted = Math.max(0, Math.min(Math.max(CHUNK, rest.length), end - position));
    const bytes = Buffer.allocUnsafe(rest.length + wanted);
    rest.copy(bytes);
    let length = rest.length;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, this.#at.byte + length);
      if (bytesRead === 0) break; // cut short meanwhile
      length += bytesRead;
    }
    this.#last = length < bytes.length || this.#at.byte + length >= end;
    this.#bytes = bytes.subarray(0, length);
    this.#index = 0;
  }

  /** The next statement; undefined where more bytes are needed, or none is left. */
  async #next(): Promise<Entry | undefined> {
    const bytes = this.#bytes;
    const mark = this.#at.byte === 0 && bytes.indexOf(BYTE_ORDER_MARK) === 0 ? BYTE_ORDER_MARK.length : 0;
    const lexed = this.#lexer.next(bytes, this.#index + mark, this.#at.line);
    if (lexed.state === "none") return undefined;
    const refuse = (why: string, unparsed = false) => new Refusal(why, tableNamedIn(lexed.shape), unparsed);
    if (lexed.state === "cut") return this.#entry(lexed, refuse(HALF_WRITTEN));
    if (lexed.state === "open") {
      const endless = lexed.end - lexed.start > MAX_STATEMENT;
      if (!this.#last && !endless) return undefined;
      const cut = await this.#cutAtStatementInside(lexed);
      if (cut) return this.#entry(cut, refuse(HALF_WRITTEN));
      if (endless) return this.#entry(lexed, refuse("it does not end within 16 MB"));
      if (this.#options.final) return this.#entry(lexed, refuse("it is half written: its end is missing"));
      this.#tail = { line: lexed.line, table: tableNamedIn(lexed.shape) };
      return undefined;
    }

    const shape = lexed.odd ? refuse(`it has ${lexed.odd}`, true) : await this.#judged(lexed.shape);
    if (!(shape instanceof Refusal)) {
      const sound = isUtf8(bytes.subarray(lexed.start, lexed.end));
      return this.#entry(lexed, sound ? { shape, values: rowOf(shape, lexed.values) } : refuse("it is not UTF-8"));
    }
    if (shape.unparsed) {
      // Where a statement breaks off inside a text, texts and what is between them change places from there on.
      const orderly = this.#isFollowedByStatement(lexed.end);
      if (orderly === undefined) return undefined;
      const cut = orderly ? undefined : await this.#cutAtStatementInside(lexed);
      if (cut) return this.#entry(cut, refuse(HALF_WRITTEN));
    }
    return this.#entry(lexed, shape);
  }

  #entry(lexed: Lexed, row: Row | Refusal): Entry {
    return {
      line: lexed.line,
      to: { byte: this.#at.byte + lexed.end - this.#index, line: lexed.endLine },
      bytes: this.#bytes.subarray(this.#index, lexed.end),
      start: lexed.start - this.#index,
      table: row instanceof Refusal ? row.table : row.shape.table,
      row,
    };
  }

  async #judged(shape: string): Promise<Shape | Refusal> {
    const known = this.#shapes.get(shape);
    if (known) return known;
    const judged = await this.#options.judge(shape).catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
    if (this.#shapes.size >= MAX_SHAPES) this.#shapes.clear();
    this.#shapes.set(shape, judged);
    return judged;
  }

  /** Whether comments or another statement come next; undefined where more bytes are needed to tell. */
  #isFollowedByStatement(index: number): boolean | undefined {
    let at = index;
    while (at < this.#bytes.length && /\s/.test(String.fromCharCode(this.#bytes[at] ?? 0))) at += 1;
    const next = this.#bytes.toString("latin1", at, at + 6);
    if (next.length < 6 && !this.#last) return undefined;
    return next === "" || /^(?:insert|--|\/\*)/i.test(next);
  }

  /** Up to a statement inside that can be replayed, where there is one: it was broken off, and the desktop went on. */
  async #cutAtStatementInside(lexed: Lexed): Promise<Lexed | undefined> {
    const bytes = this.#bytes;
    let at = bytes.indexOf(BEGINNING, lexed.start);
    for (let tried = 0; at >= 0 && at < lexed.end && tried < MAX_BEGINNINGS; tried += 1) {
      const end = at + 1;
      const inner = this.#lexer.next(bytes, end, 0);
      if (inner.state === "whole" && !inner.odd && !((await this.#judged(inner.shape)) instanceof Refusal)) {
        return { ...lexed, end, endLine: lexed.line + countLines(bytes, lexed.start, end) };
      }
      at = bytes.indexOf(BEGINNING, end);
    }
    return undefined;
  }
}

const HALF_WRITTEN = "it is half written: another statement begins before it ends";

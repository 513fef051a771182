import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { countLines } from "./bytes.ts";
import { type Lexed, Lexer, type Literal } from "./lexer.ts";
import { Refusal } from "./refusal.ts";
import { rowOf, type Shape } from "./shape.ts";
import { BEGINNINGS, type SpoolTable, tableNamedIn } from "./tables.ts";
import { isId } from "./uuid.ts";

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
const MAX_STATEMENT = 8 * 1024 * 1024;
/** Shapes are few. Where they are not, they are judged again rather than kept. */
const MAX_SHAPES = 1000;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");
/** So many beginnings inside one statement are looked at. */
const MAX_BEGINNINGS = 200;

/** Reads a spool from a place on, some statements at a time. */
export class SpoolReader {
  readonly #options: ReaderOptions;
  readonly #lexer = new Lexer();
  readonly #shapes = new Map<string, Shape | Refusal>();
  /** Bytes of the spool; what begins at `#index`, which is `#at` in the spool, is not returned yet. */
  #bytes: Buffer = Buffer.alloc(0);
  #index = 0;
  #at: Position;
  /** Inside a statement that was given up, since it was too long: what comes is a part of it until another one begins. */
  #lost: "in a text" | "for good" | undefined;
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
    const wanted = Math.max(0, Math.min(Math.max(CHUNK, rest.length), MAX_STATEMENT, end - position));
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
    if (this.#lost) return this.#skip();
    const bytes = this.#bytes;
    const mark = this.#at.byte === 0 && bytes.indexOf(BYTE_ORDER_MARK) === 0 ? BYTE_ORDER_MARK.length : 0;
    const lexed = this.#lexer.next(bytes, this.#index + mark, this.#at.line);
    const refuse = (why: string) => new Refusal(why, tableNamedIn(lexed.shape));
    const endless = (lexed.state === "whole" ? lexed.end : bytes.length) - lexed.start > MAX_STATEMENT;
    if (lexed.state === "none" && !endless) return undefined;
    if (lexed.state !== "whole") {
      if (!this.#last && !endless) return undefined;
      const cut = await this.#cutAtStatementInside(lexed);
      if (cut) return this.#entry(cut, refuse(HALF_WRITTEN));
      const plain = lexed.state === "open" && lexed.plainUpTo === lexed.end;
      if (endless) {
        if (!this.#last) this.#lost = plain ? "in a text" : "for good";
        return this.#entry({ ...lexed, end: bytes.length }, refuse(TOO_LONG));
      }
      if (lexed.plainUpTo === lexed.start) return this.#entry(lexed, refuse("a comment begins here that does not end"));
      if (this.#options.final) return this.#entry(lexed, refuse("it is half written: its end is missing"));
      this.#tail = { line: lexed.line, table: tableNamedIn(lexed.shape) };
      return undefined;
    }
    if (endless) return this.#entry(lexed, refuse(TOO_LONG));
    const judged = lexed.odd ? refuse(`it has ${lexed.odd}`) : await this.#judged(lexed.shape);
    if (!(judged instanceof Refusal)) {
      const sound = isUtf8(bytes.subarray(lexed.start, lexed.end));
      return this.#entry(
        lexed,
        sound ? { shape: judged, values: rowOf(judged, lexed.values) } : refuse("it is not UTF-8"),
      );
    }
    // Where a statement broke off inside a text, texts and what is between them change places from there on.
    const cut = judged.unparsed || lexed.odd ? await this.#cutAtStatementInside(lexed) : undefined;
    return cut ? this.#entry(cut, refuse(HALF_WRITTEN)) : this.#entry(lexed, judged);
  }

  /** What is left of a statement that was given up: up to where another begins, or all that is here. */
  async #skip(): Promise<Entry | undefined> {
    const bytes = this.#bytes;
    const [start, line] = [this.#index, this.#at.line];
    const rest: Lexed = {
      ...{ start, end: bytes.length, line, endLine: line, state: "open", shape: "", values: [], odd: undefined },
      plainUpTo: this.#lost === "in a text" ? bytes.length : start,
    };
    const cut = await this.#cutAtStatementInside(rest);
    if (cut) this.#lost = undefined;
    // A statement that begins here may end in the next bytes.
    const begun = Math.max(...BEGINNINGS.map((beginning) => bytes.lastIndexOf(beginning)));
    const end =
      cut?.end ?? (!this.#last && begun > start && bytes.length - begun < MAX_STATEMENT ? begun : bytes.length);
    if (end === start) return undefined;
    return this.#entry(
      { ...rest, end, endLine: line + countLines(bytes, start, end) },
      new Refusal("it belongs to the statement before it, which does not end"),
    );
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

  /**
   * Up to a statement inside that can be replayed: there the statement was broken off, and the desktop went on. It cannot be
   * a text's own words: in a text quotes are doubled, and between doubled quotes no id can stand.
   */
  async #cutAtStatementInside(lexed: Lexed): Promise<Lexed | undefined> {
    const bytes = this.#bytes;
    let at = nextBeginning(bytes, lexed.start + 1);
    for (let tried = 0; at >= 0 && at < lexed.plainUpTo && tried < MAX_BEGINNINGS; tried += 1) {
      const inner = this.#lexer.next(bytes, at, 0);
      if (inner.state === "whole" && !inner.odd) {
        const shape = await this.#judged(inner.shape);
        if (!(shape instanceof Refusal) && hasQuotedId(shape, inner)) {
          return { ...lexed, end: at, endLine: lexed.line + countLines(bytes, lexed.start, at) };
        }
      }
      at = nextBeginning(bytes, at + 1);
    }
    return undefined;
  }
}

/** Where the next statement may begin; -1: nowhere. */
function nextBeginning(bytes: Buffer, from: number): number {
  const found = BEGINNINGS.map((beginning) => bytes.indexOf(beginning, from)).filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) : -1;
}

function hasQuotedId(shape: Shape, { values }: Lexed): boolean {
  const id = shape.id === undefined ? null : rowOf(shape, values)[shape.id];
  return id != null && isId(id);
}

const TOO_LONG = `it does not end within ${MAX_STATEMENT / 1024 / 1024} MB`;
const HALF_WRITTEN = "it is half written: another statement begins before it ends";

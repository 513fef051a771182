// Cuts a spool into statements and each statement into its shape and its values, in one pass over the bytes. PostgreSQL's
// own parser judges a shape (shape.ts) once; the values of all statements of that shape travel as parameters, never as SQL.
import {
  BYTE,
  countLines,
  endOfComment,
  endOfDollars,
  endOfNumber,
  endOfPayload,
  endOfQuotedName,
  endOfText,
  isBlank,
  isDigit,
  isLetter,
  isNull,
  isWord,
  nonFiniteWord,
} from "./bytes.ts";

/** A value that stands in a statement: text, the text of a number, or NULL. */
export type Literal = string | null;

/** How a value was written. A shape holds one of these characters, after MARK, in the place of each value. */
const TEXT = "t";
export const NUMBER = "n";
const NULL = "0";
/** Stands in no shape by itself: a control character outside a literal makes a statement odd. */
export const MARK = "\u0001";

export interface Lexed {
  /** Where the statement begins: index of its first byte. */
  readonly start: number;
  /** After its semicolon; or where the bytes end. */
  readonly end: number;
  /** Line of its first byte, from 1, and of the byte at `end`. */
  readonly line: number;
  readonly endLine: number;
  /** whole: up to its semicolon. open: the bytes end first. none: only blanks and comments are left. */
  readonly state: "whole" | "open" | "none";
  /** The text outside its values, blanks and comments as one space. Bytes, one a character. */
  readonly shape: string;
  readonly values: readonly Literal[];
  /** Something no spool contains, which is not to be judged by its shape. */
  readonly odd: string | undefined;
  /** Where the first comment or text in dollars inside it begins, which may hold any text as it is; otherwise its end. */
  readonly plainUpTo: number;
}

/** A shape longer than this is no statement of a spool, whose columns are a few dozen. */
const MAX_SHAPE = 16_384;

/** Cuts one statement at a time: what it holds is about the one under way. */
export class Lexer {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #line = 1;
  /** Index of the statement's first byte, or -1 before it. */
  #start = -1;
  #startLine = 1;
  readonly #shape = Buffer.alloc(MAX_SHAPE);
  #length = 0;
  #values: Literal[] = [];
  #odd: string | undefined;
  #plainUpTo: number | undefined;

  /** Reads the next statement of `bytes` from the index `from` on, which is on line `line`. */
  next(bytes: Buffer, from: number, line: number): Lexed {
    this.#bytes = bytes;
    this.#at = from;
    this.#line = line;
    this.#start = -1;
    this.#length = 0;
    this.#values = [];
    this.#odd = undefined;
    this.#plainUpTo = undefined;
    while (this.#at < bytes.length) {
      const skipped = this.#skipBlank();
      if (skipped === "open") return this.#result(this.#plainUpTo === undefined ? "none" : "open");
      if (skipped) continue;
      if (this.#start < 0) {
        this.#start = this.#at;
        this.#startLine = this.#line;
        this.#length = 0; // no blanks before it
      }
      if (bytes[this.#at] === BYTE.SEMICOLON) {
        this.#at += 1;
        return this.#result("whole");
      }
      if (!this.#token()) return this.#result("open");
    }
    return this.#result(this.#start < 0 ? "none" : "open");
  }

  #result(state: Lexed["state"]): Lexed {
    const end = state === "open" ? this.#bytes.length : this.#at;
    return {
      start: this.#start < 0 ? this.#at : this.#start,
      end,
      line: this.#start < 0 ? this.#line : this.#startLine,
      endLine: this.#line,
      state,
      shape: this.#shape.toString("latin1", 0, this.#length),
      values: this.#values,
      odd: this.#odd,
      plainUpTo: this.#plainUpTo ?? end,
    };
  }

  /** Skips a blank or a comment. Returns whether there was one; `open`: a comment that does not end. */
  #skipBlank(): boolean | "open" {
    const [bytes, at] = [this.#bytes, this.#at];
    const byte = bytes[at] ?? 0;
    if (isBlank(byte)) {
      if (byte === BYTE.NEWLINE) this.#line += 1;
      this.#at += 1;
    } else if (byte === BYTE.MINUS && bytes[at + 1] === BYTE.MINUS) {
      if (this.#start >= 0) this.#plainUpTo ??= at;
      let end = at;
      while (end < bytes.length && bytes[end] !== BYTE.NEWLINE && bytes[end] !== BYTE.RETURN) end += 1;
      if (end >= bytes.length) return "open";
      this.#at = end;
    } else if (byte === BYTE.SLASH && bytes[at + 1] === BYTE.STAR) {
      this.#plainUpTo ??= at;
      const end = endOfComment(bytes, at);
      if (end < 0) return "open";
      if (this.#start < 0) this.#plainUpTo = undefined;
      this.#goTo(end);
    } else return false;
    if (this.#length > 0 && this.#length < MAX_SHAPE && this.#shape[this.#length - 1] !== BYTE.SPACE) {
      this.#shape[this.#length++] = BYTE.SPACE;
    }
    return true;
  }

  /** Takes the next token. Returns whether it ends before the bytes do. */
  #token(): boolean {
    const [bytes, at] = [this.#bytes, this.#at];
    const byte = bytes[at] ?? 0;
    if (byte === BYTE.QUOTE) return this.#text();
    const signed = (byte === BYTE.MINUS || byte === BYTE.PLUS) && this.#expectsValue();
    const first = signed ? at + 1 : at;
    const head = bytes[first] ?? 0;
    if (isDigit(head) || (head === BYTE.DOT && isDigit(bytes[first + 1] ?? 0))) {
      this.#at = endOfNumber(bytes, first);
      this.#value(NUMBER, bytes.toString("latin1", byte === BYTE.PLUS ? first : at, this.#at));
    } else if (isLetter(head)) {
      this.#word(first, byte);
    } else if (byte === BYTE.DOUBLE) {
      const end = endOfQuotedName(bytes, at);
      if (end < 0) return false;
      this.#copyTo(end);
    } else if (byte === BYTE.DOLLAR) {
      this.#odd ??= "a text in dollars, or a parameter";
      this.#plainUpTo ??= at;
      const end = endOfDollars(bytes, at);
      if (end < 0) return false;
      this.#goTo(end);
    } else {
      this.#copyTo(at + 1);
    }
    return true;
  }

  #text(): boolean {
    const prefix = this.#wordBefore();
    if (prefix !== "") this.#odd ??= `a text with the prefix ${prefix}`;
    const end = endOfText(this.#bytes, this.#at, /^e$/i.test(prefix));
    if (end < 0) return false;
    const text = this.#bytes.toString("utf8", this.#at + 1, end - 1);
    this.#goTo(end);
    this.#value(TEXT, text.includes("'") ? text.replaceAll("''", "'") : text);
    return true;
  }

  /** A word that begins at `first`: NULL, a number that is not finite (perhaps behind a sign), or any other. */
  #word(first: number, sign: number): void {
    const bytes = this.#bytes;
    let end = first;
    while (end < bytes.length && isWord(bytes[end] ?? 0)) end += 1;
    const number = nonFiniteWord(bytes, first, end);
    if (number) {
      this.#at = endOfPayload(bytes, end);
      this.#value(NUMBER, sign === BYTE.MINUS && number !== "NaN" ? `-${number}` : number);
    } else if (isNull(bytes, first, end) && first === this.#at) {
      this.#at = end;
      this.#value(NULL, null);
    } else this.#copyTo(end);
  }

  #value(kind: string, value: Literal): void {
    this.#values.push(value);
    if (this.#length + 2 > MAX_SHAPE) this.#odd ??= LONG;
    else {
      this.#shape[this.#length++] = MARK.charCodeAt(0);
      this.#shape[this.#length++] = kind.charCodeAt(0);
    }
  }

  /** Takes bytes into the shape. */
  #copyTo(end: number): void {
    if (this.#length + end - this.#at > MAX_SHAPE) this.#odd ??= LONG;
    else {
      for (let at = this.#at; at < end; at += 1) {
        const byte = this.#bytes[at] ?? 0;
        if (byte < BYTE.SPACE || byte === 0x7f) this.#odd ??= "a control character outside a text";
        this.#shape[this.#length++] = byte;
      }
    }
    this.#goTo(end);
  }

  /** Goes on at a place, counting lines. */
  #goTo(end: number): void {
    this.#line += countLines(this.#bytes, this.#at, end);
    this.#at = end;
  }

  /** Whether a value is what comes next, so that a sign belongs to it. */
  #expectsValue(): boolean {
    let at = this.#length - 1;
    while (at >= 0 && this.#shape[at] === BYTE.SPACE) at -= 1;
    return this.#shape[at] === BYTE.OPEN || this.#shape[at] === BYTE.COMMA;
  }

  /** The word that a quote follows without a blank: it changes what the text means. */
  #wordBefore(): string {
    let from = this.#at;
    while (from > this.#start && (isWord(this.#bytes[from - 1] ?? 0) || this.#bytes[from - 1] === BYTE.AMPERSAND))
      from -= 1;
    return this.#bytes.toString("latin1", from, this.#at);
  }
}

const LONG = "more text outside its values than a statement of a spool has";

// Cuts a spool into statements and each statement into its shape and its values, in one pass over the bytes. PostgreSQL's
// own parser judges a shape (shape.ts) once; the values of all statements of that shape travel as parameters, never as SQL.

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
  /** After its semicolon; or where it was cut off. */
  readonly end: number;
  /** Line of its first byte, from 1, and of the byte at `end`. */
  readonly line: number;
  readonly endLine: number;
  /**
   * whole: up to its semicolon. cut: another statement begins before one ended. open: the bytes end first. none: only
   * blanks and comments are left.
   */
  readonly state: "whole" | "cut" | "open" | "none";
  /** The text outside its values, blanks and comments as one space. Bytes, one a character. */
  readonly shape: string;
  readonly values: readonly Literal[];
  /** Something no spool contains, which is not to be judged by its shape. */
  readonly odd: string | undefined;
  /** Whether the bytes end inside a text: with `open`. */
  readonly inText: boolean;
}

const [QUOTE, DOUBLE, SEMICOLON, NEWLINE] = [0x27, 0x22, 0x3b, 0x0a];
const [MINUS, PLUS, SLASH, STAR, DOLLAR, DOT, BACKSLASH] = [0x2d, 0x2b, 0x2f, 0x2a, 0x24, 0x2e, 0x5c];
const [SPACE, OPEN, CLOSE, COMMA] = [0x20, 0x28, 0x29, 0x2c];

const isBlank = (byte: number) => byte === SPACE || (byte >= 0x09 && byte <= 0x0d);
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number) =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte >= 0x80;
const isWord = (byte: number) => isLetter(byte) || isDigit(byte) || byte === DOLLAR;

/** A shape longer than this is no statement of a spool, whose columns are a few dozen. */
const MAX_SHAPE = 16_384;

/** Not safe for two cuts at a time: it writes shapes into one buffer. */
export class Lexer {
  readonly #shape = Buffer.alloc(MAX_SHAPE);
  #length = 0;

  /** Reads the next statement of `bytes` from the index `from` on, which is on line `line`. */
  next(bytes: Buffer, from: number, line: number): Lexed {
    this.#length = 0;
    const to = bytes.length;
    const values: Literal[] = [];
    let odd: string | undefined;
    let start = -1;
    let startLine = line;
    let at = from;
    let lines = line;

    const result = (state: Lexed["state"], end: number, inText = false): Lexed => ({
      start: start < 0 ? end : start,
      end,
      line: startLine,
      endLine: lines,
      state,
      shape: this.#shape.toString("latin1", 0, this.#length),
      values,
      odd,
      inText,
    });

    while (at < to) {
      const byte = bytes[at] ?? 0;
      if (isBlank(byte)) {
        if (byte === NEWLINE) lines += 1;
        this.#blank();
        at += 1;
        continue;
      }
      const next = bytes[at + 1] ?? 0;
      if (byte === MINUS && next === MINUS) {
        const end = bytes.indexOf(NEWLINE, at);
        if (end < 0) return start < 0 ? result("none", at) : result("open", to);
        this.#blank();
        at = end;
        continue;
      }
      if (byte === SLASH && next === STAR) {
        const end = endOfComment(bytes, at);
        if (end < 0) return start < 0 ? result("none", at) : result("open", to);
        lines += countLines(bytes, at, end);
        this.#blank();
        at = end;
        continue;
      }

      if (start < 0) {
        start = at;
        startLine = lines;
        this.#length = 0; // no blanks before it
      } else if (startsStatement(bytes, at)) {
        return result("cut", at);
      }

      if (byte === SEMICOLON) return result("whole", at + 1);
      if (byte === QUOTE) {
        const prefix = this.#wordBefore(bytes, at, start);
        const text = readText(bytes, at, /^e$/i.test(prefix));
        if (text.end < 0) return result("open", to, true);
        if (prefix !== "") odd ??= `a text with the prefix ${prefix}`;
        values.push(text.value);
        lines += countLines(bytes, at, text.end);
        this.#mark(TEXT);
        at = text.end;
        continue;
      }
      const signed = (byte === MINUS || byte === PLUS) && this.#expectsValue();
      const head = signed ? next : byte;
      const first = signed ? at + 1 : at;
      if (isDigit(head) || (head === DOT && isDigit(bytes[first + 1] ?? 0))) {
        const end = endOfNumber(bytes, first);
        values.push(bytes.toString("latin1", byte === PLUS ? first : at, end));
        this.#mark(NUMBER);
        at = end;
        continue;
      }
      if (isLetter(head)) {
        let end = first;
        while (end < to && isWord(bytes[end] ?? 0)) end += 1;
        if (!signed && isNull(bytes, at, end)) {
          values.push(null);
          this.#mark(NULL);
          at = end;
          continue;
        }
        const number = nonFiniteWord(bytes, first, end);
        if (number) {
          values.push(byte === MINUS && number !== "NaN" ? `-${number}` : number);
          this.#mark(NUMBER);
          at = endOfPayload(bytes, end);
          continue;
        }
        if (!signed) {
          if (!this.#copy(bytes, at, end)) odd ??= LONG;
          at = end;
          continue;
        }
      }
      if (byte === DOUBLE) {
        const end = endOfQuotedName(bytes, at);
        if (end < 0) return result("open", to);
        lines += countLines(bytes, at, end);
        if (!this.#copy(bytes, at, end)) odd ??= LONG;
        at = end;
        continue;
      }
      if (byte === DOLLAR) {
        odd ??= "a text in dollars, or a parameter";
        const end = endOfDollars(bytes, at);
        if (end < 0) return result("open", to, true);
        lines += countLines(bytes, at, end);
        at = end;
        continue;
      }
      if (byte < SPACE || byte === 0x7f) odd ??= "a control character outside a text";
      if (!this.#copy(bytes, at, at + 1)) odd ??= LONG;
      at += 1;
    }
    return result(start < 0 ? "none" : "open", to);
  }

  #blank(): void {
    if (this.#length > 0 && this.#length < MAX_SHAPE && this.#shape[this.#length - 1] !== SPACE) {
      this.#shape[this.#length++] = SPACE;
    }
  }

  #mark(kind: string): void {
    if (this.#length + 2 > MAX_SHAPE) return;
    this.#shape[this.#length++] = 1;
    this.#shape[this.#length++] = kind.charCodeAt(0);
  }

  #copy(bytes: Buffer, from: number, to: number): boolean {
    if (this.#length + to - from + 2 > MAX_SHAPE) return false;
    for (let at = from; at < to; at += 1) this.#shape[this.#length++] = bytes[at] ?? 0;
    return true;
  }

  /** Whether a value is what comes next, so that a sign belongs to it. */
  #expectsValue(): boolean {
    let at = this.#length - 1;
    while (at >= 0 && this.#shape[at] === SPACE) at -= 1;
    return this.#shape[at] === OPEN || this.#shape[at] === COMMA;
  }

  /** The word that a quote follows without a blank: it changes what the text means. */
  #wordBefore(bytes: Buffer, quote: number, start: number): string {
    let from = quote;
    while (from > start && (isWord(bytes[from - 1] ?? 0) || bytes[from - 1] === 0x26)) from -= 1;
    return bytes.toString("latin1", from, quote);
  }
}

const LONG = "more text outside its values than a statement of a spool has";

/** At the start of a line, outside any text: no statement has this inside. */
function startsStatement(bytes: Buffer, at: number): boolean {
  const byte = bytes[at];
  if (byte !== 0x49 && byte !== 0x69) return false; // i
  if (at > 0 && bytes[at - 1] !== NEWLINE) return false;
  return /^insert\s$/i.test(bytes.toString("latin1", at, at + 7));
}

function readText(bytes: Buffer, at: number, escapes: boolean): { value: string; end: number } {
  let doubled = false;
  for (let end = at + 1; end < bytes.length; end += 1) {
    const byte = bytes[end];
    if (escapes && byte === BACKSLASH) end += 1;
    else if (byte === QUOTE) {
      if (end + 1 < bytes.length && bytes[end + 1] === QUOTE) {
        doubled = true;
        end += 1;
      } else {
        const value = bytes.toString("utf8", at + 1, end);
        return { value: doubled ? value.replaceAll("''", "'") : value, end: end + 1 };
      }
    }
  }
  return { value: "", end: -1 };
}

function endOfNumber(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && (isDigit(bytes[end] ?? 0) || bytes[end] === DOT)) end += 1;
  if (bytes[end] === 0x65 || bytes[end] === 0x45) {
    let exponent = end + 1;
    if (bytes[exponent] === MINUS || bytes[exponent] === PLUS) exponent += 1;
    if (isDigit(bytes[exponent] ?? 0) || exponent >= bytes.length) {
      end = exponent;
      while (end < bytes.length && isDigit(bytes[end] ?? 0)) end += 1;
    }
  }
  return end;
}

function isNull(bytes: Buffer, at: number, end: number): boolean {
  return (
    end - at === 4 && (bytes[at] === 0x4e || bytes[at] === 0x6e) && /^null$/i.test(bytes.toString("latin1", at, end))
  );
}

/** As C++ prints a number that is not finite. */
function nonFiniteWord(bytes: Buffer, at: number, end: number): "NaN" | "Infinity" | undefined {
  const length = end - at;
  if (length !== 3 && length !== 8) return undefined;
  const word = bytes.toString("latin1", at, end).toLowerCase();
  if (word === "nan") return "NaN";
  return word === "inf" || word === "infinity" ? "Infinity" : undefined;
}

/** After the `(ind)` or `(snan)` that some C++ libraries print behind a nan; `at` where there is none. */
function endOfPayload(bytes: Buffer, at: number): number {
  if (bytes[at] !== OPEN) return at;
  let end = at + 1;
  while (end < bytes.length && isWord(bytes[end] ?? 0)) end += 1;
  return bytes[end] === CLOSE ? end + 1 : at;
}

function endOfQuotedName(bytes: Buffer, at: number): number {
  for (let end = at + 1; end < bytes.length; end += 1) {
    if (bytes[end] !== DOUBLE) continue;
    if (bytes[end + 1] !== DOUBLE || end + 1 >= bytes.length) return end + 1;
    end += 1;
  }
  return -1;
}

/** After a text in dollars (`$tag$…$tag$`), or after a dollar that begins none. */
function endOfDollars(bytes: Buffer, at: number): number {
  let tag = at + 1;
  while (tag < bytes.length && isWord(bytes[tag] ?? 0) && bytes[tag] !== DOLLAR) tag += 1;
  if (tag >= bytes.length) return -1;
  if (bytes[tag] !== DOLLAR || isDigit(bytes[at + 1] ?? 0)) return at + 1;
  const end = bytes.indexOf(bytes.subarray(at, tag + 1), tag + 1);
  return end < 0 ? -1 : end + tag + 1 - at;
}

/** After a comment, which may hold others; -1 where it does not end. */
function endOfComment(bytes: Buffer, at: number): number {
  let depth = 0;
  for (let end = at; end + 1 < bytes.length; end += 1) {
    if (bytes[end] === SLASH && bytes[end + 1] === STAR) {
      depth += 1;
      end += 1;
    } else if (bytes[end] === STAR && bytes[end + 1] === SLASH) {
      depth -= 1;
      end += 1;
      if (depth === 0) return end + 1;
    }
  }
  return -1;
}

export function countLines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (bytes[at] === NEWLINE) count += 1;
  return count;
}

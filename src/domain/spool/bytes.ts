// Where the tokens of SQL end, in bytes: what the lexer need not know of their insides.

export const BYTE = {
  QUOTE: 0x27,
  DOUBLE: 0x22,
  SEMICOLON: 0x3b,
  NEWLINE: 0x0a,
  RETURN: 0x0d,
  MINUS: 0x2d,
  PLUS: 0x2b,
  SLASH: 0x2f,
  STAR: 0x2a,
  DOLLAR: 0x24,
  DOT: 0x2e,
  BACKSLASH: 0x5c,
  SPACE: 0x20,
  OPEN: 0x28,
  CLOSE: 0x29,
  COMMA: 0x2c,
  AMPERSAND: 0x26,
} as const;

export const isBlank = (byte: number) => byte === BYTE.SPACE || (byte >= 0x09 && byte <= 0x0d);
export const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
export const isLetter = (byte: number) =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte >= 0x80;
export const isWord = (byte: number) => isLetter(byte) || isDigit(byte) || byte === BYTE.DOLLAR;

/** After a text's closing quote; -1 where there is none. */
export function endOfText(bytes: Buffer, at: number, escapes: boolean): number {
  for (let end = at + 1; end < bytes.length; end += 1) {
    if (escapes && bytes[end] === BYTE.BACKSLASH) end += 1;
    else if (bytes[end] === BYTE.QUOTE) {
      if (bytes[end + 1] !== BYTE.QUOTE) return end + 1;
      end += 1;
    }
  }
  return -1;
}

export function endOfNumber(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && (isDigit(bytes[end] ?? 0) || bytes[end] === BYTE.DOT)) end += 1;
  if (bytes[end] === 0x65 || bytes[end] === 0x45) {
    let exponent = end + 1;
    if (bytes[exponent] === BYTE.MINUS || bytes[exponent] === BYTE.PLUS) exponent += 1;
    if (isDigit(bytes[exponent] ?? 0) || exponent >= bytes.length) {
      end = exponent;
      while (end < bytes.length && isDigit(bytes[end] ?? 0)) end += 1;
    }
  }
  return end;
}

export function isNull(bytes: Buffer, at: number, end: number): boolean {
  return (
    end - at === 4 && (bytes[at] === 0x4e || bytes[at] === 0x6e) && /^null$/i.test(bytes.toString("latin1", at, end))
  );
}

/** As C++ prints a number that is not finite. */
export function nonFiniteWord(bytes: Buffer, at: number, end: number): "NaN" | "Infinity" | undefined {
  const [length, first] = [end - at, (bytes[at] ?? 0) | 0x20];
  if ((length !== 3 && length !== 8) || (first !== 0x69 && first !== 0x6e)) return undefined; // i, n
  const word = bytes.toString("latin1", at, end).toLowerCase();
  if (word === "nan") return "NaN";
  return word === "inf" || word === "infinity" ? "Infinity" : undefined;
}

/** After the `(ind)` or `(snan)` that some C++ libraries print behind a nan; `at` where there is none. */
export function endOfPayload(bytes: Buffer, at: number): number {
  if (bytes[at] !== BYTE.OPEN) return at;
  let end = at + 1;
  while (end < bytes.length && isWord(bytes[end] ?? 0)) end += 1;
  return bytes[end] === BYTE.CLOSE ? end + 1 : at;
}

export function endOfQuotedName(bytes: Buffer, at: number): number {
  for (let end = at + 1; end < bytes.length; end += 1) {
    if (bytes[end] !== BYTE.DOUBLE) continue;
    if (bytes[end + 1] !== BYTE.DOUBLE || end + 1 >= bytes.length) return end + 1;
    end += 1;
  }
  return -1;
}

/** After a text in dollars (`$tag$…$tag$`), or after a dollar that begins none. */
export function endOfDollars(bytes: Buffer, at: number): number {
  let tag = at + 1;
  while (tag < bytes.length && isWord(bytes[tag] ?? 0) && bytes[tag] !== BYTE.DOLLAR) tag += 1;
  if (tag >= bytes.length) return -1;
  if (bytes[tag] !== BYTE.DOLLAR || isDigit(bytes[at + 1] ?? 0)) return at + 1;
  const end = bytes.indexOf(bytes.subarray(at, tag + 1), tag + 1);
  return end < 0 ? -1 : end + tag + 1 - at;
}

/** After a comment, which may hold others; -1 where it does not end. */
export function endOfComment(bytes: Buffer, at: number): number {
  let depth = 0;
  for (let end = at; end + 1 < bytes.length; end += 1) {
    if (bytes[end] === BYTE.SLASH && bytes[end + 1] === BYTE.STAR) {
      depth += 1;
      end += 1;
    } else if (bytes[end] === BYTE.STAR && bytes[end + 1] === BYTE.SLASH) {
      depth -= 1;
      end += 1;
      if (depth === 0) return end + 1;
    }
  }
  return -1;
}

export function countLines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (bytes[at] === BYTE.NEWLINE) count += 1;
  return count;
}

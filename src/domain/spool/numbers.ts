/** As C++ and others print a number that is not finite, with the `(ind)` or `(snan)` of some libraries. */
const NON_FINITE = String.raw`[+-]?(?:nan(?:\(\w*\))?|inf(?:inity)?)(?!\w)`;
const WHOLE = new RegExp(`^${NON_FINITE}$`, "i");
const EACH = new RegExp(`(?<![\\w.])${NON_FINITE}`, "gi");
const PERHAPS = /nan|inf/i;

/** PostgreSQL's text of a number that is not finite; any other text as it is. */
export function numberText(text: string): string {
  if (!PERHAPS.test(text) || !WHOLE.test(text)) return text;
  if (/nan/i.test(text)) return "NaN";
  return text.startsWith("-") ? "-Infinity" : "Infinity";
}

/** JSON in which numbers that are not finite, which JSON cannot say, are null. What stands in its strings stays. */
export function jsonText(text: string): string {
  if (!PERHAPS.test(text)) return text;
  let changed = "";
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const outside = quote < 0 ? text.length : quote;
    changed += text.slice(at, outside).replace(EACH, "null");
    at = quote < 0 ? text.length : endOfString(text, quote);
    changed += text.slice(outside, at);
  }
  return changed;
}

function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00)$/;

/**
 * The same data in one form, whoever answered: a connection is its rows, a count a number, a timestamp has its six decimals,
 * a word of a vocabulary is in capitals, keys are sorted. The keys themselves are the same, by aliases.
 */
export function canonical(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => canonical(item));
  if (typeof value === "string") return canonicalText(value, key);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === "nodes") return canonical(only[1]);
  if (entries.length === 1 && only?.[0] === "totalCount") return Number(only[1]);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, canonical(inner, name)]),
  );
}

function canonicalText(text: string, key: string): unknown {
  if (key.endsWith("Count")) return Number(text);
  if (key === "status" || key === "mode") return text.toUpperCase();
  const [, day, time, fraction = ""] = TIMESTAMP.exec(text) ?? [];
  return day === undefined ? text : `${day}T${time}.${fraction.padEnd(6, "0")}Z`;
}

/** Where two canonical forms first differ, and the two values there; undefined where they are equal. */
export function difference(a: unknown, b: unknown, path = "data"): string | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) {
    return Object.is(a, b) ? undefined : `${path}: ${show(a)} is not ${show(b)}`;
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = difference(left[key], right[key], Array.isArray(a) ? `${path}[${key}]` : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

const CANONICAL = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The text by which two spellings of an id are seen to be one: PostgreSQL takes uuids in upper case, in braces, and with
 * hyphens after any four digits, or none. Any other text stays as it is.
 */
export function canonicalId(text: string): string {
  if (CANONICAL.test(text)) return text;
  const digits = text.replace(/[{}-]/g, "").toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(digits)) return text;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export const isId = (text: string): boolean =>
  canonicalId(text).length === 36 && /^[0-9a-f-]+$/.test(canonicalId(text));

import { createHash } from "node:crypto";
import type { Position, SortKey } from "../domain/page.ts";
import { isStoredTimestamp } from "../domain/timestamp.ts";
import { ClientError } from "../errors.ts";
import { parseUuid } from "./scalars.ts";

/**
 * A cursor is the position of a row in a list, and the list's scope: its name, its parent, its order and its filter. It
 * holds no secret; it is opaque so that it may change.
 */
export function encodeCursor(scope: string, position: Position): string {
  return Buffer.from(JSON.stringify([scope, ...position])).toString("base64url");
}

/** Throws ClientError BAD_CURSOR for anything that this list, so ordered and filtered, did not hand out. */
export function decodeCursor(cursor: string, argument: string, scope: string, keys: readonly SortKey[]): Position {
  const { scope: ofScope, position } = openCursor(cursor, argument);
  if (ofScope !== scope) {
    throw new ClientError(
      "BAD_CURSOR",
      `\`${argument}\` comes from another list, or from this one with another filter or order: start again without it.`,
    );
  }
  if (!isPosition(position, keys)) {
    throw new ClientError("BAD_CURSOR", `\`${argument}\` is damaged: start again without it.`);
  }
  return position;
}

/** What a cursor holds, unchecked. Throws ClientError BAD_CURSOR for what is none. */
export function openCursor(cursor: string, argument: string): { scope: string; position: Position } {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    parts = undefined;
  }
  if (!isCursor(parts)) {
    throw new ClientError(
      "BAD_CURSOR",
      `\`${argument}\` is not a cursor: pass one from \`edges\` or \`pageInfo\`, unchanged.`,
    );
  }
  const [scope, ...position] = parts;
  return { scope, position };
}

function isCursor(parts: unknown): parts is [scope: string, ...position: string[]] {
  return Array.isArray(parts) && parts.every((part) => typeof part === "string") && SCOPE.test(parts[0] ?? "");
}

/** Whether PostgreSQL can compare the values of these keys with this position. */
export function isPosition(position: Position, keys: readonly SortKey[]): boolean {
  return position.length === keys.length && keys.every((key, i) => isValue(key.type, position[i] ?? ""));
}

/** A short name for everything that a cursor is bound to. Fields that are null count as left out. */
export function scopeOf(list: string, parentId: string | undefined, orderBy: object, filter: object): string {
  const [before, after] = scopeTexts(list, orderBy, filter);
  return createHash("sha256")
    .update(`${before}${JSON.stringify(parentId ?? null)}${after}`)
    .digest("base64url")
    .slice(0, SCOPE_LENGTH);
}

export const SCOPE_LENGTH = 12;
/** PostgreSQL compares it, and could not with one that holds a NUL. */
const SCOPE = new RegExp(`^[\\w-]{${SCOPE_LENGTH}}$`);

/** What a scope is hashed from, before and after the parent's id. */
export function scopeTexts(list: string, orderBy: object, filter: object): [before: string, after: string] {
  const given = Object.entries(filter)
    .filter(([, value]) => value != null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return [`[${JSON.stringify(list)},`, `,${JSON.stringify(orderBy)},${JSON.stringify(given)}]`];
}

function isValue(type: SortKey["type"], text: string): boolean {
  if (type === "uuid") return parseUuid(text) !== undefined;
  if (type === "timestamptz") return isStoredTimestamp(text);
  return !text.includes("\0");
}

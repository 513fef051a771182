import type { TimeRange } from "../domain/sql.ts";
import { ClientError } from "../errors.ts";

/** Text that PostgreSQL can compare with. Throws ClientError BAD_USER_INPUT for a NUL, which no stored text has. */
export function checkText(field: string, text: string | null | undefined): string | null | undefined {
  if (text?.includes("\0")) {
    throw new ClientError(
      "BAD_USER_INPUT",
      `\`${field}\` holds a NUL character, which no stored text has: leave it out.`,
    );
  }
  return text;
}

/** The two ends of a filter; undefined where neither is given, so that no filter is always written the same. */
export function timeRange(after: string | null | undefined, before: string | null | undefined): TimeRange | undefined {
  return after == null && before == null ? undefined : { after: after ?? undefined, before: before ?? undefined };
}

/** Longer than any name. Long texts are compared with each other character by character: a minute for half a megabyte. */
const MAX_SEARCH = 1_000;

/**
 * What to search for; an empty text is no search. Throws as `checkText`, also for the line break that separates names, and for
 * more characters than a name has.
 */
export function searchText(text: string | null | undefined): string | undefined {
  if (text?.includes("\n")) {
    throw new ClientError("BAD_USER_INPUT", "`search` holds a line break, which no name has: leave it out.");
  }
  if (text && text.length > MAX_SEARCH) {
    throw new ClientError("BAD_USER_INPUT", `\`search\` has more than ${MAX_SEARCH} characters: search for a part.`);
  }
  return checkText("search", text) || undefined;
}

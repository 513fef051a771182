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

/** The two ends of a filter, or undefined where neither is given: a filter that is not there must not bind a cursor. */
export function timeRange(after: string | null | undefined, before: string | null | undefined): TimeRange {
  return { ...(after == null ? {} : { after }), ...(before == null ? {} : { before }) };
}

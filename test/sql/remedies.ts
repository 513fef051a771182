import { expect } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { messageOf } from "../../src/errors.ts";
import type { TestDatabase } from "../harness.ts";

/** A block of the table that a refusal shows: the first two columns on one line each, the third as it stands. */
interface Shown {
  readonly what: string;
  readonly rows: string;
  readonly remedy: string;
}

/** What `migrate` refuses a database with; "": it was migrated. */
export function refusalOf(
  database: TestDatabase,
  options: { url?: string; assumeUtc?: boolean } = {},
): Promise<string> {
  return migrate({ url: database.url, ...options }).then(
    () => "",
    (error: unknown) => {
      expect(error).toMatchObject({ name: "OperatorError" });
      return messageOf(error);
    },
  );
}

export function shownIn(refusal: string): Shown[] {
  const [, ...blocks] = refusal.split(/^[-+]{9,}$/m);
  return blocks
    .map((block) => {
      const lines = block.split("\n").filter((line) => line.includes(" | "));
      const column = (i: number) => lines.map((line) => line.split(/ \|(?: |$)/)[i]?.trimEnd() ?? "");
      const words = (i: number) =>
        column(i)
          .map((text) => text.trim())
          .filter((text) => text !== "")
          .join(" ");
      return { what: words(0), rows: words(1), remedy: column(2).join("\n").trim() };
    })
    .filter(({ what }) => what !== "");
}

/** The statements of a remedy: what is to be run before `migrate`, of alternatives the first, and what afterwards. */
function statementsOf(remedy: string): { before: string[]; after: string[] } {
  const [first = "", afterwards = ""] = remedy.split(/^migrate, and then(?: again)?/m);
  const statements = (text: string) => text.match(/^(?:ALTER|CREATE|DELETE|DROP|GRANT|INSERT|UPDATE)\b[^;]*;/gm) ?? [];
  return {
    before: statements(first.split(/^or,/m)[0] ?? ""),
    after: afterwards.startsWith(", in words that fit") ? [] : statements(afterwards),
  };
}

/** Does what a refusal says, in its order, migrates, which must go through, and does what is to be done afterwards. */
export async function mend(
  database: TestDatabase,
  refusal: string,
  options: { url?: string; assumeUtc?: boolean } = {},
): Promise<void> {
  const remedies = shownIn(refusal).map(({ remedy }) => statementsOf(remedy));
  for (const statement of remedies.flatMap(({ before }) => before)) await database.query(statement);
  expect(await refusalOf(database, options)).toBe("");
  for (const statement of remedies.flatMap(({ after }) => after)) await database.query(statement);
}

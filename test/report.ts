import type pg from "pg";
import { openClient } from "../src/db/pool.ts";

/** Every value as PostgreSQL's text, which is what psql shows. */
const types = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/** A page with SQL in it: each block of `sql` is run, and the block `text` behind it is what came of it. */
export async function withOutputs(url: string, page: string): Promise<string> {
  const client = await openClient(url, "report", types);
  try {
    let written = "";
    let at = 0;
    for (const match of page.matchAll(/```sql\n([\s\S]*?)```\n(?:\n```text\n[\s\S]*?```\n)?/g)) {
      const [whole, sql = ""] = match;
      written += `${page.slice(at, match.index)}\`\`\`sql\n${sql}\`\`\`\n\n\`\`\`text\n${await output(client, sql)}\n\`\`\`\n`;
      at = match.index + whole.length;
    }
    return written + page.slice(at);
  } finally {
    await client.end();
  }
}

/** What psql prints for a statement. */
async function output(client: pg.Client, sql: string): Promise<string> {
  try {
    const { command, rowCount, fields, rows } = await client.query<string[]>({ text: sql, rowMode: "array" });
    if (fields.length > 0) return table(fields, rows);
    return command === "INSERT" ? `INSERT 0 ${rowCount}` : command;
  } catch (error) {
    const { message, detail } = error as pg.DatabaseError;
    return [`ERROR:  ${message}`, ...(detail ? [`DETAIL:  ${detail}`] : [])].join("\n");
  }
}

const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 1700]);

function table(fields: readonly pg.FieldDef[], rows: readonly (string | null)[][]): string {
  const widths = fields.map(({ name }, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) => ` ${cells.join(" | ")}`.trimEnd();
  const centred = (text: string, width: number) => {
    const left = Math.floor((width - text.length) / 2);
    return `${" ".repeat(left)}${text}`.padEnd(width);
  };
  return [
    line(fields.map(({ name }, i) => centred(name, widths[i] ?? 0))),
    widths.map((width) => "-".repeat(width + 2)).join("+"),
    ...rows.map((row) =>
      line(
        row.map((value, i) => {
          const [text, width] = [value ?? "", widths[i] ?? 0];
          return NUMBERS.has(fields[i]?.dataTypeID ?? 0) ? text.padStart(width) : text.padEnd(width);
        }),
      ),
    ),
    `(${rows.length} row${rows.length === 1 ? "" : "s"})`,
  ].join("\n");
}

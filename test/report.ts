import { readFileSync } from "node:fs";
import type pg from "pg";
import { openClient } from "../src/db/pool.ts";

/** Every value as PostgreSQL's text, which is what psql shows. */
const types = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/** A block of SQL, or one that runs a file of SQL with psql. */
export const COMMANDS = /```(?:sql\n([\s\S]*?)|sh\npsql \S+ -f (\S+)\n)```\n/g;
const OUTPUT = /(?:\n```text\n[\s\S]*?```\n)?/;

/** A page with SQL in it: each command is run, and the block `text` behind it is what came of it. */
export async function withOutputs(url: string, page: string): Promise<string> {
  const client = await openClient(url, "report", { types });
  try {
    let written = "";
    let at = 0;
    for (const match of page.matchAll(new RegExp(`(${COMMANDS.source})${OUTPUT.source}`, "g"))) {
      const [whole, command = "", sql, file = ""] = match;
      const text = await output(client, sql ?? mainStatement(file));
      written += `${page.slice(at, match.index)}${command}\n\`\`\`text\n${text}\n\`\`\`\n`;
      at = match.index + whole.length;
    }
    return written + page.slice(at);
  } finally {
    await client.end();
  }
}

/** The statement of a file that prints something: those before it only prepare it, and the last one only fails. */
function mainStatement(file: string): string {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
  return text.slice(text.search(/^WITH$/m), text.search(/^DO \$\$$/m));
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
  const cells = rows.map((row) => row.map((value) => (value ?? "").split("\n")));
  const widths = fields.map(({ name }, i) =>
    Math.max(name.length, ...cells.flatMap((row) => row[i]?.map((text) => text.length) ?? [])),
  );
  const line = (texts: readonly string[]) => ` ${texts.join("| ")}`.trimEnd();
  const centred = (text: string, width: number) =>
    `${" ".repeat(Math.floor((width - text.length) / 2))}${text}`.padEnd(width);
  const rowLines = (row: readonly string[][]) =>
    Array.from({ length: Math.max(...row.map((texts) => texts.length)) }, (_, at) =>
      line(
        row.map((texts, i) => {
          const [text, width] = [texts[at] ?? "", widths[i] ?? 0];
          const padded = NUMBERS.has(fields[i]?.dataTypeID ?? 0) ? text.padStart(width) : text.padEnd(width);
          return padded + (at + 1 < texts.length ? "+" : " ");
        }),
      ),
    );
  return [
    line(fields.map(({ name }, i) => `${centred(name, widths[i] ?? 0)} `)),
    widths.map((width) => "-".repeat(width + 2)).join("+"),
    ...cells.flatMap(rowLines),
    `(${rows.length} row${rows.length === 1 ? "" : "s"})`,
  ].join("\n");
}

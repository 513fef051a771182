import type pg from "pg";
import { preflightFiles, questionFile, runFile, type SqlFile } from "./sql-file.ts";
import type { Migration } from "./step.ts";

/** Something that stands in the way of the migration. */
export interface Finding {
  readonly what: string;
  /** Which rows or objects, one a line. */
  readonly rows: string;
  /** What an operator can do, lines of words and of SQL. */
  readonly remedy: string;
}

/** Everything that stands in the way. Changes nothing. */
export async function preflight(migration: Migration, dir?: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const file of preflightFiles(dir)) findings.push(...(await ask<Finding>(migration.client, file, migration)));
  return findings;
}

/** What each file would mean for the rows that are there now, by its name. */
export async function plannedRows(migration: Migration, dir?: string): Promise<Map<string, string[]>> {
  const rows = await ask<{ file: string; what: string }>(migration.client, questionFile("plan.sql", dir), migration);
  const planned = new Map<string, string[]>();
  for (const { file, what } of rows) planned.set(file, [...(planned.get(file) ?? []), what]);
  return planned;
}

/** The number of rows in each table of ours that has any. */
export async function holdings(client: pg.ClientBase): Promise<Map<string, number>> {
  const rows = await ask<{ relation: string; row_count: number }>(client, questionFile("holdings.sql"));
  return new Map(rows.map(({ relation, row_count }) => [relation, row_count]));
}

/** Whether the application's role lacks rights that this session may give it, or is missing. Changes nothing. */
export async function lacksRights(client: pg.ClientBase, grants: SqlFile): Promise<boolean> {
  await client.query("BEGIN TRANSACTION READ ONLY"); // in which the file only counts
  try {
    await client.query(grants.text); // at once, since each start of an embedded database asks, and the parser takes long to load
    const { rows } = await client.query("SELECT current_setting('stage1.rights_due')::integer > 0 AS due");
    return rows[0]?.due === true;
  } finally {
    await client.query("ROLLBACK").catch(() => {});
  }
}

async function ask<Row>(client: pg.ClientBase, file: SqlFile, migration?: Migration): Promise<Row[]> {
  await client.query("BEGIN TRANSACTION READ ONLY");
  try {
    let rows: unknown[] = [];
    for (const part of [...file.needs, file]) {
      rows = await runFile(part, ({ text }) => {
        migration?.signal.throwIfAborted();
        const run = () => client.query(text);
        return migration ? migration.watcher.during(file.file, run) : run();
      });
    }
    return rows as Row[];
  } finally {
    await client.query("ROLLBACK").catch(() => {}); // a lost connection has ended it
  }
}

const HEADINGS: Finding = { what: "what", rows: "which rows", remedy: "what to do" };
/** Longer lines of the first two columns are broken; the third holds SQL to copy. */
const WIDTH = 44;

/** What the operator reads: everything at once, as a table. */
export function refusal(findings: readonly Finding[]): string {
  const rows = [HEADINGS, ...findings].map(({ what, rows, remedy }) => [wrap(what), wrap(rows), remedy.split("\n")]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.flatMap((row) => row[i] ?? []).map((line) => line.length)));
  const rule = widths
    .map((width) => "-".repeat(width + 2))
    .join("+")
    .slice(1);
  const lines = rows.flatMap((row) => {
    const height = Math.max(...row.map((cell) => cell.length));
    return Array.from({ length: height }, (_, line) =>
      row
        .map((cell, i) => (cell[line] ?? "").padEnd(widths[i] ?? 0))
        .join(" | ")
        .trimEnd(),
    ).concat(rule);
  });
  return `The database cannot be migrated as it is. Nothing was changed.\n\n${lines.join("\n")}\n\nThen migrate again.`;
}

function wrap(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const lines = [""];
    for (const word of line.split(" ")) {
      const last = lines.at(-1) ?? "";
      if (last !== "" && last.length + word.length >= WIDTH) lines.push(word);
      else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
    }
    return lines;
  });
}

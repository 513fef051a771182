import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { messageOf, OperatorError } from "../errors.ts";

/** A file below `sql/`. */
export interface SqlFile {
  /** Path below `sql/`, with `/`: its name in the ledger. */
  readonly file: string;
  /** Applied once and never edited, or applied again whenever it changes. */
  readonly kind: "one-shot" | "repeatable";
  readonly text: string;
  /** Hash of the text with `\n` at the ends of lines, whatever the checkout made of them. Hex. */
  readonly sha256: string;
  /**
   * Hashes of earlier texts of a one-shot file, from its lines `-- formerly: <hash>`. A database to which one of these
   * was applied needs no more of the file: it was edited for databases that are adopted later.
   */
  readonly formerSha256: readonly string[];
  /** Files that it needs, from its lines `-- needs: <file>`: they are run right before it, in its transaction. */
  readonly needs: readonly SqlFile[];
}

const SQL_DIR = fileURLToPath(new URL("../../sql/", import.meta.url));

/** The ledger's own definition: applied before anything else, every time. */
export const ledgerFile = (dir = SQL_DIR): SqlFile => load(dir, "ledger.sql", "repeatable");

/** The application's role and its rights: applied last. */
export const grantsFile = (dir = SQL_DIR): SqlFile => load(dir, "grants.sql", "repeatable");

/** Every other schema file, in the order in which they are applied. `sql/apply.sql` names the same order. */
export function schemaFiles(dir = SQL_DIR): SqlFile[] {
  const folder = (name: string, kind: SqlFile["kind"]) => sqlIn(dir, name).map((file) => load(dir, file, kind));
  return [
    ...folder("migrations", "one-shot"),
    ...folder("views", "repeatable"),
    ...folder("functions", "repeatable"),
    grantsFile(dir),
  ];
}

/** The files of a folder, by their path below `dir`. */
function sqlIn(dir: string, folder: string): string[] {
  const files = readdirSync(`${dir}/${folder}`).filter((file) => file.endsWith(".sql"));
  return files.sort().map((file) => `${folder}/${file}`);
}

function load(dir: string, file: string, kind: SqlFile["kind"]): SqlFile {
  const text = readFileSync(`${dir}/${file}`, "utf8").replaceAll("\r\n", "\n");
  const sha256 = createHash("sha256").update(text).digest("hex");
  const needs = directives(text, "needs").map((needed) => load(dir, needed, "repeatable"));
  return { file, kind, text, sha256, formerSha256: directives(text, "formerly"), needs };
}

/** The values of the lines `-- name: value` of a file. */
function directives(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`^-- ${name}: (\\S+)$`, "gm"))].map(([, value = ""]) => value);
}

/** Whether a file with this hash, as the ledger has it, was this one when it was applied. */
export function isSameFile(file: SqlFile | undefined, sha256: string | undefined): boolean {
  return file !== undefined && sha256 !== undefined && [file.sha256, ...file.formerSha256].includes(sha256);
}

/** A file of `sql/` that asks the database something and changes nothing: its last statement returns rows. */
export const questionFile = (name: string, dir = SQL_DIR): SqlFile => load(dir, name, "repeatable");

/** What must be in order before anything is changed, in the order in which it is asked. */
export function preflightFiles(dir = SQL_DIR): SqlFile[] {
  return sqlIn(dir, "preflight").map((file) => questionFile(file, dir));
}

export interface Statement {
  readonly text: string;
  /** Where it begins in its file: an index into the text. */
  readonly start: number;
  /** Of a CREATE INDEX CONCURRENTLY, which cannot stand in a transaction: the names, quoted. */
  readonly aside: { readonly index: string; readonly table: string } | undefined;
}

/** Whether a file holds CREATE INDEX CONCURRENTLY: each of its statements is a transaction then, and it can be run again. */
export async function runsAside(file: SqlFile): Promise<boolean> {
  return /concurrently/i.test(file.text) && (await split(file)).some(({ aside }) => aside !== undefined);
}

/**
 * Runs the statements of a file one by one, so that an error can be shown where it stands: `file:line:column`, the
 * line, and a caret. Returns the rows of the last one. Throws OperatorError; begins and ends no transaction.
 *
 * @param send - runs one statement
 */
export async function runFile(
  file: SqlFile,
  send: (statement: Statement) => Promise<pg.QueryResult>,
): Promise<unknown[]> {
  let rows: unknown[] = [];
  for (const statement of await split(file)) {
    try {
      ({ rows } = await send(statement));
    } catch (error) {
      throw located(file.file, file.text, error, statement.start, statement.text);
    }
  }
  return rows;
}

async function split({ file, text }: SqlFile): Promise<Statement[]> {
  const { hasSqlDetails, parse } = await import("libpg-query"); // which a server of a migrated database does without
  const bytes = Buffer.from(text); // the parser counts bytes
  try {
    const { stmts = [] } = await parse(text);
    return stmts.map(({ stmt, stmt_location = 0, stmt_len }) => {
      const end = stmt_len === undefined ? undefined : stmt_location + stmt_len;
      const index = stmt && "IndexStmt" in stmt ? stmt.IndexStmt : undefined;
      return {
        text: bytes.subarray(stmt_location, end).toString(),
        start: bytes.subarray(0, stmt_location).toString().length,
        aside: index?.concurrent ? { index: quote(index.idxname), table: quote(index.relation?.relname) } : undefined,
      };
    });
  } catch (error) {
    const characters = hasSqlDetails(error) ? (error.sqlDetails?.cursorPosition ?? 0) : 0;
    throw new OperatorError(`${excerpt(file, text, offsetOf(text, characters))}\n${messageOf(error)}`);
  }
}

const quote = (name = "") => `"${name.replaceAll('"', '""')}"`;

function located(file: string, text: string, error: unknown, start: number, statement: string): unknown {
  if (!(error instanceof Error) || !("severity" in error)) return error; // not an answer of PostgreSQL
  const { code, position, where, detail, hint } = error as pg.DatabaseError;
  const lines = [excerpt(file, text, start + offsetIn(statement, position, where)), error.message];
  if (detail) lines.push(`Detail: ${detail}`);
  // PostgreSQL's own hint is CASCADE, which would take away what is not ours.
  const remedy = code === "2BP01" ? "Drop what depends on it, migrate, and create it again." : hint;
  if (remedy) lines.push(`Hint: ${remedy}`);
  return new OperatorError(lines.join("\n"), { cause: error });
}

/** Where in a statement an error stands: at its position, on the line of a DO block that failed, or at the start. */
function offsetIn(statement: string, position: string | undefined, where: string | undefined): number {
  const code = statement.search(/^(?!\s*--)\s*\S/m);
  if (position !== undefined) return offsetOf(statement, Number(position) - 1);
  const line = /inline_code_block line (\d+)/.exec(where ?? "")?.[1];
  const body = statement.indexOf("$$");
  if (line === undefined || body < 0) return Math.max(code, 0);
  let offset = body;
  for (let i = 1; i < Number(line); i += 1) offset = statement.indexOf("\n", offset) + 1;
  return offset;
}

/** PostgreSQL counts characters; an index into a JavaScript string counts twice those beyond the basic plane. */
function offsetOf(text: string, characters: number): number {
  return [...text].slice(0, characters).join("").length;
}

function excerpt(file: string, text: string, offset: number): string {
  const start = offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0);
  const before = text.slice(0, start).split("\n");
  const line = before.length;
  const column = [...(before.at(-1) ?? "")].length + 1;
  const margin = `${line} | `;
  return [
    `sql/${file}:${line}:${column}`,
    margin + (text.split("\n")[line - 1] ?? ""),
    `${" ".repeat(margin.length + column - 1)}^`,
  ].join("\n");
}

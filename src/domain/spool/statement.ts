import { type FuncCall, type InsertStmt, loadModule, type Node, parseSync } from "libpg-query";
import { messageOf } from "../../errors.ts";
import { nameOf, plainCall } from "./parse-tree.ts";
import { Refusal } from "./refusal.ts";
import { tableNamedIn, UPSERT } from "./tables.ts";

/** Must have resolved before the first `statementOf`. */
export const loadParser = loadModule;

/** What a spool may hold, for the operator. */
export const ONLY = `only a single-row INSERT … ON CONFLICT … DO UPDATE, or SELECT ${UPSERT.name}(…) with literals, is replayed`;

/** The one statement that a text is: an INSERT, or a call of the function that writes a dataset. Throws Refusal. */
export function statementOf(text: string): { insert: InsertStmt } | { call: FuncCall } {
  let statements: { stmt?: Node }[];
  try {
    statements = parseSync(text).stmts ?? [];
  } catch (error) {
    const table = tableNamedIn(text);
    if (!table && !/^insert\b/i.test(text)) throw new Refusal(`${firstWord(text)}: ${ONLY}`, undefined, true);
    throw new Refusal(`not SQL that PostgreSQL understands (${messageOf(error)})`, table, true);
  }
  const [statement] = statements;
  const call = statement?.stmt && plainCall(statement.stmt);
  if (statements.length === 1 && call && nameOf(call.funcname) === UPSERT.name) return { call };
  if (statements.length !== 1 || !statement?.stmt || !("InsertStmt" in statement.stmt)) {
    throw new Refusal(`${firstWord(text)}: ${ONLY}`);
  }
  return { insert: statement.stmt.InsertStmt };
}

const firstWord = (text: string) => /^\w+/.exec(text)?.[0].toUpperCase() ?? "this";

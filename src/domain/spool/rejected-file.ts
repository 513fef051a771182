import type { FileHandle } from "node:fs/promises";
import type { Db } from "../../db/pool.ts";
import type { Journal, Rejection } from "./journal.ts";

const PAGE = 500;
const CHUNK = 256 * 1024;

/**
 * Appends what was rejected to a file, as it stands in the spool and in its order, each with its line and the reason before
 * it. What a later export replaced is there as a comment: replayed again, it would bring back the past.
 *
 * @returns so many statements, less those that are comments
 */
export async function writeRejected(
  db: Db,
  journal: Journal,
  spool: FileHandle,
  rejected: FileHandle,
): Promise<number> {
  let statements = 0;
  let from = 0;
  for (;;) {
    const page = await journal.unreported(db, from, PAGE);
    for (const rejection of page) {
      await copyStretch(spool, rejected, rejection);
      if (rejection.superseded_by_line === null) statements += rejection.statements;
      from = rejection.first_byte + 1;
    }
    if (page.length < PAGE) break;
  }
  await rejected.sync();
  await journal.reported(db);
  return statements;
}

async function copyStretch(spool: FileHandle, rejected: FileHandle, rejection: Rejection): Promise<void> {
  const { first_byte, end_byte, line, superseded_by_line } = rejection;
  await rejected.write(`-- line ${line}: ${remark(rejection)}\n${superseded_by_line === null ? "" : "-- "}`);
  let leading = true;
  for (let at = first_byte; at < end_byte; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end_byte - at));
    const { bytesRead } = await spool.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Error("the spool was cut short while it was replayed");
    at += bytesRead;
    let bytes = buffer.subarray(0, bytesRead);
    if (leading) bytes = bytes.subarray(bytes.findIndex((byte) => byte > 0x20));
    leading = false;
    // Byte by byte, whatever the encoding is.
    const text = superseded_by_line === null ? bytes : bytes.toString("latin1").replaceAll("\n", "\n-- ");
    await (typeof text === "string" ? rejected.write(text, null, "latin1") : rejected.write(text));
  }
  await rejected.write("\n\n");
}

const MAX_REMARK = 500;

/** Why, on one line: a value that the reason quotes may hold others. */
export function remark({ object, reason, superseded_by_line }: Rejection): string {
  const parts = [
    object,
    reason,
    superseded_by_line === null ? null : `out of date: line ${superseded_by_line} replaced it`,
  ];
  return parts
    .filter((part) => part !== null)
    .join(": ")
    .replace(/\s+/g, " ")
    .slice(0, MAX_REMARK);
}

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { copyFile, type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Db } from "../../db/pool.ts";
import { codeOf } from "../../errors.ts";
import type { Journal, Rejection } from "./journal.ts";
import type { LaterRows } from "./later-rows.ts";
import { SpoolReader } from "./reader.ts";
import type { Shape } from "./shape.ts";

interface Rejected {
  readonly journal: Journal;
  /** The spool that was replayed. */
  readonly file: FileHandle;
  readonly later: LaterRows;
  judge(shape: string): Promise<Shape>;
  /** The file that the rejections are put into, behind what it holds. */
  readonly path: string;
}

const PAGE = 500;
const CHUNK = 256 * 1024;

/**
 * Puts what was rejected into a file, as it stands in the spool and in its order, each with its line and the reason before
 * it. A statement whose row a later export has written is there as a comment. The file is replaced in one step, so a kill
 * leaves the former one or the new one, and the next replay adds nothing twice.
 *
 * @returns the numbers of statements that are to be mended, and of those that are comments
 */
export async function writeRejected(db: Db, rejected: Rejected): Promise<{ toMend: number; outOfDate: number }> {
  const { journal, path } = rejected;
  let [toMend, outOfDate] = [0, 0];
  const part = `${path}.part`;
  await copyFile(path, part).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    return rm(part, { force: true });
  });
  await pipeline(
    Readable.from(text(await reportedIn(path, journal.token))),
    createWriteStream(part, { flags: "a", mode: 0o600 }),
  );
  const file = await open(part, "r+");
  await file.sync();
  await file.close();
  await rename(part, path);
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
  await journal.markReported(db);
  return { toMend, outOfDate };

  async function* text(from: number): AsyncGenerator<Buffer | string> {
    let [first, end] = [from, from];
    for (;;) {
      const page = await journal.unreported(db, first, PAGE);
      for (const rejection of page) {
        if (rejection.superseded_by_line === null) {
          yield `-- line ${rejection.line}: ${remark(rejection)}\n`;
          yield* stretch(rejected.file, rejection);
          toMend += rejection.statements;
        } else yield* apart(rejection);
        first = rejection.first_byte + 1;
        end = rejection.end_byte;
      }
      if (page.length < PAGE) break;
    }
    yield `${MARKER} ${journal.token}, up to byte ${end}.\n`;
  }

  /** Statement by statement, because a later export may hold less. */
  async function* apart(rejection: Rejection): AsyncGenerator<Buffer | string> {
    const from = { byte: rejection.first_byte, line: 0 };
    const reader = new SpoolReader({ ...rejected, from, end: rejection.end_byte, final: true });
    const why = remark(rejection);
    for (let entries = await reader.read(); entries; entries = await reader.read()) {
      for (const entry of entries) {
        const own = entry.bytes.toString("latin1", entry.start); // byte by byte, whatever the encoding is
        if (rejected.later.has(rejection.object, entry)) {
          outOfDate += 1;
          yield latin1(
            `-- out of date, written again from line ${rejection.superseded_by_line} on: ${own.replaceAll(/\r\n?|\n/g, "$&-- ")}\n\n`,
          );
        } else {
          yield* [`-- line ${rejection.line}: ${why}\n`, latin1(`${own}\n\n`)];
          toMend += 1;
        }
      }
    }
  }
}

const MARKER = "-- So far from replay";
const latin1 = (text: string) => Buffer.from(text, "latin1");

/** Up to which byte of the spool a file holds the rejections of a replay: it was killed before it could say so. */
async function reportedIn(path: string, token: string | undefined): Promise<number> {
  let end = 0;
  if (!existsSync(path)) return end;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // Only as the last line: it is the end of a file that was written whole.
    end = line.startsWith(`${MARKER} ${token}, `) ? Number(/\d+(?=\.$)/.exec(line)?.[0] ?? 0) : 0;
  }
  return end;
}

async function* stretch(spool: FileHandle, { first_byte, end_byte }: Rejection): AsyncGenerator<Buffer | string> {
  for (let at = first_byte; at < end_byte; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end_byte - at));
    const { bytesRead } = await spool.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Error("the spool was cut short while it was replayed");
    const bytes = buffer.subarray(0, bytesRead);
    yield at === first_byte ? withoutHead(bytes, at) : bytes;
    at += bytesRead;
  }
  yield "\n\n";
}

/** Without the blanks before the first statement, and without a byte order mark, which has no meaning in the middle. */
function withoutHead(bytes: Buffer, at: number): Buffer {
  const mark = at === 0 && bytes.indexOf("\ufeff") === 0 ? 3 : 0;
  const start = bytes.subarray(mark).findIndex((byte) => byte > 0x20);
  return bytes.subarray(start < 0 ? bytes.length : mark + start);
}

const MAX_REMARK = 500;

/** Why, on one line: a value that the reason quotes may hold others. */
export function remark({ object, reason }: Pick<Rejection, "object" | "reason">): string {
  return [object, reason]
    .filter((part) => part !== null)
    .join(": ")
    .replace(/\s+/g, " ")
    .slice(0, MAX_REMARK);
}

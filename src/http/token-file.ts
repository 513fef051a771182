import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf, messageOf, OperatorError } from "../errors.ts";

/** Who changes a file holds its lock for milliseconds. */
const LOCK_TIMEOUT_MS = 3_000;

/**
 * The text of a file of tokens; undefined where there is none. Throws OperatorError where it cannot be read, or where others
 * than its owner may write it, and so let themselves in. To be read by others does no harm: it holds hashes.
 */
export function readTokenFile(path: string): string | undefined {
  let file: number | undefined;
  try {
    // Not to wait for somebody to write into a named pipe.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(file);
    if (!status.isFile()) {
      throw new OperatorError(
        `${path} is not a file: name a file of tokens with STAGE1_TOKENS_FILE, or use STAGE1_TOKENS.`,
      );
    }
    if ((status.mode & 0o022) !== 0) {
      throw new OperatorError(
        `Others than its owner may write ${path}: look through it, then run \`chmod go-w\` on it, or use STAGE1_TOKENS.`,
      );
    }
    return readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `Cannot read the tokens in ${path} (${codeOf(error) ?? messageOf(error)}): make it readable for the server's user.`,
    );
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Puts another text into the place of a file of tokens, or makes one that its owner alone may read. Changes come one after
 * another, and who reads finds the former text or the new one. Throws OperatorError where another change does not end, or
 * where `stop` is aborted while that is waited for; and what `change` throws. Nothing is changed then.
 */
export async function changeTokenFile(
  path: string,
  change: (text: string | undefined) => string,
  stop: AbortSignal,
): Promise<void> {
  const target = await realpath(path).catch(() => path); // a link stays one
  // The lock is the new file, as git has it: renamed into place it is free again.
  const lock = `${target}.lock`;
  const made = await openLock(lock, stop);
  try {
    const text = readTokenFile(target);
    await made.writeFile(change(text));
    if (text !== undefined) await keepOwner(made, target);
    await made.sync();
    await rename(lock, target);
  } catch (error) {
    await rm(lock, { force: true });
    throw error;
  } finally {
    await made.close();
  }
}

async function openLock(lock: string, stop: AbortSignal): Promise<FileHandle> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      return await open(lock, "wx", 0o600);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    if (stop.aborted) throw new OperatorError("Interrupted: nothing was changed.");
    if (Date.now() > deadline) {
      throw new OperatorError(
        `${lock} is there: another command changes the tokens, or was killed while it did. Where none runs, remove that file, and try again.`,
      );
    }
    await delay(20);
  }
}

/** As root, the server's user must be able to read the file as before. */
async function keepOwner(made: FileHandle, path: string): Promise<void> {
  const [former, own] = await Promise.all([stat(path), made.stat()]);
  if (former.uid !== own.uid || former.gid !== own.gid) await made.chown(former.uid, former.gid);
  await made.chmod(former.mode & 0o777);
}

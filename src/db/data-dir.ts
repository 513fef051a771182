import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { access, constants, link, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf, OperatorError } from "../errors.ts";
import { makeFolders, unlessThere } from "./files.ts";

/** In the format of libpq's PGPASSFILE. */
export const PASSWORD_FILE = "pgpass";

/**
 * Makes the directory, and in it the file with the password of `user`, where they are not there yet. Returns the password.
 * Throws OperatorError where it cannot.
 */
export async function prepareDataDir(dataDir: string, user: string): Promise<string> {
  try {
    await makeFolders(dataDir);
    await access(`${dataDir}/.`, constants.W_OK | constants.X_OK); // "/." refuses a file
    await refuseForeignFolder(dataDir);
    const file = join(dataDir, PASSWORD_FILE);
    if (!existsSync(file)) await makePasswordFile(file, user);
    const [, password] = /^127\.0\.0\.1:\*:\*:\w+:([\w-]+)$/.exec(readFileSync(file, "utf8").trim()) ?? [];
    if (password === undefined) {
      throw new OperatorError(
        `${file} is not the password file of an embedded database: move it away, or put the former one back.`,
      );
    }
    return password;
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const code = codeOf(error);
    const reason =
      code === "EEXIST" || code === "ENOTDIR" ? "there is a file in its place" : (code ?? messageOf(error));
    throw new OperatorError(
      `Cannot write to the data directory ${dataDir} (${reason}): make it writable, or choose another with STAGE1_DATA_DIR.`,
    );
  }
}

/** What there may be before the database: a password file under way, and what `token create` makes. */
const BEFORE_DATABASE = /^(?:pgpass\..*|tokens(?:\.lock)?)$/;

/** The password file is the first thing of a database: without it, what else lies in the folder is somebody else's. */
async function refuseForeignFolder(dataDir: string): Promise<void> {
  const entries = await readdir(dataDir);
  if (entries.includes(PASSWORD_FILE) || entries.every((entry) => BEFORE_DATABASE.test(entry))) return;
  throw new OperatorError(
    `${dataDir} holds other files and is no data directory of stage1-lineage: choose an empty or a new folder with STAGE1_DATA_DIR.`,
  );
}

/** Written beside its place first: another process that starts now finds the whole file, or none. */
async function makePasswordFile(file: string, user: string): Promise<void> {
  const written = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const password = randomBytes(24).toString("base64url");
    await writeFile(written, `127.0.0.1:*:*:${user}:${password}\n`, { mode: 0o600 });
    await link(written, file).catch(unlessThere);
  } finally {
    await rm(written, { force: true });
  }
}

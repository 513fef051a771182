import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The folder of this checkout. */
export const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));

/** The files that a clone would have once everything is committed; paths from the checkout's folder. */
export async function checkoutFiles(): Promise<string[]> {
  // As root in somebody else's checkout, git would refuse to look.
  const args = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await promisify(execFile)("git", args, { cwd: CHECKOUT });
  return stdout.split("\0").filter((file) => file !== "" && existsSync(join(CHECKOUT, file)));
}

/** Copies files of the checkout to the same places below another folder. */
export async function copyFiles(files: readonly string[], folder: string): Promise<void> {
  for (const file of files) {
    const copy = join(folder, file);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(join(CHECKOUT, file), copy);
  }
}

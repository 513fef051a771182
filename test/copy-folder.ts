import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * Copies all that a folder holds into another, which is made where it is missing. By the system's program, which keeps
 * owners and links, and takes a fraction of the time of `fs.cp` for thousands of files.
 */
export async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await promisify(execFile)("cp", ["-a", `${from}/.`, to]);
}

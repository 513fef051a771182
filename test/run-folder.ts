import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, statfs } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

/** Linux's file system in memory. */
const IN_MEMORY = "/dev/shm";
/** Three times what the files of a run come to at most. Bytes. */
const ROOM = 3 * 1024 ** 3;

/**
 * Makes the folder of a test run, for all that it writes: in memory where there is room and programs can run from there.
 * The tests make and remove tens of thousands of small files; on a disk that takes as long as much of the rest.
 */
export async function makeRunFolder(): Promise<string> {
  const folder = await mkdtemp(join((await fitsInMemory()) ? IN_MEMORY : tmpdir(), "stage1-tests-"));
  await chmod(folder, 0o755); // some tests run programs as another user
  return folder;
}

async function fitsInMemory(): Promise<boolean> {
  if (!existsSync("/proc/mounts")) return false;
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  const mount = mounts.find((line) => line.split(" ")[1] === IN_MEMORY);
  if (!mount || /\b(?:noexec|ro)\b/.test(mount.split(" ")[3] ?? "")) return false;
  const { bavail, bsize } = await statfs(IN_MEMORY);
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(bavail * bsize, freemem(), limit) > ROOM;
}

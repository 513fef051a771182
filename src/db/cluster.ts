import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { chmod, chown, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf, OperatorError } from "../errors.ts";
import type { Binaries, RunAs } from "./binaries.ts";
import { unlessThere } from "./files.ts";

/** A PostgreSQL cluster on disk, and what runs it. */
export interface Cluster {
  readonly dataDir: string;
  /** PostgreSQL's own files, inside `dataDir`. */
  readonly pgDir: string;
  readonly logFile: string;
  readonly binaries: Binaries;
  /** Set where this process is root. */
  readonly user: RunAs | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/** Whom to run PostgreSQL as: undefined is oneself. Root becomes the owner of the files that are there, or a system user. */
export function unprivilegedUser(pgDir: string): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(pgDir)) {
    const { uid, gid } = statSync(pgDir);
    if (uid !== 0) return { uid, gid };
  }
  const { SUDO_UID, SUDO_GID } = process.env;
  if (Number(SUDO_UID) > 0) return { uid: Number(SUDO_UID), gid: Number(SUDO_GID) };
  // initdb wants a user that has a name, so it cannot be just any number.
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const account = ["postgres", "nobody"].map((name) => accounts.find((fields) => fields[0] === name)).find(Boolean);
  if (!account) {
    throw new OperatorError(
      "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as: start as an ordinary user.",
    );
  }
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

/**
 * Creates the cluster where there is none, with one superuser. Done beside its place and renamed, so that what is in
 * place is always whole, and of two that try at once one wins.
 */
export async function initCluster(cluster: Cluster, superuser: string, password: string): Promise<void> {
  const made = await mkdtemp(join(cluster.dataDir, "pg.new-"));
  const secret = await mkdtemp(join(tmpdir(), "stage1-lineage-"));
  try {
    const passwordFile = join(secret, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    for (const path of cluster.user ? [made, secret, passwordFile] : []) {
      await chown(path, cluster.user?.uid ?? 0, cluster.user?.gid ?? 0);
    }
    // The locale decides how text is compared: code points, and upper and lower case of all of Unicode where it is known.
    const locale = cluster.binaries.major >= 17 ? ["--locale-provider=builtin", "--locale=C.UTF-8"] : ["--no-locale"];
    const child = launch({ ...cluster, pgDir: made }, "initdb", [
      ...["--username", superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256"],
      ...["--encoding", "UTF8", ...locale, "--no-instructions", "--no-sync"],
    ]);
    const failure = await exitOf(child);
    if (failure) throw new OperatorError(`PostgreSQL's initdb failed (${failure}); see ${cluster.logFile}`);
    await chmod(made, 0o700);
    await rename(made, cluster.pgDir).catch(unlessThere);
  } finally {
    await rm(made, { recursive: true, force: true });
    await rm(secret, { recursive: true, force: true });
  }
}

/** The server that runs on these files, whoever started it. A pid file that a crash left behind counts as none. */
export function runningPostmaster({ pgDir }: Cluster): Postmaster | undefined {
  const named = readPidFile(pgDir);
  return named && runsOn(pgDir, named.pid) ? named : undefined;
}

function readPidFile(pgDir: string): Postmaster | undefined {
  const file = join(pgDir, "postmaster.pid");
  try {
    const [pid, , , port] = readFileSync(file, "utf8").split("\n");
    return { pid: Number(pid), port: Number(port) };
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return undefined;
  }
}

/** Whether it was told to stop, by whomever (PostgreSQL's own note, the last line of its pid file). */
export function isStopping({ pgDir }: Cluster): boolean {
  try {
    return readFileSync(join(pgDir, "postmaster.pid"), "utf8").trimEnd().endsWith("\nstopping");
  } catch {
    return false; // it has stopped
  }
}

/**
 * Starts the server in a session of its own, so that Ctrl-C in the terminal reaches this process alone, which ends
 * PostgreSQL last. Resolves when its pid file tells where it listens, or with the reason why it ended before.
 */
export async function startPostmaster(cluster: Cluster): Promise<string | undefined> {
  const settings = {
    port: String(await choosePort(cluster)),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    jit: "off",
    max_wal_size: "2GB",
    ...cluster.settings,
  };
  discardForeignPidFile(cluster.pgDir);
  const child = launch(
    cluster,
    "postgres",
    Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  );
  child.unref();
  const exited = exitOf(child);
  let over = false;
  const listening = async () => {
    while (!over && !runningPostmaster(cluster)?.port) await delay(10);
    return undefined;
  };
  const reason = await Promise.race([exited, listening()]);
  over = true;
  return reason;
}

/**
 * PostgreSQL itself sees to a pid file whose process is gone. It refuses to start where the pid has gone to another program;
 * then the file is removed. In one go: a moment later it may be the one of a server that another process just started.
 */
function discardForeignPidFile(pgDir: string): void {
  const named = readPidFile(pgDir);
  if (named && signal(named.pid, 0) && !runsOn(pgDir, named.pid))
    rmSync(join(pgDir, "postmaster.pid"), { force: true });
}

/** Fast shutdown: sessions are ended and everything is written; after 4 s an immediate one, which recovers on start. */
export async function stopPostmaster(cluster: Cluster): Promise<void> {
  const postmaster = runningPostmaster(cluster);
  if (!postmaster) return;
  for (const [shutdown, waitMs] of [
    ["SIGINT", 4_000],
    ["SIGQUIT", 1_000],
  ] as const) {
    signal(postmaster.pid, shutdown);
    const deadline = Date.now() + waitMs;
    while (Date.now() < deadline) {
      if (!runsOn(cluster.pgDir, postmaster.pid)) return;
      await delay(20);
    }
  }
}

/** The last lines that PostgreSQL wrote, for a message. */
export function logTail(cluster: Cluster): string {
  if (!existsSync(cluster.logFile)) return "";
  return readFileSync(cluster.logFile, "utf8").trimEnd().split("\n").slice(-3).join(" | ");
}

/**
 * Runs one of PostgreSQL's programs on the cluster's files. As root in a folder that only root may enter, no other user
 * can reach them by their path: the program starts inside, and names them by way of its own working directory.
 */
function launch(cluster: Cluster, program: "initdb" | "postgres", args: readonly string[]): ChildProcess {
  const dataDirectory = cluster.user && process.platform === "linux" ? "/proc/self/cwd" : cluster.pgDir;
  const log = openSync(cluster.logFile, "a", 0o600);
  try {
    return spawn(join(cluster.binaries.bin, program), ["-D", dataDirectory, ...args], {
      ...cluster.user,
      cwd: cluster.pgDir,
      detached: true,
      stdio: ["ignore", log, log],
      env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
    });
  } finally {
    closeSync(log);
  }
}

/** undefined where the program ended well, or the reason. */
function exitOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : `exit ${code ?? signal}`));
  });
}

/** Whether the process is a PostgreSQL on these files. The pid that a crash left in a file may be another program's by now. */
function runsOn(pgDir: string, pid: number): boolean {
  if (!signal(pid, 0)) return false;
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return stdout.includes("postgres") && stdout.includes(pgDir);
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    if (!stat.includes("(postgres)") || stat.includes("(postgres) Z")) return false; // a zombie's name stays
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(pgDir);
  } catch (error) {
    return codeOf(error) === "EACCES"; // root in a container may not look: then the name has to do
  }
}

/** Sends a signal; 0 only asks. Whether there is such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, name);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

const portFile = ({ dataDir }: Cluster): string => join(dataDir, "port");

/** Keeps the port for the next start, so that an operator's command line goes on working. */
export async function rememberPort(cluster: Cluster, port: number): Promise<void> {
  await writeFile(portFile(cluster), String(port));
}

/** The port of last time where it is free; otherwise any. */
async function choosePort(cluster: Cluster): Promise<number> {
  const file = portFile(cluster);
  const last = existsSync(file) ? Number(readFileSync(file, "utf8")) || 0 : 0;
  const port = (await freePort(last)) ?? (await freePort(0));
  if (port === undefined) throw new OperatorError("No port is free on 127.0.0.1 for the embedded PostgreSQL.");
  return port;
}

function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(port, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : undefined));
    });
  });
}

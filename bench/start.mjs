// What `npm run bench` runs on the machine's own Node, which may be older than the bench wants: installs what the bench
// needs, once, and goes on with the Node among it. Plain JavaScript for that reason.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const node = path(process.platform === "win32" ? "node_modules/node/bin/node.exe" : "node_modules/node/bin/node");

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Whether what is installed is what the lock file asks for: its hash is written beside it when the installation is done. */
function install() {
  const stamp = path("node_modules/.installed");
  const wanted = createHash("sha256")
    .update(readFileSync(path("package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write(
    "Installing what the bench needs, PostGraphile and a Node among it, into bench/node_modules (once, 500 MB).\n",
  );
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const args = [...npm.slice(1), "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error } = spawnSync(npm[0], args, { cwd: path("."), stdio: ["ignore", 2, 2] });
  if (error || status !== 0)
    fail(`npm ci in bench/ failed${error ? ` (${error.message})` : ""}: the reason stands above.`);
  writeFileSync(stamp, wanted);
}

install();
const found = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout ?? "";
if (Number(/^v(\d+)/.exec(found)?.[1] ?? 0) < 22) {
  fail(
    "The bench's own Node does not run: its install script must be allowed. Remove bench/node_modules, and run npm without --ignore-scripts.",
  );
}
const child = spawn(node, [path("main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, BENCH_MACHINE_NODE: process.execPath, BENCH_MACHINE_VERSION: process.version },
});
// Ctrl-C reaches the child too, which ends what it started; this one only waits. Others signal this one alone.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.once("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CHECKOUT, checkoutFiles, copyFiles } from "./checkout.ts";
import { shellEnvironment, start } from "./process.ts";

let folder: string;
let source: string[];
let packed: string[];
/** Where the package is installed: nothing else is there. */
let app: string;

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return (await promisify(execFile)(command, args, { cwd, env: shellEnvironment() })).stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stage1-pack-"));
  // Packed from a copy, so that its own dist/ is built, and another test's is left alone.
  const copy = join(folder, "source");
  source = await checkoutFiles();
  await copyFiles(source, copy);
  await symlink(join(CHECKOUT, "node_modules"), join(copy, "node_modules"));
  const [{ filename, files }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder], copy));
  packed = files.map(({ path }: { path: string }) => path);

  app = join(folder, "app");
  await mkdir(app);
  await run("npm", ["install", "--prefer-offline", "--prefix", app, join(folder, filename)], app);
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the package holds the built code, sql/ and the schema, and nothing else", () => {
  const built = source
    .filter((file) => file.startsWith("src/"))
    .map((file) => file.replace(/^src(.*)\.ts$/, "dist$1.js"));
  const sql = source.filter((file) => file.startsWith("sql/"));
  const others = ["LICENSE", "README.md", "package.json", "schema.graphql"];
  expect(packed.toSorted()).toEqual([...built, ...sql, ...others].sort());
});

test("`npx stage1-lineage serve` serves the demo in an empty directory, and SIGTERM ends it and its database", async () => {
  const npx = start("npx", ["stage1-lineage", "serve", "--port", "0"], { cwd: app, env: shellEnvironment() });
  onTestFinished(() => npx.killGroup("SIGKILL"));
  const [, url = ""] = await npx.waitFor(/is ready\.\s+GraphiQL\s+(\S+)/);
  const postmaster = Number.parseInt(await readFile(join(app, ".stage1", "pg", "postmaster.pid"), "utf8"), 10);
  expect(isRunning(postmaster)).toBe(true);

  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ datasets { totalCount } }" }),
  });
  const { data } = await answer.json();
  expect(data.datasets.totalCount).toBeGreaterThan(0);

  // The server itself gets the signal: npx does not pass one on, but it does pass on how the server ended.
  const [, pid] = await npx.waitFor(/"pid":(\d+)/);
  process.kill(Number(pid), "SIGTERM");
  expect(await npx.exit).toEqual({ code: 0, signal: null });
  // Its parent is gone, so the system sees to what is left of it, in its own time.
  await expect.poll(() => isRunning(postmaster), { timeout: 20_000 }).toBe(false);
});

test("every command shows how it is used with an example", async () => {
  const help = (...args: string[]) =>
    run(join(app, "node_modules", ".bin", "stage1-lineage"), [...args, "--help"], app);
  const overview = await help();
  expect(overview).toMatch(/^Examples:\n +\$ .*stage1-lineage/m);
  const list = overview.slice(overview.indexOf("\nCommands:\n"));
  const commands = [...list.matchAll(/^ {2}([a-z]+) /gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "help");
  expect(commands).toEqual(expect.arrayContaining(["serve", "migrate", "seed", "schema"]));
  for (const command of commands) {
    expect(await help(command)).toMatch(
      new RegExp(`^Examples:\\n(?: +\\$ .*\\n)*? +\\$ .*stage1-lineage ${command}\\b`, "m"),
    );
  }
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

import { readdirSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareDataDir } from "../../src/db/data-dir.ts";
import { openTokens } from "../../src/http/tokens.ts";
import { CLI, finished, makeFolder, removeFolder, run, startForTest, testFolder } from "./cli.ts";

/** Where a killed command left its lock, and one that meets it: it waits for seconds. */
let lockedFolder: string;
let locked: ReturnType<typeof finished>;
beforeAll(async () => {
  lockedFolder = await makeFolder();
  await writeFile(join(lockedFolder, "tokens.lock"), "");
  const args = ["token", "create", "a", "--role", "read", "--file", "tokens"];
  locked = finished(run(args, { cwd: lockedFolder, outlivesTest: true }));
});
afterAll(async () => {
  await locked;
  await removeFolder(lockedFolder);
});

const SECRET = /^stage1_[\w-]{43}\n$/;

test("`token create` prints the token alone, and a server with the file it makes finds it, until it is revoked", async () => {
  const cwd = await testFolder();
  const token = (...args: string[]) => finished(run(["token", ...args], { cwd }));
  const path = join(cwd, "data", "tokens");
  const shell = `"$0" "$@" token create desktop --role write --data-dir data 2>messages`;
  const made = await finished(startForTest("sh", ["-c", shell, process.execPath, CLI], { cwd }));
  expect(made).toMatchObject({ code: 0, output: expect.stringMatching(SECRET) });
  expect(await readFile(join(cwd, "messages"), "utf8")).toMatch(
    /token of desktop, with the role write.*only its hash\.\n.*Authorization: Bearer.*\n.*SIGHUP/,
  );
  expect([(await stat(path)).mode & 0o777, (await stat(join(path, ".."))).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(openTokens({ file: { path, named: true } }).find(made.output.trim())).toMatchObject({
    name: "desktop",
    role: "write",
  });
  // The embedded database takes the folder as its own, though the tokens came first.
  await prepareDataDir(join(cwd, "data"), "stage1");

  const before = await readFile(path, "utf8");
  const file = ["--file", "data/tokens"];
  const [taken, role, noName, listed] = await Promise.all([
    token("create", "desktop", "--role", "read", ...file),
    token("create", "other", "--role", "root", ...file),
    token("revoke", "other", ...file),
    token("list", ...file),
  ]);
  expect(taken).toMatchObject({
    code: 1,
    output: expect.stringMatching(/^stage1-lineage: data\/tokens has a token desktop already: .*\n$/),
  });
  expect(role).toMatchObject({ code: 1, output: "stage1-lineage: --role must be one of read, write, admin.\n" });
  expect(noName).toMatchObject({
    code: 1,
    output: expect.stringMatching(/^stage1-lineage: data\/tokens has no token other: .*\n$/),
  });
  expect(listed).toMatchObject({ code: 0, output: "desktop  write\n" });
  expect(await readFile(path, "utf8")).toBe(before);

  const revoked = await token("revoke", "desktop", ...file);
  expect(revoked).toMatchObject({
    code: 0,
    output: expect.stringMatching(/desktop is revoked\..*SIGHUP.*\nNo token is left/),
  });
  expect(await readFile(path, "utf8")).toBe(before.replace(/^desktop.*\n/m, ""));
});

test("what several commands do at once is all there, and a name that two want goes to one", async () => {
  const cwd = await testFolder();
  await writeFile(join(cwd, "tokens"), "# ours", { mode: 0o600 });
  const create = (name: string) =>
    finished(run(["token", "create", name, "--role", "read"], { cwd, env: { STAGE1_TOKENS_FILE: "tokens" } }));
  const made = await Promise.all([create("a"), create("b"), create("c"), create("c")]);
  expect(made.map(({ code }) => code).toSorted()).toEqual([0, 0, 0, 1]);
  expect(readdirSync(cwd).toSorted()).toEqual(["tokens"]);
  const text = await readFile(join(cwd, "tokens"), "utf8");
  expect(text).toMatch(/^# ours\n(?:[abc] read sha256:[0-9a-f]{64}\n){3}$/);
  const names = openTokens({ file: { path: join(cwd, "tokens"), named: true } }).tokens.map(({ name }) => name);
  expect(names.toSorted()).toEqual(["a", "b", "c"]);
});

test("`--print` writes no file; STAGE1_TOKENS is listed, and holds its names", async () => {
  const cwd = await testFolder();
  const made = startForTest(
    "sh",
    ["-c", `"$0" "$@" 2>/dev/null`, process.execPath, CLI, "token", "create", "desktop", "--role", "admin", "--print"],
    { cwd },
  );
  const { code, output } = await finished(made);
  const [secret = "", entry = "", end] = output.split("\n");
  expect([code, end]).toEqual([0, ""]);
  expect(openTokens({ text: entry }).find(secret)).toMatchObject({ name: "desktop", role: "admin" });

  const env = { STAGE1_TOKENS: entry };
  const commands = [["list"], ["create", "desktop", "--role", "read"], ["revoke", "desktop"]];
  const [listed, created, revoked] = await Promise.all(
    commands.map((args) => finished(run(["token", ...args], { cwd, env }))),
  );
  expect(listed).toMatchObject({ code: 0, output: "desktop  admin\n" });
  expect(created).toMatchObject({
    code: 1,
    output: expect.stringContaining("STAGE1_TOKENS has a token desktop already"),
  });
  expect(revoked).toMatchObject({
    code: 1,
    output: expect.stringContaining("stands in STAGE1_TOKENS: take it out there"),
  });
  expect(readdirSync(cwd)).toEqual([]);
});

test("a lock that a killed command left is one line that says what to do", async () => {
  const { code, output } = await locked;
  expect(output).toMatch(/^stage1-lineage: tokens\.lock is there: .* remove that file, and try again\.\n$/);
  expect(code).toBe(1);
  expect(readdirSync(lockedFolder)).toEqual(["tokens.lock"]);
});

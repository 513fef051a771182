import { readdirSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { finished, processesIn, run, testFolder } from "./cli.ts";

/** Accepts connections, and never says a word. */
const silent: Server = createServer((socket) => socket.resume());
let silentPort: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silentPort = String((silent.address() as AddressInfo).port);
});
afterAll(() => new Promise((resolve) => silent.close(resolve)));

/** Runs `serve` in a folder, where it must end with one line, and with nothing left running. Returns the line. */
async function refusal(env: Readonly<Record<string, string>>, cwd: string): Promise<string> {
  const { code, output } = await finished(run(["serve"], { cwd, env: { PORT: "0", ...env } }));
  expect(output).toMatch(/^stage1-lineage: [^\n]+\n$/);
  expect(code).toBe(1);
  expect(await processesIn(cwd)).toEqual([]);
  return output;
}

function serverUrl(change: Partial<Pick<URL, "password" | "pathname" | "search">>): string {
  return Object.assign(new URL(inject("server")), change).href;
}

test.each<[string, () => string, RegExp]>([
  [
    "a port where nothing listens",
    () => "postgres://me:secret@127.0.0.1:1/lineage",
    /The database at 127\.0\.0\.1:1 does not answer \(ECONNREFUSED\): start it, or correct DATABASE_URL/,
  ],
  [
    "a server that never answers",
    () => `postgres://me:secret@127.0.0.1:${silentPort}/lineage`,
    /The database at 127\.0\.0\.1:\d+ does not answer \(.*time.*\): start it, or correct DATABASE_URL/,
  ],
  [
    "a host that is not known",
    () => "postgres://me:secret@nowhere.invalid/lineage",
    /The database at nowhere\.invalid:5432 does not answer \(E\w+\): start it, or correct DATABASE_URL/,
  ],
  [
    "a wrong password",
    () => serverUrl({ password: "secret" }),
    /The database at \S+ refuses the login: correct the user or password in DATABASE_URL/,
  ],
  [
    "a database that is not there",
    () => serverUrl({ pathname: "/nowhere" }),
    /There is no database nowhere at \S+: create it, or correct DATABASE_URL/,
  ],
  [
    "encryption that the server does not offer",
    () => serverUrl({ search: "?sslmode=verify-full" }),
    /The database at \S+ does not answer \(.*SSL.*\)/,
  ],
  [
    "no URL of PostgreSQL at all",
    () => "mysql://me:secret@localhost/lineage",
    /DATABASE_URL must look like postgres:\/\//,
  ],
])("DATABASE_URL with %s is one line, and nothing is embedded instead", async (_, url, line) => {
  const cwd = await testFolder();
  const output = await refusal({ DATABASE_URL: url() }, cwd);
  expect(output).toMatch(line);
  expect(output).not.toContain("secret");
  expect(readdirSync(cwd)).toEqual([]);
});

test("every mistake in the configuration is named at once", async () => {
  const env = { DATABASE_URL: "localhost", HOST: "http://localhost", PORT: "abc", STAGE1_LOG_LEVEL: "loud" };
  const output = await refusal(env, await testFolder());
  for (const name of Object.keys(env)) expect(output).toContain(`${name} must`);
});

test("a port in use is one line, and PostgreSQL is stopped again", async () => {
  const output = await refusal({ PORT: silentPort, STAGE1_DATA_DIR: "data" }, await testFolder());
  expect(output).toContain(
    `Port ${silentPort} on 127.0.0.1 is in use: stop the program that holds it, or choose another`,
  );
});

const TOKEN = `desktop read sha256:${"0".repeat(64)}`;

test.each([
  ["203.0.113.1", "203.0.113.1 is not an address of this machine: correct HOST"],
  ["nowhere.invalid", "nowhere.invalid"],
])("HOST=%s, where nobody can listen, is one line", async (host, line) => {
  expect(
    await refusal({ HOST: host, STAGE1_TOKENS: TOKEN, DATABASE_URL: inject("server") }, await testFolder()),
  ).toContain(line);
});

test("a file in the place of the data directory, or of a folder above it, is one line", async () => {
  const cwd = await testFolder();
  await writeFile(join(cwd, "file"), "");
  for (const dataDir of [join(cwd, "file"), join(cwd, "file", "data")]) {
    expect(await refusal({ STAGE1_DATA_DIR: dataDir }, cwd)).toContain(
      `Cannot write to the data directory ${dataDir} (there is a file in its place): make it writable, or choose another`,
    );
  }
});

test("a data directory that may not be written is one line", async () => {
  const cwd = await testFolder();
  await chmod(cwd, 0o500);
  // Root may write there too; what the kernel makes up, nobody may.
  const dataDir = process.getuid?.() === 0 ? "/proc/stage1" : join(cwd, ".stage1");
  expect(await refusal({ STAGE1_DATA_DIR: dataDir }, cwd)).toMatch(
    new RegExp(`Cannot write to the data directory ${dataDir} \\(E[A-Z]+\\): make it writable`),
  );
});

import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireSafety } from "../../src/commands/safety.ts";
import { openTokens } from "../../src/http/tokens.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { CLI, finished, hasTerminals, run, serve, startForTest, testFolder, until } from "./cli.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const env = (more: Record<string, string> = {}) => ({ DATABASE_URL: database.url, STAGE1_LOG_LEVEL: "debug", ...more });

/** Makes a token in the folder's file, and returns it. */
async function makeToken(cwd: string, name: string, role: string): Promise<string> {
  const shell = `"$0" "$@" 2>/dev/null`;
  const args = [process.execPath, CLI, "token", "create", name, "--role", role];
  const { output } = await finished(startForTest("sh", ["-c", shell, ...args], { cwd }));
  return output.trim();
}

const status = async (url: string, secret: string) =>
  (await fetch(`${url}?query={__typename}`, { headers: { authorization: `Bearer ${secret}` } })).status;

test("without tokens, an address that others reach is refused, unless --open says that it is meant", async () => {
  const cwd = await testFolder();
  const refused = await finished(run(["serve", "--port", "0"], { cwd, env: env({ HOST: "0.0.0.0" }) }));
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(/^stage1-lineage: HOST is .*no tokens.*token create.*--open.*\n$/);
  const none = openTokens({});
  for (const host of ["::", "192.0.2.1", "127.evil.example", "box"])
    expect(() => requireSafety(host, none, false)).toThrow();
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) requireSafety(host, none, false);
  const open = await serve(["--open"], { cwd, env: env({ HOST: "0.0.0.0" }) });
  expect(open.output()).toMatch(/Access +open/);
  expect(await open.send("{ __typename }")).toMatchObject({ status: 200 });
});

test("SIGHUP reads the tokens again: one that is revoked counts no more, a file that is wrong changes nothing, no secret is logged", async () => {
  const cwd = await testFolder();
  const [kept, revoked] = [await makeToken(cwd, "kept", "read"), await makeToken(cwd, "revoked", "write")];
  const server = await serve([], { cwd, env: env({ HOST: "0.0.0.0" }) });
  expect(server.output()).toMatch(/Access +by token: kept \(read\), revoked \(write\)/);
  expect([await status(server.url, kept), await status(server.url, revoked)]).toEqual([200, 200]);

  await finished(run(["token", "revoke", "revoked"], { cwd }));
  const late = await makeToken(cwd, "late", "read");
  expect(await status(server.url, late)).toBe(401);
  server.kill("SIGHUP");
  await server.waitFor(/"gone":\["revoked"\]/);
  expect([await status(server.url, kept), await status(server.url, revoked)]).toEqual([200, 401]);
  expect(await status(server.url, late)).toBe(200);

  const file = join(cwd, ".stage1", "tokens");
  await appendFile(file, "half an entry\n");
  server.kill("SIGHUP");
  await server.waitFor(/the tokens are as they were.*line \d/);
  expect(await status(server.url, kept)).toBe(200);
  const wrong = `stage1_${"x".repeat(43)}`;
  const answer = await fetch(server.url, { headers: { authorization: `Bearer ${wrong}`, "x-request-id": "a-guess" } });
  expect([answer.status, answer.headers.get("x-request-id")]).toEqual([401, "a-guess"]);
  const [line = ""] = await server.waitFor(/^\{.*"a-guess".*$/m);
  expect(JSON.parse(line)).toMatchObject({ level: 20, token: null, outcome: "UNAUTHENTICATED", statements: 0 });
  const hashes = [...(await readFile(file, "utf8")).matchAll(/sha256:(\w{64})/g)].map(([, hash]) => String(hash));
  expect(hashes).toHaveLength(2);
  for (const secret of [kept, revoked, late, wrong, ...hashes]) expect(server.output()).not.toContain(secret);
  await writeFile(file, "");
  server.kill("SIGHUP");
  await until(async () => (await status(server.url, kept)) === 401);
  server.kill("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
});

test("without tokens SIGHUP changes nothing, and the metrics are there on loopback, those of the process too", async () => {
  const server = await serve([], { cwd: await testFolder(), env: env() });
  server.kill("SIGHUP");
  await server.waitFor(/tokens are read again/);
  const metrics = await (await fetch(new URL("/metrics", server.url))).text();
  for (const name of ["stage1_pool_connections", "nodejs_eventloop_lag_p99_seconds", "process_resident_memory_bytes"]) {
    expect(metrics).toMatch(new RegExp(`^${name}(?:\\{.*\\})? [\\d.e+-]+$`, "m"));
  }
  expect(await server.send("{ __typename }")).toMatchObject({ status: 200 });
});

test.skipIf(!hasTerminals)(
  "on a terminal the log is readable, and closing it ends the server (needs script, of util-linux)",
  async () => {
    const shell = `exec "${process.execPath}" "${CLI}" serve --port 0`;
    const args = ["--quiet", "--return", "--command", shell, "typescript"];
    const terminal = startForTest("script", args, { cwd: await testFolder(), env: env() });
    const [, url = ""] = await terminal.waitFor(/GraphiQL +(\S+)[\s\S]*Ctrl-C/);
    await fetch(`${url}?query={__typename}`);
    await terminal.waitFor(/DEBUG.*a request is over[\s\S]*outcome.*OK/);
    terminal.kill("SIGKILL");
    const isGone = () =>
      fetch(url).then(
        () => false,
        () => true,
      );
    await until(isGone);
  },
);

import { readdirSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { finished, run, serve, testFolder } from "./cli.ts";

let database: TestDatabase;
afterEach(() => database.drop());

/** Runs `serve` on the database, which must refuse with one line. Returns the line. */
async function refusal(args: readonly string[] = []): Promise<string> {
  const cwd = await testFolder();
  const env = { DATABASE_URL: database.url };
  const { code, output } = await finished(run(["serve", "--port", "0", ...args], { cwd, env }));
  expect(output).toMatch(/^stage1-lineage: [^\n]+\n$/);
  expect(code).toBe(1);
  expect(readdirSync(cwd)).toEqual([]);
  return output;
}

test("a configured database whose schema is behind is refused with the commands that mend it, and --migrate serves it", async () => {
  database = await createDatabase("empty");
  expect(await refusal()).toMatch(
    /schema is behind .* run `stage1-lineage migrate`.*`npm run migrate`.*`serve --migrate`/,
  );
  expect(await database.query("SELECT FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);

  const cwd = await testFolder();
  const server = await serve(["--migrate"], { cwd, env: { DATABASE_URL: database.url } });
  expect(await server.send("{ datasets { totalCount } }")).toEqual({
    status: 200,
    data: { datasets: { totalCount: 0 } },
  });
  server.kill("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
  expect(readdirSync(cwd)).toEqual([]);
  expect(server.output()).not.toContain(new URL(database.url).password);
});

test("a configured database whose schema is newer is refused, also with --migrate, with the command that mends it", async () => {
  database = await createDatabase();
  await database.query(
    "INSERT INTO stage1_schema_ledger (file, sha256, version) VALUES ('migrations/9999_later.sql', 'x', '99.0.0')",
  );
  for (const args of [[], ["--migrate"]]) {
    expect(await refusal(args)).toMatch(
      /schema is newer \(from stage1-lineage 99\.0\.0\).* run `npm install .*`git pull && npm ci`/,
    );
  }
});

test("a configured database to which another text of a one-shot file was applied is refused", async () => {
  database = await createDatabase();
  await database.query("UPDATE stage1_schema_ledger SET sha256 = 'x' WHERE file LIKE 'migrations/0003%'");
  expect(await refusal()).toMatch(/migrations\/0003\S+ changed after it was applied .* put the applied text back/);
});

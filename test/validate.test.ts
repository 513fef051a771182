import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { loadDemo } from "../src/commands/seed.ts";
import { openClient } from "../src/db/pool.ts";
import { checksForPsql, type ValidationReport, validate } from "../src/domain/checks.ts";
import { finished, run, startForTest, testFolder, until } from "./commands/cli.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "./harness.ts";
import { FOUND, FOUND_IN_DEMO, plant } from "./planted.ts";
import { SQL_DIR } from "./sql/fixture.ts";

const SCRIPT = `${SQL_DIR}/postgres_validation_checks.sql`;

let planted: TestDatabase;
let demo: TestDatabase;
let server: TestServer;
let report: ValidationReport;
beforeAll(async () => {
  [planted, demo] = await Promise.all([createDatabase(), createDatabase()]);
  await Promise.all([loadDemo(planted.url), loadDemo(demo.url)]);
  await plant(planted);
  server = await startServer(planted);
  report = await validate(planted);
});
afterAll(async () => {
  await server.close();
  await Promise.all([planted.drop(), demo.drop()]);
});

test("each check finds its planted rows, all of them and no others, and shows the first", () => {
  const names = readdirSync(`${SQL_DIR}/checks`).map((file) => file.replace(/^\d+_(.*)\.sql$/, "$1"));
  expect(Object.keys(FOUND)).toEqual(names);
  for (const { name, severity, count, sample } of report.checks) {
    expect({ name, found: [severity, count, sample] }).toEqual({ name, found: FOUND[name] });
  }
  expect(report.checks.map(({ name }) => name)).toEqual(names);
  // Ids stand in front, and the same rows come again.
  expect(Object.keys(report.checks[0]?.sample[0] ?? {})[0]).toBe("dataset_id");
});

test("of the demo, only the dataset that is half exported and its run are reported", async () => {
  const { checks } = await validate(demo);
  const found = checks.filter(({ count }) => count > 0).map(({ name, sample }) => [name, sample]);
  expect(Object.fromEntries(found)).toEqual(FOUND_IN_DEMO);
});

test("the API has the same report, with one statement for a request", async () => {
  const [before] = await planted.query<{ now: string }>("SELECT clock_timestamp() AS now");
  server.statements();
  const { validation } = await server.data<{ validation: ValidationReport }>(`{
    validation { checkedAt checks { name severity title count sample } }
    again: validation { checks { count } }
  }`);
  expect(server.statements()).toHaveLength(1);
  expect(validation.checks).toEqual(
    report.checks.map((check) => ({ ...check, severity: check.severity.toUpperCase() })),
  );
  // To the microsecond: a value cut to milliseconds lies before what was read before it.
  const between = "SELECT $1::timestamptz < $2::timestamptz AND $2::timestamptz < clock_timestamp() AS so";
  expect(await planted.query(between, [before?.now, validation.checkedAt])).toEqual([{ so: true }]);
  expect(validation.checkedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
});

const databaseUrl = (database: TestDatabase) => ({ env: { DATABASE_URL: database.url } });

test("validate prints the same report, for programs and for people, and exits with 1 where there are errors", async () => {
  const [json, text] = await Promise.all([
    finished(run(["validate", "--json"], databaseUrl(planted))),
    finished(run(["validate"], databaseUrl(planted))),
  ]);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.output)).toEqual({ checkedAt: expect.stringMatching(/T.*Z$/), checks: report.checks });

  expect(text.code).toBe(1);
  for (const { name, severity, title, count, sample } of report.checks) {
    expect(text.output).toMatch(new RegExp(`^${severity} +${name} +${count}\n +${title}\n`, "m"));
    for (const row of sample) expect(text.output).toContain(`\n           ${JSON.stringify(row)}\n`);
  }
  expect(text.output).toMatch(/words_outside_the_vocabulary +6\n(?:.*\n){6} +… and 1 more\n/);
  expect(text.output).toMatch(/^20 checks at \S+Z: 11 with errors, 9 with warnings\.$/m);
});

test("validate exits with 0 where there are warnings alone; what is sound is one line", async () => {
  const { code, output } = await finished(run(["validate"], databaseUrl(demo)));
  expect(code).toBe(0);
  expect(output).toMatch(/^sound +folds_with_gaps +0\nsound +completed_runs_without_folds +0$/m);
  expect(output).toContain("0 with errors, 2 with warnings.");
});

test("validate exits with 2 where it could not find out, and says why", async () => {
  const empty = await createDatabase("empty");
  onTestFinished(() => empty.drop());
  const refused = Object.assign(new URL(demo.url), { password: "wrong" }).href;
  const cwd = await testFolder();
  const cases: [string[], Record<string, string>, RegExp][] = [
    [["--jsn"], {}, /^error: unknown option '--jsn'/],
    [["--json", "--sql"], {}, /--sql and --json exclude each other/],
    [[], { DATABASE_URL: refused }, /refuses the login: correct the user or password/],
    [[], { DATABASE_URL: empty.url }, /schema is behind this version .*npm run migrate/],
    [["--data-dir", "none"], {}, /There is no database in none to check: name another/],
  ];
  const ends = await Promise.all(cases.map(([flags, env]) => finished(run(["validate", ...flags], { cwd, env }))));
  for (const [i, [flags, , message]] of cases.entries()) {
    expect({ flags, ...ends[i] }).toMatchObject({ flags, code: 2, output: expect.stringMatching(message) });
  }
  expect(readdirSync(cwd)).toEqual([]);
});

test("Ctrl-C ends validate with 2, also while the statement runs", async () => {
  const blocker = await openClient(demo.url);
  try {
    await blocker.query("BEGIN; LOCK TABLE stage1_datasets");
    const command = run(["validate"], databaseUrl(demo));
    const waiting =
      "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = current_database()";
    await until(async () => (await blocker.query(waiting)).rows.length > 0);
    command.killGroup("SIGINT");
    expect(await finished(command)).toEqual({
      code: 2,
      signal: null,
      output: "stage1-lineage: Interrupted before the checks were through: nothing is known.\n",
    });
  } finally {
    await blocker.end();
  }
});

test("sql/postgres_validation_checks.sql is what the code makes (`npm run checks` writes it)", async () => {
  const { code, output } = await finished(run(["validate", "--sql"]));
  expect(code).toBe(0);
  expect(output).toBe(checksForPsql());
  expect(readFileSync(SCRIPT, "utf8")).toBe(output);
});

test("its statements alone have the same report, and end with an error if there is one in the report", async () => {
  const text = checksForPsql().replace(/^\\set .*$/gm, "");
  expect(text).not.toMatch(/^\s*\\/m); // nothing else that only psql understands
  const end = text.lastIndexOf("DO $$");
  const client = await openClient(planted.url);
  try {
    const results = (await client.query(text.slice(0, end))) as unknown as { rows: Record<string, unknown>[] }[];
    expect(
      results
        .at(-1)
        ?.rows.map(({ severity, check, count, "first rows": sample }) => [check, severity, Number(count), sample]),
    ).toEqual(report.checks.map(({ name, severity, count, sample }) => [name, severity, count, sample]));
    await expect(client.query(text.slice(end))).rejects.toThrow("11 of the checks of severity error found rows");
  } finally {
    await client.end();
  }
  await demo.query(text);
});

const PSQL = "psql";
const hasPsql = spawnSync(PSQL, ["--version"]).status === 0;

test.skipIf(!hasPsql)(
  "psql, if one is installed, prints the whole table, and ends with 3 after an error in it, or without a schema",
  async () => {
    const psql = (database: TestDatabase) => finished(startForTest(PSQL, ["-X", "-d", database.url, "-f", SCRIPT]));
    const { code, output } = await psql(planted);
    expect(code).toBe(3);
    expect(output).toMatch(/ERROR: +11 of the checks of severity error found rows/);
    expect(output).toMatch(/^ severity \| +check +\| count \| +first rows +$/m);
    for (const { name, severity, count } of report.checks) {
      expect(output).toMatch(new RegExp(`^ ${severity} +\\| ${name} +\\| +${count} \\| \\[\\{"`, "m"));
    }
    expect(await psql(demo)).toMatchObject({ code: 0, output: expect.stringContaining("(20 rows)") });
    const empty = await createDatabase("empty");
    onTestFinished(() => empty.drop());
    expect(await psql(empty)).toMatchObject({ code: 3, output: expect.stringContaining("does not exist") });
  },
);

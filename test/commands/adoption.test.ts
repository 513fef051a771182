import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { allRows, catalogue } from "../sql/catalogue.ts";
import { fixture } from "../sql/fixture.ts";
import { CLI, finished, hasTerminals, run, startForTest, testFolder } from "./cli.ts";

let database: TestDatabase;
let untouched: unknown[];
beforeAll(async () => {
  database = await createDatabase("empty");
  await database.query(fixture("variant-a.sql"));
  untouched = await state();
});
afterAll(() => database.drop());

const state = async () => [await catalogue(database), await allRows(database)];
const env = () => ({ DATABASE_URL: database.url });
const name = () => new URL(database.url).pathname.slice(1);

/** A command on the database, to its end; no password stands in what it says. */
async function command(...args: string[]) {
  const end = await finished(run(args, { env: env(), cwd: await testFolder() }));
  expect(end.output).not.toContain(new URL(database.url).password);
  return end;
}

test("a database that holds rows and was never migrated wants --yes where there is no terminal; serve sends one there", async () => {
  const ends = await Promise.all([command("migrate"), command("serve", "--port", "0", "--migrate")]);
  for (const { code, output } of ends) {
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(
        `^stage1-lineage: The database ${name()} at \\S+ holds rows and was never migrated \\(indicator_datasets: 3, ` +
          'walkforward_runs: 3, walkforward_folds: 312, .*\\): take a backup, `pg_dump "\\$DATABASE_URL" > backup.sql`, then run ' +
          "`stage1-lineage migrate --yes`, or in a checkout `npm run migrate -- --yes`\\.\\n$",
      ),
    );
  }
  expect(await state()).toEqual(untouched);
});

test("a database of generation 3 that holds nothing but datasets wants --yes too", async () => {
  const own = await createDatabase("empty");
  try {
    await own.query(fixture("generation-3.sql"));
    await own.query("TRUNCATE walkforward_runs CASCADE");
    const env = { DATABASE_URL: own.url };
    const { code, output } = await finished(run(["migrate"], { env, cwd: await testFolder() }));
    expect(output).toContain("holds rows and was never migrated (datasets: 3): take a backup");
    expect(code).toBe(1);
  } finally {
    await own.drop();
  }
});

test("a dry run never asks, tells what each step means for rows, and fails where something stands in the way", async () => {
  const { code, output } = await command("migrate", "--dry-run");
  expect(output).toContain(
    "would apply migrations/0003b_writers_of_datasets.sql: 3 rows of indicator_datasets get a master row; 0 rows of datasets get a master row\n",
  );
  expect(output).toMatch(
    /^would apply migrations\/0001d_indexes\.sql: .*; 3 rows of walkforward_runs are indexed; .*$/m,
  );
  expect(output).toMatch(
    /^would apply migrations\/0012_bucket_sides\.sql: \d+ rows of simulation_trade_buckets lose the check /m,
  );
  expect(output).toMatch(/\n\d+ files to apply\. Nothing was changed\.\n$/);
  expect(code).toBe(0);

  await database.query("CREATE VIEW own AS SELECT 1 AS x; CREATE TABLE dataset_hierarchy (x integer)");
  const refused = await command("migrate", "--dry-run");
  expect(refused).toMatchObject({
    code: 1,
    output: expect.stringMatching(/would apply[\s\S]*\ndataset_hierarchy must be a view +\|/),
  });
  const really = await command("migrate", "--yes");
  expect(really).toMatchObject({
    code: 1,
    output: expect.stringMatching(/^stage1-lineage: The database cannot be migrated as it is\. Nothing/),
  });
  await database.query("DROP VIEW own; DROP TABLE dataset_hierarchy");
  expect(await state()).toEqual(untouched);
});

/** `migrate` on a terminal of its own, with a line typed into it. */
async function typed(line: string) {
  const migrate = `'${process.execPath}' '${CLI}' migrate`;
  const shell = `printf '%s\\n' '${line}' | script --quiet --return --command "${migrate}" /dev/null`;
  return finished(startForTest("sh", ["-c", shell], { env: env(), cwd: await testFolder() }));
}

test.skipIf(!hasTerminals)(
  "on a terminal it asks for the backup and the database's name, and then migrates; afterwards it asks no more",
  async () => {
    const wrong = await typed("yes");
    expect(wrong.output).toMatch(/holds rows and was never migrated:\r\n(?: {2}\w+ +\d+ rows\r\n){6}/);
    expect(wrong.output).toContain('pg_dump "$DATABASE_URL" > backup.sql');
    expect(wrong).toMatchObject({
      code: 1,
      output: expect.stringContaining(`Not confirmed: the answer was not ${name()}. Nothing was changed.`),
    });
    expect(await state()).toEqual(untouched);

    const right = await typed(name());
    expect(right).toMatchObject({ code: 0, output: expect.stringMatching(/: \d+ files applied\.\r\n$/) });
    expect(right.output).not.toContain(new URL(database.url).password);
    expect(await command("migrate")).toMatchObject({ code: 0, output: "The schema is up to date: nothing to do.\n" });
  },
);

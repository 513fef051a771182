import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { migrate, planMigration } from "../src/db/migrate.ts";
import { schemaFiles } from "../src/db/sql-file.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import { start } from "./process.ts";
import { catalogue, ledger } from "./sql/catalogue.ts";
import { SQL_DIR } from "./sql/fixture.ts";

const ALL_FILES = schemaFiles().map(({ file }) => file);
const REPEATABLE = ALL_FILES.filter((file) => !file.startsWith("migrations/"));

/** Everything that migrate may change. */
const state = async (database: TestDatabase) => [await catalogue(database), await ledger(database)];

/** The message of what migrate refuses with. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: "OperatorError" });
  return error instanceof Error ? error.message : "";
}

describe("on an empty database", () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase("empty");
  });
  afterEach(() => database.drop());

  test("a dry run names the files in order and changes nothing, a real one applies and records them", async () => {
    const before = await catalogue(database);
    const { steps, refusal: obstacles } = await planMigration({ url: database.url });
    expect(steps.map(({ file }) => file)).toEqual(ALL_FILES);
    expect(obstacles).toBeUndefined();
    expect(await catalogue(database)).toEqual(before);

    const reported: string[] = [];
    expect(await migrate({ url: database.url, report: (line) => reported.push(line) })).toEqual(ALL_FILES);
    expect(reported).toEqual(ALL_FILES.map((file) => `applying ${file}`));
    expect((await ledger(database)).map(({ file, sha256 }) => [file, sha256])).toEqual(
      schemaFiles()
        .map(({ file, sha256 }) => [file, sha256])
        .sort(),
    );
  });

  test("the second time changes nothing", async () => {
    await migrate({ url: database.url });
    const before = await state(database);
    expect(await migrate({ url: database.url })).toEqual([]);
    expect(await state(database)).toEqual(before);
  });

  test("twenty at once, two of them processes of their own, end in one clean schema", async () => {
    const processes = [1, 2].map(() =>
      start(process.execPath, ["dist/cli.js", "migrate"], {
        env: { PATH: process.env["PATH"], DATABASE_URL: database.url },
      }),
    );
    const applied = await Promise.all(Array.from({ length: 18 }, () => migrate({ url: database.url })));
    const outputs = await Promise.all(
      processes.map(async (child) => {
        expect({ ...(await child.exit), output: child.output() }).toMatchObject({ code: 0 });
        return child.output();
      }),
    );
    const workers = [
      ...applied.filter((files) => files.length > 0),
      ...outputs.filter((output) => output.includes("files applied")),
    ];
    expect(workers).toHaveLength(1);
    expect(await migrate({ url: database.url })).toEqual([]);
    const fresh = await createDatabase();
    expect(await catalogue(database)).toEqual(await catalogue(fresh));
    await fresh.drop();
  });
});

/** A one-shot file, and what is said of it after the file's name. */
const BROKEN = [
  {
    what: "a syntax error, after characters of several bytes",
    text: "-- é 😀\nSELECT 'é😀'; SELEC 1;\n",
    message: ["2:14", "2 | SELECT 'é😀'; SELEC 1;", "                 ^", 'syntax error at or near "SELEC"'],
  },
  {
    what: "an unknown column, after characters of several bytes",
    text: "SELECT 'é😀';\n-- é 😀\nSELECT 'é😀',\n  'é😀' AS x, nothing FROM stage1_datasets;\n",
    message: [
      "4:14",
      "4 |   'é😀' AS x, nothing FROM stage1_datasets;",
      "                 ^",
      'column "nothing" does not exist',
    ],
  },
  {
    what: "an error of a running statement, at the statement's first line of code",
    text: "SELECT 1;\n\n-- A comment.\n  SELECT 1 /\n  (SELECT count(*) FROM stage1_datasets WHERE false);\n",
    message: ["4:3", "4 |   SELECT 1 /", "      ^", "division by zero"],
  },
  {
    what: "an error in a running DO block, at the block's line",
    text: "SELECT 'é😀';\nDO $$\nBEGIN\n    PERFORM 1;\n    RAISE 'é gone' USING HINT = 'Look.', DETAIL = 'D';\nEND\n$$;\n",
    message: [
      "5:5",
      "5 |     RAISE 'é gone' USING HINT = 'Look.', DETAIL = 'D';",
      "        ^",
      "é gone",
      "Detail: D",
      "Hint: Look.",
    ],
  },
  {
    what: "an error in a statement that a DO block builds, at the block's line",
    text: "DO $$\nBEGIN\n    EXECUTE 'SELECT '\n        || 'nothing';\nEND\n$$;\n",
    message: ["3:5", "3 |     EXECUTE 'SELECT '", "        ^", 'column "nothing" does not exist'],
  },
  {
    what: "a syntax error in a DO block",
    text: "-- 😀\nDO $$\nBEGIN\n    IF true THN\n    END IF;\nEND\n$$;\n",
    message: ["5:11", "5 |     END IF;", "              ^", 'missing "THEN" at end of SQL expression'],
  },
  {
    what: "a syntax error in a function's body",
    text: "SELECT 1;\nCREATE FUNCTION broken() RETURNS int LANGUAGE sql AS $$\n    SELECT 'é😀', nothing\n$$;\n",
    message: ["3:18", "3 |     SELECT 'é😀', nothing", "                     ^", 'column "nothing" does not exist'],
  },
];

describe("on a migrated database, with changed files", () => {
  let database: TestDatabase;
  let sqlDir: string;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    sqlDir = await mkdtemp(join(tmpdir(), "stage1-sql-"));
    await cp(SQL_DIR, sqlDir, { recursive: true });
  });
  afterEach(() => rm(sqlDir, { recursive: true, force: true }));

  const run = (version?: string) => migrate({ url: database.url, sqlDir, ...(version ? { version } : {}) });
  const add = (file: string, text: string) => writeFile(join(sqlDir, file), text);

  test("a role's statement_timeout does not end it", async () => {
    const impatient = await createDatabase("empty");
    try {
      await impatient.query(`ALTER DATABASE ${new URL(impatient.url).pathname.slice(1)} SET statement_timeout = 200`);
      await add("migrations/9999_long.sql", "SELECT pg_sleep(0.3);\n"); // longer than allowed, and connecting is not
      expect(await migrate({ url: impatient.url, sqlDir })).toContain("migrations/9999_long.sql");
    } finally {
      await impatient.drop();
    }
  });

  test("a checkout with CRLF at the ends of lines is the same", async () => {
    for (const file of [...ALL_FILES, "ledger.sql"]) {
      const text = await readFile(join(sqlDir, file), "utf8");
      await add(file, text.replaceAll(/\r?\n/g, "\r\n"));
    }
    expect(schemaFiles(sqlDir)).toEqual(schemaFiles());
    expect(await run()).toEqual([]);
  });

  test("a changed one-shot file is refused by name, and nothing is done", async () => {
    await appendFile(join(sqlDir, "migrations/0003_stage1_datasets.sql"), "-- a thought\n");
    await add("migrations/0099_more.sql", "CREATE TABLE never ();");
    const before = await state(database);
    expect(await refusal(run())).toMatch(/^migrations\/0003_stage1_datasets\.sql changed after it was applied .*: put/);
    expect(await state(database)).toEqual(before);
  });

  test("a one-shot file that names the hash of its former text is not applied again where that one was", async () => {
    const name = "migrations/0099_corrected.sql";
    await add(name, "CREATE TABLE first_text ();");
    expect(await run()).toContain(name);
    const [former] = (await ledger(database)).filter(({ file }) => file === name);
    await add(name, `-- formerly: ${former?.sha256}\nCREATE TABLE second_text ();`);
    expect(await run()).toEqual([]);
    expect(await database.query("SELECT to_regclass('second_text') AS made")).toEqual([{ made: null }]);
    await rm(join(sqlDir, name));
    await database.query(`DROP TABLE first_text; DELETE FROM stage1_schema_ledger WHERE file = '${name}'`);
  });

  test("a one-shot file runs right after the repeatable files that it needs", async () => {
    const name = "migrations/0099_needing.sql";
    await add("functions/99_needed.sql", "CREATE OR REPLACE FUNCTION needed() RETURNS int LANGUAGE sql AS 'SELECT 1';");
    await add(name, "-- needs: functions/99_needed.sql\nCREATE TABLE made AS SELECT needed();");
    expect(await run()).toContain(name);
    await rm(join(sqlDir, name));
    await rm(join(sqlDir, "functions/99_needed.sql"));
    await database.query(`
      DROP TABLE made; DROP FUNCTION needed(); DELETE FROM stage1_schema_ledger WHERE file ~ 'need'`);
    await migrate({ url: database.url });
  });

  test("a database with a one-shot file that this version does not know is refused", async () => {
    await database.query("INSERT INTO stage1_schema_ledger VALUES ('migrations/0099_of_a_branch.sql', 'x', '0.1.0')");
    await appendFile(join(sqlDir, "grants.sql"), "-- changed\n");
    const before = await state(database);
    expect(await refusal(run("0.1.0"))).toMatch(/newer \(from stage1-lineage 0\.1\.0\).*: run `npm install/);
    expect(await state(database)).toEqual(before);
    await database.query("DELETE FROM stage1_schema_ledger WHERE sha256 = 'x'");
  });

  test("a database with another text of a file, from a later version, is refused, also where it has more digits", async () => {
    const [view] = await database.query<{ sha256: string }>(
      "SELECT sha256 FROM stage1_schema_ledger WHERE file = 'views/10_dataset_catalog.sql'",
    );
    const write = (sha256: string | undefined, version: string) =>
      database.query(
        "UPDATE stage1_schema_ledger SET sha256 = $1, version = $2 WHERE file = 'views/10_dataset_catalog.sql'",
        [sha256, version],
      );
    await write("x", "0.10.0");
    const before = await state(database);
    expect(await refusal(run("0.9.1"))).toContain("newer (from stage1-lineage 0.10.0) than this version (0.9.1)");
    expect(await state(database)).toEqual(before);

    // The later version's text is this version's: nothing to refuse.
    await write(view?.sha256, "0.10.0");
    expect(await run("0.9.1")).toEqual([]);
    await write(view?.sha256, "0.1.0");
  });

  test("a changed repeatable file is applied again, with all repeatable files and no one-shot file", async () => {
    const before = await ledger(database);
    await appendFile(
      join(sqlDir, "views/20_dataset_hierarchy.sql"),
      "COMMENT ON VIEW dataset_hierarchy IS 'changed';\n",
    );
    expect(await run()).toEqual(REPEATABLE);
    expect(await catalogue(database)).toContain("comment on view public.dataset_hierarchy: changed");
    const after = await ledger(database);
    const oneShots = (rows: typeof after) => rows.filter(({ file }) => file.startsWith("migrations/"));
    expect(oneShots(after)).toEqual(oneShots(before));
    expect(after.filter(({ file }, i) => after[i]?.sha256 !== before[i]?.sha256 && file)).toMatchObject([
      { file: "views/20_dataset_hierarchy.sql" },
    ]);
    expect(await run()).toEqual([]);
    expect(await migrate({ url: database.url })).toEqual(REPEATABLE); // and back
  });

  test("a new one-shot file is applied before the repeatable ones, once", async () => {
    await add("migrations/0098_more.sql", "CREATE TABLE more (id integer);");
    await appendFile(
      join(sqlDir, "views/20_dataset_hierarchy.sql"),
      "CREATE OR REPLACE VIEW of_more AS SELECT * FROM more;",
    );
    expect(await run()).toEqual(["migrations/0098_more.sql", ...REPEATABLE]);
    expect(await run()).toEqual([]);
    await database.query(`
      DROP VIEW of_more; DROP TABLE more;
      DELETE FROM stage1_schema_ledger WHERE file = 'migrations/0098_more.sql'`);
    await migrate({ url: database.url });
  });

  test("a removed repeatable file is forgotten with the next change", async () => {
    await add("functions/99_extra.sql", "CREATE OR REPLACE FUNCTION extra() RETURNS int LANGUAGE sql AS 'SELECT 1';");
    expect(await run()).toContain("functions/99_extra.sql");
    await rm(join(sqlDir, "functions/99_extra.sql"));
    await appendFile(join(sqlDir, "grants.sql"), "-- changed\n");
    expect(await run()).toEqual(REPEATABLE);
    expect((await ledger(database)).map(({ file }) => file)).toEqual([...ALL_FILES].sort());
    await database.query("DROP FUNCTION extra()");
    await migrate({ url: database.url });
  });

  test("a failing one-shot file is undone whole, and those before it stay", async () => {
    await add("migrations/0095_good.sql", "CREATE TABLE good ();");
    await add("migrations/0096_bad.sql", "CREATE TABLE half ();\nSELECT nothing_of_the_kind();");
    await add("migrations/0097_after.sql", "CREATE TABLE after ();");
    const before = await ledger(database);
    expect(await refusal(run())).toContain("sql/migrations/0096_bad.sql:2:8");
    const tables = await database.query("SELECT tablename FROM pg_tables WHERE tablename IN ('good', 'half', 'after')");
    expect(tables).toEqual([{ tablename: "good" }]);
    expect((await ledger(database)).filter(({ file }) => !before.some((row) => row.file === file))).toMatchObject([
      { file: "migrations/0095_good.sql" },
    ]);
    await database.query("DROP TABLE good; DELETE FROM stage1_schema_ledger WHERE file LIKE '%good.sql'");
  });

  for (const { what, text, message } of BROKEN) {
    test(`${what} is shown with file, line, column and the line`, async () => {
      await add("migrations/0090_broken.sql", text);
      const [position, ...rest] = message;
      const lines = (await refusal(run())).split("\n");
      const [file, ...shown] = lines;
      expect(file?.replace(/:\d+:\d+$/, "")).toBe("sql/migrations/0090_broken.sql");
      expect([file?.match(/\d+:\d+$/)?.[0], ...shown]).toEqual([position, ...rest]);
    });
  }
});

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "libpg-query";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { openClient } from "../../src/db/pool.ts";
import { schemaFiles } from "../../src/db/sql-file.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { start } from "../process.ts";
import { catalogue, ledger } from "./catalogue.ts";
import { SQL_DIR } from "./fixture.ts";

const ID = "11111111-2222-3333-4444-555555555555";
const PSQL = "psql";
const APPLY = join(SQL_DIR, "apply.sql");

/** The text that psql would send: `\ir` names a file beside the one it stands in, `\set` speaks to psql alone. */
function withIncludes(path: string): string {
  return readFileSync(path, "utf8")
    .split(/\r?\n/)
    .map((line) => {
      const included = /^\\ir (\S+)$/.exec(line)?.[1];
      if (included) return withIncludes(join(dirname(path), included));
      expect(line).not.toMatch(/^\s*\\(?!set )/); // nothing else that only psql understands
      return line.startsWith("\\") ? "" : line;
    })
    .join("\n");
}

/** As psql does: statements one by one, on one connection. Some cannot be sent together with others. */
async function followIncludes(database: TestDatabase): Promise<void> {
  const bytes = Buffer.from(withIncludes(APPLY));
  const { stmts = [] } = await parse(bytes.toString());
  const client = await openClient(database.url);
  try {
    for (const { stmt_location = 0, stmt_len } of stmts) {
      const end = stmt_len === undefined ? undefined : stmt_location + stmt_len;
      await client.query(bytes.subarray(stmt_location, end).toString());
    }
  } finally {
    await client.end();
  }
}

async function psql(database: TestDatabase): Promise<void> {
  const child = start(PSQL, ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url, "-f", APPLY]);
  expect({ ...(await child.exit), output: child.output() }).toEqual({ code: 0, signal: null, output: "" });
}

test("apply.sql names every schema file, in the migrator's order", () => {
  const included = [...readFileSync(APPLY, "utf8").matchAll(/^\\ir (\S+)$/gm)].map((match) => match[1]);
  const files = schemaFiles().flatMap(({ file, needs }) => [...needs.map((needed) => needed.file), file]);
  expect(included).toEqual(["ledger.sql", ...files]);
});

const hasPsql = spawnSync(PSQL, ["--version"]).status === 0;
const PATHS = [
  { how: "with the includes followed by the test", run: test, apply: followIncludes },
  { how: "by psql, where one is installed", run: test.skipIf(!hasPsql), apply: psql },
];

describe.each(PATHS)("sql/apply.sql $how", ({ run, apply }) => {
  let byHand: TestDatabase;
  let migrated: TestDatabase;
  beforeAll(async () => {
    [byHand, migrated] = await Promise.all([createDatabase("empty"), createDatabase()]);
  });
  afterAll(async () => {
    await Promise.all([byHand.drop(), migrated.drop()]);
  });

  run("brings an empty database to the migrator's schema, twice too; then migrate records every file", async () => {
    const wanted = await catalogue(migrated);
    await apply(byHand);
    expect(await catalogue(byHand)).toEqual(wanted);

    await byHand.query("SELECT patch_stage1_dataset($1)", [{ dataset_id: ID, dataset_slug: "kept", symbol: "S" }]);
    await apply(byHand);
    expect(await catalogue(byHand)).toEqual(wanted);
    expect(await byHand.query("SELECT dataset_slug, symbol FROM stage1_datasets")).toEqual([
      { dataset_slug: "kept", symbol: "S" },
    ]);

    expect(await ledger(byHand)).toEqual([]);
    const files = schemaFiles();
    expect(await migrate({ url: byHand.url })).toEqual(files.map(({ file }) => file));
    expect(await catalogue(byHand)).toEqual(wanted);
    expect((await ledger(byHand)).map((row) => [row.file, row.sha256])).toEqual(
      files.map(({ file, sha256 }) => [file, sha256]).sort(),
    );
    expect(await migrate({ url: byHand.url })).toEqual([]);
  });
});

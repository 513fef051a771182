import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { contents, counts, empty, lineage, Spool } from "../spool/spools.ts";
import { datasetStatement, foldStatement, idOf, runStatement } from "../spool/statements.ts";
import { finished, run, startForTest, testFolder, until } from "./cli.ts";

let database: TestDatabase;
let reference: TestDatabase;
beforeAll(async () => {
  [database, reference] = await Promise.all([createDatabase(), createDatabase()]);
});
beforeEach(() => empty(database));
afterAll(() => Promise.all([database.drop(), reference.drop()]));

const replay = (paths: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run(["replay", ...paths], { env: { DATABASE_URL: database.url, ...env } });

/** Whether a replay waits for a row that another session holds. */
async function waits(): Promise<boolean> {
  const rows = await database.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'stage1-lineage replay' AND wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

async function isGone(): Promise<boolean> {
  const rows = await database.query(
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'stage1-lineage replay'",
  );
  return rows.length === 0;
}

test("killed at one point after another, and started again, it leaves what one replay leaves, in the file of rejected statements too", async () => {
  const bad = [...lineage("bad"), ...lineage("bad")];
  bad[1] = runStatement("bad", "bad_run1", { duration_ms: "'long'" });
  bad.splice(-6); // exported again, but not all of it
  const spool = await Spool.of(
    ...lineage("a"),
    ...bad,
    "DROP TABLE simulation_trades;\n\n",
    ...lineage("large", { trades: 4500 }),
    ...lineage("c"),
  );
  const whole = await Spool.of();
  await whole.write(readFileSync(spool.path, "utf8").slice(readFileSync(whole.path, "utf8").length));
  expect(await whole.replay(reference)).toBe(false);

  // A row of another session that is not committed: a replay waits where it would write the same one.
  const points: [string, string][] = [
    ["indicator_datasets", `('${idOf("a")}', 'S', '1h', 'x')`],
    ["indicator_datasets", `('${idOf("large")}', 'S', '1h', 'x')`],
    ["simulation_trades", `('${idOf("large_sim1_2500")}', '${idOf("other")}', now(), 'long', 1, 1, '{}')`],
    ["indicator_datasets", `('${idOf("c")}', 'S', '1h', 'x')`],
  ];
  const columns: Record<string, string> = {
    indicator_datasets: "dataset_id, symbol, granularity, source",
    simulation_trades: "trade_id, simulation_id, bar_timestamp, side, size, entry_price, metadata",
  };
  const holder = await openClient(database.url);
  try {
    for (const [table, values] of points) {
      await holder.query("BEGIN; SET session_replication_role = replica"); // no foreign keys, no triggers
      await holder.query(`INSERT INTO ${table} (${columns[table]}) VALUES ${values}`);
      const child = replay([spool.path]);
      await until(waits);
      child.kill("SIGKILL");
      await child.exit;
      await holder.query("ROLLBACK");
      await until(isGone);
      const { simulation_trades = 0 } = await counts(database);
      expect([0, 4, 4504, 4508]).toContain(simulation_trades); // whole objects
    }
  } finally {
    await holder.end();
  }
  expect(await finished(replay([spool.path]))).toMatchObject({ code: 1 });
  expect(await contents(database)).toEqual(await contents(reference));
  const unnumbered = (text: string) => text.replace(/(?<=from replay )\S+(?=,)/, "n");
  expect(unnumbered(spool.rejected)).toBe(unnumbered(whole.rejected));
});

test("a replay while another one works does nothing, and says so", async () => {
  const spool = await Spool.of(...lineage("a"));
  const other = await openClient(database.url);
  try {
    await other.query("SELECT pg_advisory_lock(5731, 4)");
    expect(await finished(replay([spool.path]))).toEqual({
      code: 2,
      signal: null,
      output: expect.stringMatching(
        /^stage1-lineage: Another replay works on this database: this one did nothing\. .*\n$/,
      ),
    });
  } finally {
    await other.end();
  }
  expect(await counts(database)).toMatchObject({ stage1_datasets: 0 });
});

test("several files in order, and standard input, whose last statement nobody will end", async () => {
  const cwd = await testFolder();
  const [one, two] = [await Spool.of(...lineage("a").slice(0, 2)), await Spool.of(foldStatement("a_run1", 1))];
  expect(await finished(replay([one.path, two.path]))).toMatchObject({
    code: 0,
    output: `${one.path}: 2 statements written, 0 rejected.\n${two.path}: 1 statement written, 0 rejected.\n`,
  });
  const input = await Spool.of(foldStatement("a_run1", 2), datasetStatement("z").slice(0, 50));
  const piped = startForTest(
    "sh",
    ["-c", `cat "${input.path}" | "${process.execPath}" "${join(process.cwd(), "dist/cli.js")}" replay -`],
    { cwd, env: { DATABASE_URL: database.url, TMPDIR: cwd } },
  );
  expect(await finished(piped)).toMatchObject({
    code: 1,
    output: expect.stringMatching(
      /1 statement written, 1 rejected[\s\S]*half written: its end is missing[\s\S]*stands in stdin\.rejected\.sql/,
    ),
  });
  expect(readFileSync(join(cwd, "stdin.rejected.sql"), "utf8")).toContain(datasetStatement("z").slice(0, 50));
  expect(await counts(database)).toMatchObject({ walkforward_folds: 2 });
});

test("Ctrl-C ends it with what is whole, and the same command goes on from there", async () => {
  const spool = await Spool.of(...lineage("a"), ...lineage("b"));
  const holder = await openClient(database.url);
  try {
    await holder.query("BEGIN");
    await holder.query("LOCK TABLE walkforward_folds");
    const child = replay([spool.path]);
    await until(waits);
    child.kill("SIGINT"); // the lock is still held
    expect(await finished(child)).toMatchObject({
      code: 2,
      output: expect.stringContaining(
        "stage1-lineage: Stopped. What was replayed stays; the same command goes on from there.",
      ),
    });
  } finally {
    await holder.end();
  }
  expect(await finished(replay([spool.path]))).toMatchObject({ code: 0 });
  expect(await counts(database)).toMatchObject({ stage1_datasets: 2, simulation_trades: 8 });
});

test.each<[string, (folder: string) => string[], RegExp]>([
  ["no file", () => [], /missing required argument 'file'/],
  ["an unknown flag", () => ["x", "--force"], /unknown option '--force'/],
  [
    "a file that is not there",
    (folder) => [join(folder, "none.sql")],
    /Cannot read \S+none\.sql \(ENOENT\): correct the path/,
  ],
  ["a folder", (folder) => [folder], /is not a file: name a file, or pipe it in and name "-"/],
])("%s is refused with exit code 2", async (_, args, message) => {
  const { code, output } = await finished(replay(args(await testFolder())));
  expect(output).toMatch(message);
  expect(code).toBe(2);
});

test("where rejected statements would find no place, nothing is begun", async () => {
  const spool = await Spool.of(...lineage("a"));
  await mkdir(spool.rejectedPath);
  expect(await finished(replay([spool.path]))).toMatchObject({
    code: 2,
    output: expect.stringMatching(
      /could not be written to \S+ \(it is not a file\): make room for it there\. Nothing was done/,
    ),
  });
  expect(await counts(database)).toMatchObject({ stage1_datasets: 0 });
});

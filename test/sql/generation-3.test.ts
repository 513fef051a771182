import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { migrate, planMigration } from "../../src/db/migrate.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { spoolText } from "../spool/generations.ts";
import { counts } from "../spool/spools.ts";
import { allRows, catalogue, comparable } from "./catalogue.ts";
import { fixture } from "./fixture.ts";
import { mend, refusalOf, shownIn } from "./remedies.ts";

const BTC = "11111111-2222-3333-4444-555555555555";
const ETH = "cccccccc-0000-0000-0000-000000000002";
const TWIN = "cccccccc-0000-0000-0000-000000000003";

describe("a database of generation 3", () => {
  let database: TestDatabase;
  let before: Map<string, Record<string, unknown>[]>;
  const warnings: string[] = [];
  beforeAll(async () => {
    database = await createDatabase("empty");
    await database.query(fixture("generation-3.sql"));
    before = await allRows(database);
    const { steps, refusal } = await planMigration({ url: database.url });
    expect(refusal).toBeUndefined();
    expect(steps.flatMap(({ rows }) => rows)).toContain("3 rows of datasets get a master row");
    await migrate({ url: database.url, warn: (message) => warnings.push(message) });
  });
  afterAll(() => database.drop());

  test("ends in the schema of an empty database that was migrated, and is up to date", async () => {
    const fresh = await createDatabase();
    onTestFinished(() => fresh.drop());
    expect(comparable(await catalogue(database))).toEqual(comparable(await catalogue(fresh)));
    expect(await migrate({ url: database.url })).toEqual([]);
  });

  test("keeps every value of every row", async () => {
    const after = await allRows(database);
    for (const [table, rows] of before) {
      // created_at is in every answer, so a run without one gets the time of its end, its begin, or now.
      const kept = rows.map((row) => {
        const created_at = table === "walkforward_runs" ? (row["created_at"] ?? expect.any(String)) : row["created_at"];
        return expect.objectContaining("created_at" in row ? { ...row, created_at } : row);
      });
      expect(after.get(table)).toEqual(expect.arrayContaining(kept));
      expect(after.get(table)).toHaveLength(rows.length);
    }
  });

  test("has a master row for each dataset, from the columns and the manifest", async () => {
    expect(await database.query("SELECT * FROM stage1_datasets ORDER BY dataset_id")).toMatchObject([
      {
        ...{ dataset_id: BTC, dataset_slug: "btc25_1", symbol: "BTCUSDT", granularity: "4h", source: "laptop_imgui" },
        ...{ ohlcv_measurement: "btc25_1_bars", indicator_measurement: "btc25_1_features" },
        ...{ ohlcv_row_count: 4320, indicator_row_count: 4080 },
        ...{ ohlcv_first_ts: "2025-01-01 00:00:00+00", ohlcv_last_ts: "2025-04-05 00:00:00+00" },
        ...{ indicator_first_ts: "2025-02-10 00:00:00+00", indicator_last_ts: "2025-04-05 00:00:00+00" },
      },
      {
        ...{
          dataset_id: ETH,
          dataset_slug: "eth25_1",
          symbol: "eth25_1",
          granularity: "unknown",
          source: "legacy_import",
        },
        ...{ ohlcv_measurement: "eth25_1_ohlcv", indicator_measurement: "eth25_1_ind", ohlcv_row_count: 0 },
        ...{ ohlcv_first_ts: "2025-01-01 00:00:00.123+00", ohlcv_last_ts: null },
      },
      { dataset_id: TWIN, dataset_slug: "eth25_1-cccccccc", symbol: null, ohlcv_row_count: 12, ohlcv_first_ts: null },
    ]);
    expect(warnings).toEqual([expect.stringContaining('the slug "eth25_1" is taken by another dataset')]);
  });

  test("names each run's prediction table, by walk_config where that is unique, otherwise by the run's id", async () => {
    const rows = await database.query(
      "SELECT prediction_measurement AS name, 'run_' || run_id AS own FROM walkforward_runs ORDER BY created_at, run_id",
    );
    expect(rows.map(({ name, own }) => (name === own ? "own" : name)).sort()).toEqual([
      "btc25_run1",
      "own",
      "own",
      "own",
    ]);
    expect(await database.query("SELECT FROM walkforward_runs WHERE created_at IS NULL")).toEqual([]);
  });

  test("has the best iteration and score of a fold from its metrics, where they are numbers that fit", async () => {
    expect(
      await database.query(
        "SELECT best_iteration, best_score FROM walkforward_folds ORDER BY run_id = md5('run1')::uuid DESC, fold_number",
      ),
    ).toEqual([
      { best_iteration: 117, best_score: 0.001105 },
      { best_iteration: null, best_score: null },
      { best_iteration: null, best_score: null },
    ]);
  });

  test("loses no dataset, run or fold with a row of `datasets` that somebody deletes", async () => {
    await database.query("BEGIN; DELETE FROM datasets; COMMIT");
    expect(await counts(database)).toMatchObject({
      stage1_datasets: 3,
      datasets: 0,
      walkforward_runs: 4,
      walkforward_folds: 3,
    });
  });
});

test("of runs with one name in walk_config, the oldest has it, and the others of many runs have their own", async () => {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  await database.query(fixture("generation-3.sql"));
  await database.query(
    `INSERT INTO walkforward_runs (run_id, dataset_id, walk_config, created_at)
     SELECT md5('many' || n)::uuid, $1, jsonb_build_object('prediction_measurement', 'many_' || n % 3000),
            timestamptz '2026-01-01' - n * interval '1 minute'
     FROM generate_series(0, 5999) AS n`,
    [BTC],
  );
  await migrate({ url: database.url });
  // Each name is in two rows, and the one with the greater number is the older.
  expect(
    await database.query(
      `SELECT count(*) FILTER (WHERE r.prediction_measurement = 'many_' || n % 3000) AS named,
              count(*) FILTER (WHERE r.prediction_measurement = 'run_' || r.run_id) AS own
       FROM generate_series(0, 5999) AS n JOIN walkforward_runs r ON r.run_id = md5('many' || n)::uuid
       GROUP BY n >= 3000 ORDER BY n >= 3000`,
    ),
  ).toEqual([
    { named: 0, own: 3000 },
    { named: 3000, own: 0 },
  ]);
});

test.each([
  ["ADD COLUMN team text NOT NULL", "ALTER COLUMN team DROP NOT NULL;"],
  ["ADD CONSTRAINT short CHECK (length(dataset_slug) < 7)", "DROP CONSTRAINT short;"],
  ["ADD CONSTRAINT few CHECK (ohlcv_row_count < 4320)", "DROP CONSTRAINT few;"],
  ["ADD CONSTRAINT since CHECK (indicator_first_ts >= '2026-01-01')", "DROP CONSTRAINT since;"],
  ["ADD CONSTRAINT tables UNIQUE (ohlcv_measurement)", undefined],
])("a stage1_datasets made by hand that does %s is asked about where it refuses rows", async (own, refused) => {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  await database.query(fixture("generation-3.sql"));
  await database.query(
    `CREATE TABLE stage1_datasets (
       dataset_id uuid PRIMARY KEY, dataset_slug text NOT NULL UNIQUE, ohlcv_measurement text NOT NULL,
       indicator_measurement text NOT NULL, ohlcv_row_count bigint, indicator_first_ts timestamptz);
     UPDATE datasets SET dataset_slug = 'eth25_2' WHERE dataset_id = '${TWIN}';
     ALTER TABLE stage1_datasets ${own}`,
  );
  const { refusal } = await planMigration({ url: database.url });
  if (refused === undefined) {
    expect(refusal).toBeUndefined();
    await migrate({ url: database.url });
  } else {
    expect(refusal).toMatch(/rows of datasets get a row/);
    expect(refusal).toContain(`ALTER TABLE stage1_datasets ${refused}`);
  }
});

test("own triggers on runs and folds neither stop the adoption nor run in it, and a manifest's number that no count holds says nothing", async () => {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  await database.query(`${fixture("generation-3.sql")};
    CREATE FUNCTION frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'finished runs do not change'; END $$;
    CREATE TRIGGER frozen BEFORE UPDATE ON walkforward_runs FOR EACH ROW EXECUTE FUNCTION frozen();
    CREATE TRIGGER frozen BEFORE UPDATE ON walkforward_folds FOR EACH ROW EXECUTE FUNCTION frozen();
    CREATE TRIGGER off BEFORE UPDATE ON walkforward_folds FOR EACH ROW EXECUTE FUNCTION frozen();
    ALTER TABLE walkforward_folds ENABLE ALWAYS TRIGGER frozen, DISABLE TRIGGER off,
        ADD FOREIGN KEY (run_id) REFERENCES walkforward_runs DEFERRABLE INITIALLY DEFERRED;
    UPDATE datasets SET metadata = '{"ohlcv_rows": 1e19, "indicator_rows": "-1e19"}'`);
  await migrate({ url: database.url });
  expect(await database.query("SELECT FROM walkforward_runs WHERE prediction_measurement IS NULL")).toEqual([]);
  expect(
    await database.query(
      "SELECT tgname, tgenabled FROM pg_trigger WHERE tgname IN ('frozen', 'off') ORDER BY tgrelid, 1",
    ),
  ).toEqual([
    { tgname: "frozen", tgenabled: "O" },
    { tgname: "frozen", tgenabled: "A" },
    { tgname: "off", tgenabled: "D" },
  ]);
  expect(await database.query("SELECT DISTINCT ohlcv_row_count, indicator_row_count FROM stage1_datasets")).toEqual([
    { ohlcv_row_count: 0, indicator_row_count: null },
  ]);
});

test("rules of a stage1_datasets that was made by hand are told where they refuse what rows of datasets become", async () => {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  await database.query(`${fixture("generation-3.sql")};
    CREATE TABLE stage1_datasets (
      dataset_id uuid PRIMARY KEY, dataset_slug text UNIQUE, owner text NOT NULL, ohlcv_row_count bigint CHECK (ohlcv_row_count >= 0),
      ohlcv_measurement text CONSTRAINT bars CHECK (ohlcv_measurement ~ '_bars$'), indicator_measurement text UNIQUE)`);
  const refusal = await refusalOf(database);
  const shown = shownIn(refusal);
  expect(shown.map(({ what }) => what.replace("rows of datasets get a row of stage1_datasets: ", ""))).toEqual([
    "owner is NOT NULL, and has no default",
    "its check bars refuses them",
    "its index stage1_datasets_indicator_measurement_key refuses them",
  ]);
  expect(shown[1]?.rows).toBe(`dataset_id: ${ETH} ${TWIN}`);
  await mend(database, refusal);
  expect(await database.query("SELECT FROM stage1_datasets")).toHaveLength(3);
});

describe.each(["variant-a.sql", "variant-b.sql", "generation-3.sql", undefined])(
  "writers of each generation on a database of %s",
  (origin) => {
    test("write their spools by psql -f, twice", async () => {
      const database = await createDatabase(origin ? "empty" : "migrated");
      onTestFinished(() => database.drop());
      if (origin) {
        await database.query(fixture(origin));
        await migrate({ url: database.url });
      }
      const before = await counts(database);
      for (const name of ["gen1", "gen2", "gen3"] as const) {
        // All statements of a text are one transaction here: each must go through.
        for (const text of [spoolText(name), spoolText(name).replaceAll("\n", "\r\n")]) await database.query(text);
      }
      const added = Object.entries(await counts(database)).map(([table, count]) => [
        table,
        count - (before[table] ?? 0),
      ]);
      expect(Object.fromEntries(added)).toEqual({
        ...{ stage1_datasets: 3, indicator_datasets: 2, datasets: 1, walkforward_runs: 3, walkforward_folds: 6 },
        ...{ simulation_runs: 3, simulation_trade_buckets: 9, simulation_trades: 3 },
      });
      expect(
        await database.query("SELECT dataset_slug FROM stage1_datasets WHERE dataset_slug LIKE 'alpha%' ORDER BY 1"),
      ).toEqual([{ dataset_slug: "alpha_1_ind" }, { dataset_slug: "alpha_2" }, { dataset_slug: "alpha_3" }]);
    });
  },
);

import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDemo, runSeed, type SeedFlags } from "../src/commands/seed.ts";
import { readConfig } from "../src/config.ts";
import { openClient } from "../src/db/pool.ts";
import { TABLES } from "../src/domain/tables.ts";
import { run } from "./commands/cli.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import type { Process } from "./process.ts";

/** Seeded with the demo, and not changed by any test. */
let demo: TestDatabase;
/**
 * A large seed that a lock keeps from its simulations until its test. It tells how far it is every three seconds, and is
 * not to fill the database meanwhile.
 */
let large: { database: TestDatabase; lock: pg.Client; command: Process };
const databases: TestDatabase[] = [];

async function emptyDatabase(template: "migrated" | "empty" = "migrated"): Promise<TestDatabase> {
  const database = await createDatabase(template);
  databases.push(database);
  return database;
}

function seed({ url }: TestDatabase, flags: Partial<SeedFlags> = {}): Promise<void> {
  return runSeed(readConfig({ DATABASE_URL: url }, {}), { force: false, ...flags }, new AbortController().signal);
}

/** Every row of every table, as text. */
async function contents(database: TestDatabase): Promise<string[]> {
  const tables = TABLES.map((table) => `SELECT '${table} ' || t::text AS line FROM ${table} t`);
  const rows = await database.query<{ line: string }>(tables.join(" UNION ALL "));
  return rows.map(({ line }) => line).sort();
}

async function counts(database: TestDatabase): Promise<unknown> {
  const [row] = await database.query(
    `SELECT (SELECT count(*) FROM stage1_datasets) AS datasets, (SELECT count(*) FROM walkforward_runs) AS runs,
            (SELECT count(*) FROM simulation_runs) AS simulations`,
  );
  return row;
}

beforeAll(async () => {
  large = await startLargeSeed();
  demo = await emptyDatabase();
  await seed(demo);
});
afterAll(async () => {
  large.command.kill("SIGKILL");
  await large.lock.end();
  await Promise.all(databases.map((database) => database.drop()));
});

async function startLargeSeed(): Promise<typeof large> {
  const database = await emptyDatabase();
  const lock = await openClient(database.url);
  await lock.query("ALTER TABLE simulation_runs DISABLE TRIGGER ALL"); // no foreign keys to check: a batch is half as long
  await lock.query("BEGIN; LOCK TABLE simulation_runs IN SHARE MODE");
  const args = ["seed", "--datasets", "100", "--runs", "1000", "--simulations", "9000000"];
  return { database, lock, command: run(args, { env: { DATABASE_URL: database.url }, outlivesTest: true }) };
}

test("the demo is the same in every database, ids and timestamps included, and seeding it again changes nothing", async () => {
  const other = await emptyDatabase();
  expect(await loadDemo(other.url)).toBe(true);
  const first = await contents(demo);
  expect(first.length).toBeGreaterThan(500);
  expect(await contents(other)).toEqual(first);

  await seed(other);
  expect(await loadDemo(other.url)).toBe(false);
  expect(await contents(other)).toEqual(first);
});

test("seeding again brings back what was deleted of the demo, and leaves what was changed", async () => {
  const database = await emptyDatabase();
  await seed(database);
  await database.query("UPDATE stage1_datasets SET source = 'changed' WHERE dataset_slug = 'btc25_2'");
  const before = await contents(database);
  await database.query("DELETE FROM walkforward_folds WHERE fold_number > 3");
  await seed(database);
  expect(await contents(database)).toEqual(before);
});

test("the demo covers three symbols, two granularities, and every case that a window must show", async () => {
  const [cases] = await demo.query(`
    SELECT count(*) >= 8 AS eight_datasets, count(DISTINCT symbol) AS symbols, count(DISTINCT granularity) AS granularities,
           count(*) FILTER (WHERE ohlcv_measurement = '') AS without_ohlcv,
           count(*) FILTER (WHERE run_count = 0) AS without_runs FROM dataset_catalog`);
  expect(cases).toEqual({ eight_datasets: true, symbols: 3, granularities: 2, without_ohlcv: 1, without_runs: 1 });

  const outcomes = await demo.query(`
    SELECT status, bool_and(completed_at IS NULL) AS open, bool_and(summary_metrics = '{}') AS no_summary
    FROM walkforward_runs GROUP BY status ORDER BY status`);
  expect(outcomes).toEqual([
    { status: "COMPLETED", open: false, no_summary: false },
    { status: "FAILED", open: false, no_summary: false },
    { status: "INCOMPLETE", open: false, no_summary: false },
    { status: "QUEUED", open: true, no_summary: true },
    { status: "RUNNING", open: true, no_summary: true },
  ]);

  const folds = await demo.query<{ count: number }>(`
    SELECT count(*) FROM walkforward_folds JOIN walkforward_runs USING (run_id) WHERE status = 'COMPLETED'
    GROUP BY run_id ORDER BY 1 DESC`);
  expect(folds.map(({ count }) => count)).toEqual([312, 24, 18, 16, 12, 10, 8, 6, 6]);
  const configs = await demo.query<{ text: string }>(`
    SELECT serialized_config AS text FROM walkforward_runs UNION ALL SELECT serialized_config FROM simulation_runs`);
  for (const { text } of configs) {
    for (const character of ["\n", ";", "'", '"']) expect(text).toContain(character);
  }
});

test("the realistic pair is as the desktop has it", async () => {
  const pair = await demo.query(`
    SELECT dataset_slug, symbol, d.granularity, ohlcv_row_count, indicator_first_ts, prediction_measurement, target_column,
           feature_columns, duration_ms, walk_config, r.summary_metrics, questdb_namespace, mode, s.summary_metrics AS sums,
           (SELECT count(*) FROM walkforward_folds f WHERE f.run_id = r.run_id) AS folds
    FROM stage1_datasets d JOIN walkforward_runs r USING (dataset_id) JOIN simulation_runs s USING (run_id)
    WHERE dataset_slug IN ('btc25_1', 'eth25_1') ORDER BY dataset_slug`);
  const walk = {
    ...{ train_size: 5000, test_size: 500, train_test_gap: 4, fold_step: 500 },
    ...{ start_fold: 0, end_fold: -1, initial_offset: 240 },
  };
  expect(pair).toEqual([
    {
      ...{ dataset_slug: "btc25_1", symbol: "BTCUSDT", granularity: "4h", ohlcv_row_count: 4320 },
      ...{ indicator_first_ts: "2025-01-01 00:00:00+00", prediction_measurement: "btc25_run1", target_column: "Close" },
      ...{ feature_columns: ["hma_55", "rsi_14"], duration_ms: 465_000, walk_config: walk, folds: 6 },
      summary_metrics: expect.objectContaining({
        folds: 6,
        pf_dual: 1.657,
        total_signals: 39,
        roc_auc: 0.71,
        f1: 0.62,
      }),
      ...{ questdb_namespace: "btc25_sim1", mode: "dual" },
      sums: expect.objectContaining({ total_return_pct: 8.2, max_drawdown_pct: 3.1, total_trades: 13 }),
    },
    {
      ...{ dataset_slug: "eth25_1", symbol: "ETHUSDT", granularity: "1h", ohlcv_row_count: 8640 },
      ...{ indicator_first_ts: "2025-01-15 00:00:00+00", prediction_measurement: "eth25_run1", target_column: "Close" },
      ...{ feature_columns: ["hma_55", "rsi_14", "atr_14"], duration_ms: 560_000, walk_config: walk, folds: 6 },
      summary_metrics: expect.objectContaining({ folds: 6, roc_auc: 0.74, f1: 0.64 }),
      ...{ questdb_namespace: "eth25_sim1", mode: "long" },
      sums: expect.objectContaining({ total_return_pct: 9.5, max_drawdown_pct: 2.8, total_trades: 12 }),
    },
  ]);
});

test("each bucket sums up the trades of its side, and one has no loss", async () => {
  const wrong = await demo.query(`
    SELECT b.*, t.* FROM simulation_trade_buckets b
    CROSS JOIN LATERAL (
      SELECT count(*) AS trades, count(*) FILTER (WHERE pnl > 0) AS wins, coalesce(sum(return_pct), 0) AS total,
             coalesce(coalesce(sum(pnl) FILTER (WHERE pnl > 0), 0) / nullif(-sum(pnl) FILTER (WHERE pnl < 0), 0),
                      CASE WHEN count(pnl) > 0 THEN 999 ELSE 0 END) AS factor
      FROM simulation_trades t WHERE t.simulation_id = b.simulation_id AND b.side IN ('dual', t.side)) t
    WHERE (trade_count, win_count) <> (trades, wins) OR max_drawdown_pct < 0
       OR abs(avg_return_pct - total) > 0.0001 OR abs(profit_factor - factor) > 0.0001`);
  expect(wrong).toEqual([]);
  const sides = await demo.query(`
    SELECT DISTINCT (SELECT string_agg(side, ' ' ORDER BY side) FROM simulation_trade_buckets b
                           WHERE b.simulation_id = s.simulation_id) AS sides
    FROM simulation_runs s WHERE status = 'COMPLETED'`);
  expect(sides).toEqual([{ sides: "dual long short" }]);
  const endless = await demo.query("SELECT side FROM simulation_trade_buckets WHERE profit_factor = 999 ORDER BY side");
  expect(endless).toEqual([{ side: "dual" }, { side: "long" }]);
});

test("the demo contradicts itself nowhere", async () => {
  const rules = {
    "a timestamp is after the one that ends it": `
      SELECT FROM stage1_datasets WHERE ohlcv_first_ts > ohlcv_last_ts OR indicator_first_ts > indicator_last_ts
         OR created_at > updated_at`,
    "a half that is not exported has rows, or one that is has none": `
      SELECT FROM stage1_datasets WHERE (ohlcv_measurement = '') <> (ohlcv_row_count = 0)
         OR (ohlcv_measurement = '') <> (ohlcv_first_ts IS NULL) OR indicator_row_count = 0`,
    "a duration is not the time between start and end": `
      SELECT FROM walkforward_runs WHERE duration_ms <> extract(epoch FROM completed_at - started_at) * 1000
         OR started_at < created_at`,
    "a simulation is older than its run's end, or of another dataset": `
      SELECT FROM simulation_runs s JOIN walkforward_runs r USING (run_id)
      WHERE s.created_at < r.completed_at OR s.dataset_id <> r.dataset_id OR input_run_measurement <> prediction_measurement`,
    "a window does not follow from walk_config": `
      SELECT FROM walkforward_folds JOIN walkforward_runs USING (run_id),
        jsonb_to_record(walk_config) AS w (
          train_size int, test_size int, train_test_gap int, fold_step int, start_fold int, initial_offset int)
      WHERE (train_start_idx, train_end_idx, test_start_idx, test_end_idx, samples_train, samples_test)
         <> (initial_offset + fold_number * fold_step, train_start_idx + train_size, train_end_idx + train_test_gap,
             test_start_idx + test_size, train_size, test_size)`,
    "folds are not numbered from 0 without a gap, or are not as many as the run says": `
      SELECT FROM walkforward_runs r
      JOIN (SELECT run_id, count(*), min(fold_number), max(fold_number) FROM walkforward_folds GROUP BY run_id) f USING (run_id)
      WHERE min <> 0 OR max <> count - 1
         OR status IN ('COMPLETED', 'INCOMPLETE') AND (summary_metrics -> 'folds')::int IS DISTINCT FROM count`,
    "a fold's metrics contradict each other, or a running sum does not add them up": `
      SELECT FROM (
        SELECT m.*, sum(signal_sum) OVER so_far AS long_so_far, sum(short_signal_sum) OVER so_far AS short_so_far
        FROM walkforward_folds,
          jsonb_to_record(metrics) AS m (
            n_signals int, n_short_signals int, hit_rate numeric, short_hit_rate numeric, sum_wins numeric, sum_losses numeric,
            sum_short_wins numeric, sum_short_losses numeric, signal_sum numeric, short_signal_sum numeric,
            profit_factor_test numeric, profit_factor_short_test numeric,
            running_sum numeric, running_sum_short numeric, running_sum_dual numeric)
        WINDOW so_far AS (PARTITION BY run_id ORDER BY fold_number)) f
      WHERE (signal_sum, short_signal_sum) <> (sum_wins - sum_losses, sum_short_wins - sum_short_losses)
         OR (running_sum, running_sum_short, running_sum_dual) <> (long_so_far, short_so_far, long_so_far + short_so_far)
         OR abs(hit_rate * n_signals - round(hit_rate * n_signals)) > 0.0001
         OR abs(short_hit_rate * n_short_signals - round(short_hit_rate * n_short_signals)) > 0.0001
         OR (n_signals = 0) <> (sum_wins + sum_losses = 0) OR (n_short_signals = 0) <> (sum_short_wins + sum_short_losses = 0)
         OR abs(profit_factor_test * sum_losses - sum_wins) > 0.01 AND profit_factor_test <> 999
         OR abs(profit_factor_short_test * sum_short_losses - sum_short_wins) > 0.01 AND profit_factor_short_test <> 999`,
    "a run's summary does not follow from its folds": `
      SELECT FROM walkforward_runs r
      JOIN (
        SELECT run_id, sum(n_signals) AS long, sum(n_short_signals) AS short,
               sum(hit_rate * n_signals + short_hit_rate * n_short_signals) AS hits, sum(sum_wins) AS wins, sum(sum_losses) AS losses,
               sum(sum_short_wins) AS short_wins, sum(sum_short_losses) AS short_losses
        FROM walkforward_folds,
          jsonb_to_record(metrics) AS m (
            n_signals int, n_short_signals int, hit_rate numeric, short_hit_rate numeric,
            sum_wins numeric, sum_losses numeric, sum_short_wins numeric, sum_short_losses numeric)
        GROUP BY run_id) f USING (run_id),
        jsonb_to_record(r.summary_metrics) AS c (
          total_signals int, pf_dual numeric, pf_long numeric, pf_short numeric, hit_rate_overall numeric, total_profit_factor numeric)
      WHERE c.total_signals <> long + short OR c.total_profit_factor <> c.pf_dual
         OR abs(c.hit_rate_overall - hits / (long + short)) > 0.0001
         OR abs(c.pf_long - wins / losses) > 0.0001 OR abs(c.pf_short - short_wins / short_losses) > 0.0001
         OR abs(c.pf_dual - (wins + short_wins) / (losses + short_losses)) > 0.0001`,
    "a simulation counts other trades than are stored": `
      SELECT FROM simulation_runs s,
        LATERAL (SELECT count(*) AS trades, count(*) FILTER (WHERE pnl > 0) AS wins
                 FROM simulation_trades t WHERE t.simulation_id = s.simulation_id) t
      WHERE status = 'COMPLETED' AND (summary_metrics -> 'total_trades', summary_metrics -> 'winning_trades')
        IS DISTINCT FROM (to_jsonb(trades), to_jsonb(wins))`,
    "a trade is of no fold of its run, or its signal is on the wrong side of the fold's threshold": `
      SELECT FROM simulation_trades t JOIN simulation_runs USING (simulation_id)
      LEFT JOIN walkforward_folds f ON f.run_id = simulation_runs.run_id AND f.fold_number = (t.metadata -> 'fold')::int
      WHERE f.run_id IS NULL OR NOT CASE side
        WHEN 'long' THEN (metadata -> 'entry_signal')::numeric > (thresholds -> 'long_optimal')::numeric
        ELSE (metadata -> 'entry_signal')::numeric < (thresholds -> 'short_optimal')::numeric END`,
    "a trade is outside the test window of its fold (but for the first two datasets, which tell fewer rows than they walk over)": `
      SELECT FROM simulation_trades t JOIN simulation_runs s USING (simulation_id) JOIN stage1_datasets d USING (dataset_id)
      JOIN walkforward_folds f ON f.run_id = s.run_id AND f.fold_number = (t.metadata -> 'fold')::int
      WHERE dataset_slug NOT IN ('btc25_1', 'eth25_1') AND NOT bar_timestamp
        BETWEEN indicator_first_ts + test_start_idx * d.granularity::interval
            AND indicator_first_ts + (test_end_idx - 1) * d.granularity::interval`,
    "a trade is outside its dataset's time": `
      SELECT FROM simulation_trades JOIN simulation_runs USING (simulation_id) JOIN stage1_datasets USING (dataset_id)
      WHERE bar_timestamp NOT BETWEEN indicator_first_ts AND indicator_last_ts`,
    "a pnl does not follow from the prices": `
      SELECT FROM simulation_trades
      WHERE abs(pnl - size * (exit_price - entry_price) * CASE side WHEN 'long' THEN 1 ELSE -1 END) > 0.001`,
  };
  const broken: string[] = [];
  for (const [rule, offenders] of Object.entries(rules)) {
    if ((await demo.query(offenders)).length > 0) broken.push(rule);
  }
  expect(broken).toEqual([]);
});

test("a database with other rows is refused, and with --force it is seeded beside them", async () => {
  const database = await emptyDatabase();
  await database.query(
    "INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement) VALUES (gen_random_uuid(), 'mine', '', '')",
  );
  const before = await contents(database);
  await expect(seed(database)).rejects.toThrow(/holds other rows \(1 dataset, 0 runs, 0 simulations\).*--force/);
  await expect(seed(database, { datasets: "1" })).rejects.toThrow(/holds other rows/);
  expect(await loadDemo(database.url)).toBe(false);
  expect(await contents(database)).toEqual(before);

  await seed(database, { force: true });
  expect(await contents(database)).toEqual(expect.arrayContaining([...before, ...(await contents(demo))]));
});

test("a name of the demo's that another row holds is named, and nothing is inserted", async () => {
  const database = await emptyDatabase();
  await database.query(
    "INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement) VALUES (gen_random_uuid(), 'btc25_3', '', '')",
  );
  await expect(seed(database, { force: true })).rejects.toThrow(/has a name of the seed's \(btc25_3\): rename it/);
  expect(await counts(database)).toEqual({ datasets: 1, runs: 0, simulations: 0 });
});

test("a configured database that is not migrated is refused with the command that mends it", async () => {
  await expect(seed(await emptyDatabase("empty"))).rejects.toThrow(/schema is behind.*`npm run migrate`/);
});

test("a large lineage has exactly so many rows, spread evenly, beside the demo", async () => {
  const database = await emptyDatabase();
  await seed(database);
  await seed(database, { datasets: "30", runs: "100", simulations: "399" });
  const [spread] = await database.query(`
    SELECT count(DISTINCT dataset_id) AS datasets, count(*) AS runs, sum(sims)::int AS simulations, min(sims), max(sims),
           (SELECT array_agg(DISTINCT run_count ORDER BY run_count) FROM dataset_catalog WHERE dataset_slug LIKE 'load%') AS per_dataset
    FROM (SELECT r.dataset_id, (SELECT count(*) FROM simulation_runs s WHERE (s.run_id, s.dataset_id) = (r.run_id, r.dataset_id)) AS sims
          FROM walkforward_runs r WHERE requested_by = 'load') AS runs`);
  expect(spread).toEqual({
    datasets: 30,
    runs: 100,
    simulations: 399,
    min: 3,
    max: 4,
    per_dataset: ["3", "4"],
  });

  const before = await contents(database);
  await seed(database, { datasets: "30", runs: "100", simulations: "399", force: true });
  expect(await contents(database)).toEqual(before);
});

test("runs default to 10 for each dataset and simulations to 5 for each run", async () => {
  const database = await emptyDatabase();
  await seed(database, { datasets: "2" });
  expect(await counts(database)).toEqual({ datasets: 2, runs: 20, simulations: 100 });
});

test.each([
  [{ datasets: "-1" }, /--datasets must be a whole number/],
  [{ datasets: "3", runs: "1e3" }, /--runs must be a whole number/],
  [{ datasets: "3", simulations: "" }, /--simulations must be a whole number/],
  [{ runs: "10" }, /A run belongs to a dataset: give --datasets/],
  [{ datasets: "3", runs: "0", simulations: "1" }, /A simulation belongs to a run: give --datasets and --runs/],
])("%j is refused before anything is opened", async (flags, message) => {
  await expect(seed({ ...demo, url: "postgres://nobody@127.0.0.1:1/none" }, flags)).rejects.toThrow(message);
});

test("Ctrl-C ends a large seed with whole batches in the database, and what to do", async () => {
  const { database, lock, command } = large;
  await lock.query("COMMIT");
  await command.waitFor(/^Seeding: \d{5,} of 9001100 rows/m); // so many that there are simulations
  command.kill("SIGINT");
  expect(await command.exit).toEqual({ code: 1, signal: null });
  expect(command.output()).toMatch(/^stage1-lineage: Stopped before the end\. .* --force .*$/m);
  const [left] = await database.query<{ sims: number }>("SELECT count(*) AS sims FROM simulation_runs");
  expect(left?.sims).toBeGreaterThan(0);
  expect((left?.sims ?? 0) % 20_000).toBe(0);
});

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { validate } from "../../src/domain/checks.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { insertRow, upsert } from "./rows.ts";

let database: TestDatabase;
const dataset_id = randomUUID();
beforeAll(async () => {
  database = await createDatabase();
  await upsert(database, {
    dataset_id,
    dataset_slug: "d",
    ohlcv_measurement: "d_ohlcv",
    indicator_measurement: "d_ind",
  });
});
afterAll(() => database.drop());

/** A run with folds of these numbers. */
async function insertRun(folds: readonly number[], values: Record<string, unknown>): Promise<string> {
  const run_id = randomUUID();
  await insertRow(database, "walkforward_runs", { run_id, dataset_id, prediction_measurement: run_id, ...values });
  await database.query(
    `INSERT INTO walkforward_folds (run_id, fold_number, train_start_idx, train_end_idx, test_start_idx, test_end_idx,
                                    samples_train, samples_test, thresholds, metrics)
     SELECT $1, number, 0, 650, 654, 669, 520, 15, '{}', '{}' FROM unnest($2::int[]) AS number`,
    [run_id, folds],
  );
  return run_id;
}

async function insertSimulation(run_id: string, values: Record<string, unknown>): Promise<string> {
  const simulation_id = randomUUID();
  const own = { simulation_id, run_id, dataset_id, input_run_measurement: run_id, questdb_namespace: simulation_id };
  await insertRow(database, "simulation_runs", { ...own, ...values });
  return simulation_id;
}

const insertTrades = (simulation: string, side: string, metadata: readonly string[]) =>
  database.query(
    `INSERT INTO simulation_trades (trade_id, simulation_id, bar_timestamp, side, size, entry_price, pnl, metadata)
     SELECT gen_random_uuid(), $1, '2025-01-01', $2, 1, 100, 1, m::jsonb FROM unnest($3::text[]) AS m`,
    [simulation, side, metadata],
  );

/** The rows that a check finds, all of them, by this id. */
async function found(check: string, id: string): Promise<unknown[]> {
  const { checks } = await validate(database);
  const { count, sample = [] } = checks.find(({ name }) => name === check) ?? {};
  expect(count, "as many as are shown").toBe(sample.length);
  return sample.map((row) => row[id]);
}

const numbers = (count: number, first = 0): number[] => Array.from({ length: count }, (_, i) => first + i);

test("stage1_claimed_folds reads every form of a number, and nothing else", async () => {
  const forms: [string | null, number | null][] = [
    ...['{"folds": 312}', '{"folds": 312.0}', '{"folds": 3.12e2}', '{"folds": 31200e-2}'].map(claims312),
    ...['{"folds": "312"}', '{"folds": " 312.00 "}', '{"folds": "3.12E+2"}', '"{\\"folds\\": 312}"'].map(claims312),
    ['{"folds": 0}', 0],
    ['{"folds": 2147483648}', 2_147_483_648],
    ...['{"folds": -1}', '{"folds": 1.5}', '{"folds": 1e400}', '{"folds": "1e400"}', '{"folds": "1e99"}'].map(nothing),
    ...['{"folds": "abc"}', '{"folds": ""}', '{"folds": true}', '{"folds": null}', '{"folds": {}}'].map(nothing),
    ...[
      '{"folds": [312]}',
      '{"folds": "NaN"}',
      `{"folds": "${"9".repeat(5000)}"}`,
      `{"folds": ${"9".repeat(5000)}}`,
    ].map(nothing),
    ...["{}", "null", "[]", "312", '"312"', '"{"', null].map(nothing),
  ];
  const claimed = await database.query<{ folds: number | null }>(
    "SELECT stage1_claimed_folds(m::jsonb) AS folds FROM unnest($1::text[]) WITH ORDINALITY AS u (m, n) ORDER BY n",
    [forms.map(([text]) => text)],
  );
  expect(claimed.map(({ folds }, i) => [forms[i]?.[0], folds])).toEqual(forms);
});

function claims312(text: string): [string, number] {
  return [text, 312];
}

function nothing(text: string | null): [string | null, null] {
  return [text, null];
}

test("of 312 claimed folds, 0, 130, 162 and 196 stored ones are errors, whatever the status, unless on its way", async () => {
  const claim = { summary_metrics: '{"folds": 312}' };
  const lost: string[] = [];
  for (const status of ["COMPLETED", "FAILED", "CANCELLED", "INCOMPLETE", "Done", ""]) {
    lost.push(await insertRun(numbers(130), { ...claim, status }));
    expect((await found("folds_with_gaps", "run_id")).toSorted()).toEqual(lost.toSorted());
    await database.query("DELETE FROM walkforward_folds WHERE run_id = $1", [lost[0]]);
    expect(await found("completed_runs_without_folds", "run_id")).toEqual(lost.splice(0));
    await database.query("DELETE FROM walkforward_runs");
  }
  for (const status of ["pending", "QUEUED", " RUNNING "]) {
    for (const stored of [0, 130]) await insertRun(numbers(stored), { ...claim, status });
  }
  // Sound: all of them, from 0, from 1, or from where the configuration begins.
  await insertRun(numbers(312), claim);
  await insertRun(numbers(312, 1), { summary_metrics: '"{\\"folds\\": \\"312\\"}"' });
  await insertRun(numbers(12, 300), { summary_metrics: '{"folds": 12}', walk_config: '{"start_fold": 300}' });
  expect(await found("folds_with_gaps", "run_id")).toEqual([]);
  expect(await found("completed_runs_without_folds", "run_id")).toEqual([]);

  const bad = [
    await insertRun(numbers(162), { summary_metrics: '{"folds": "3.12e2"}' }),
    await insertRun(numbers(196), { summary_metrics: '"{\\"folds\\": 312.0}"' }),
    await insertRun(numbers(313), claim),
    await insertRun(numbers(12, 300), { summary_metrics: '{"folds": 12}' }),
    await insertRun([...numbers(100), ...numbers(100, 101)], {}),
  ];
  expect((await found("folds_with_gaps", "run_id")).toSorted()).toEqual(bad.toSorted());
  await database.query("DELETE FROM walkforward_runs");
});

test("trades of another run's simulation are found by their folds, their number and their input", async () => {
  const run = await insertRun(numbers(3), { summary_metrics: '{"folds": 3}' });
  const other = await insertRun([], {});
  const lossy = await insertRun(numbers(1), { summary_metrics: '{"folds": 3}' });
  const late = await insertRun([], {});
  await database.query("SELECT stage1_mark_placeholder('run', $1)", [late]);
  const nameless = await insertRun([], {});
  await database.query("UPDATE walkforward_runs SET prediction_measurement = 'run_' || run_id WHERE run_id = $1", [
    nameless,
  ]);
  const folds = (...of: unknown[]) => of.map((fold) => JSON.stringify({ fold, entry_signal: 1.5 }));

  // Sound, or not known to be otherwise.
  const sound = await insertSimulation(run, { summary_metrics: '{"total_trades": 4}' });
  await insertTrades(sound, "long", [...folds(0, "2", 1.0), "{}"]);
  await insertTrades(await insertSimulation(other, {}), "long", folds(99));
  await insertTrades(await insertSimulation(lossy, {}), "long", folds(2, 99));
  await insertTrades(await insertSimulation(run, {}), "short", [...folds(null, "x", -1, 1.5, 1e300), "[]", '"{}"']);
  await insertSimulation(late, { input_run_measurement: "its own name is not known yet" });
  await insertSimulation(nameless, { input_run_measurement: "nor this one's" });
  await insertSimulation(run, { input_run_measurement: run.toUpperCase() });
  await insertSimulation(run, { input_run_measurement: "" });
  expect(await found("trades_beside_another_run", "simulation_id")).toEqual([]);

  const mixed = [
    await insertSimulation(run, {}),
    await insertSimulation(run, {}),
    await insertSimulation(run, { summary_metrics: '"{\\"total_trades\\": \\"1\\"}"' }),
    await insertSimulation(run, { input_run_measurement: other }),
  ];
  await insertTrades(mixed[0] ?? "", "long", folds(0, 3));
  await insertTrades(mixed[1] ?? "", "long", ['"{\\"fold\\": 3}"']);
  await insertTrades(mixed[2] ?? "", "long", folds(0, 1));
  expect((await found("trades_beside_another_run", "simulation_id")).toSorted()).toEqual(mixed.toSorted());
});

test("a bucket of both sides counts all trades, by any of its words", async () => {
  // A database that was there before may lack the check on the words, or have one of another list.
  await database.query(
    "ALTER TABLE simulation_trade_buckets DROP CONSTRAINT IF EXISTS simulation_trade_buckets_side_check",
  );
  const run = await insertRun([], {});
  const simulations: string[] = [];
  for (const [trades, wins] of [
    [3, 3],
    [2, 2],
  ]) {
    const simulation = await insertSimulation(run, {});
    await insertTrades(simulation, "long", ["{}", "{}"]);
    await insertTrades(simulation, "short", ["{}"]);
    for (const side of ["dual", "DUAL", "both", "Both", "all", "ALL"]) {
      await insertRow(database, "simulation_trade_buckets", {
        simulation_id: simulation,
        side,
        trade_count: trades,
        win_count: wins,
      });
    }
    for (const [side, count] of [
      ["long", 2],
      ["Short", 1],
      ["another word", 99],
    ]) {
      const bucket = { simulation_id: simulation, side, trade_count: count, win_count: count };
      await insertRow(database, "simulation_trade_buckets", bucket);
    }
    simulations.push(simulation);
  }
  const { checks } = await validate(database);
  const { count, sample } = checks.find(({ name }) => name === "buckets_at_odds_with_trades") ?? {};
  expect(count).toBe(6);
  expect(new Set(sample?.map((row) => row["simulation_id"]))).toEqual(new Set(simulations.slice(1)));
  expect(sample?.[0]).toMatchObject({ trade_count: 2, trades: 3, least_wins: 3 });
});

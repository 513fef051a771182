import { appendFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { messageOf } from "../../src/errors.ts";
import { until } from "../commands/cli.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { hasRealSpool, realSpoolText, SPOOLS, shuffled, spoolText, statementsOf } from "./generations.ts";
import { contents, counts, empty, Spool } from "./spools.ts";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer(database);
});
beforeEach(() => empty(database));
afterAll(async () => {
  await server.close();
  await database.drop();
});

const id = (kind: string, n: number | string) => `${kind}1000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** A spool of this text. */
async function spoolOf(text: string): Promise<Spool> {
  const spool = await Spool.of();
  await writeFile(spool.path, text);
  return spool;
}

test.each(SPOOLS)(
  "%s: every statement is written, with either end of lines, and the second time nothing changes",
  async (name) => {
    const text = spoolText(name);
    const spool = await spoolOf(text);
    expect(await spool.replay(database)).toBe(true);
    expect(spool.said[0]).toContain(`: ${statementsOf(text).length} statements written, 0 rejected.`);
    const unix = await contents(database);
    expect(await spool.replay(database, { again: true })).toBe(true);
    expect(await contents(database)).toEqual(unix);

    await empty(database);
    expect(await (await spoolOf(text.replaceAll("\n", "\r\n"))).replay(database)).toBe(true);
    expect(JSON.parse(JSON.stringify(await contents(database)).replaceAll("\\r\\n", "\\n"))).toEqual(
      JSON.parse(JSON.stringify(unix)),
    );
  },
);

test("three generations in one file, in any order of its statements, are written whole", async () => {
  const statements = ["gen1", "gen2", "gen3", "odd"].flatMap((name) => statementsOf(spoolText(name as "gen1")));
  const inOrder = await spoolOf(statements.join("\n"));
  expect(await inOrder.replay(database)).toBe(true);
  // Who wrote first is in the metadata.
  const found = async () => {
    const { stage1_datasets = [], ...rest } = await contents(database);
    return { ...rest, stage1_datasets: stage1_datasets.map((row) => ({ ...(row as object), metadata: null })) };
  };
  const wanted = await found();
  expect(await counts(database)).toMatchObject({
    stage1_datasets: 4,
    datasets: 1,
    indicator_datasets: 3,
    walkforward_runs: 4,
  });
  for (const seed of [1, 2, 3, 4]) {
    await empty(database);
    const spool = await spoolOf(shuffled(statements, seed).join("\n"));
    expect(await spool.replay(database)).toBe(true);
    expect(spool.said).toEqual([expect.stringContaining(`${statements.length} statements written, 0 rejected.`)]);
    expect(await found()).toEqual(wanted);
    expect(await database.query("SELECT FROM stage1_placeholders WHERE filled_at IS NULL")).toEqual([]);
  }
});

// Where the data is not at hand, the spools above stand for it.
test.runIf(hasRealSpool)("the desktop's own spool is written whole, in any order of its statements", async () => {
  const statements = statementsOf(realSpoolText());
  expect(statements).toHaveLength(6100);
  for (const text of [realSpoolText(), shuffled(statements, 7).join("\n")]) {
    await empty(database);
    const spool = await spoolOf(text);
    expect(await spool.replay(database)).toBe(true);
    expect(spool.said).toEqual([
      expect.stringContaining("6100 statements written, 0 rejected."),
      expect.stringContaining("placeholders made for what no statement describes: 11 datasets, 2 runs."),
    ]);
    expect(await counts(database)).toEqual({
      stage1_datasets: 12, // that of indicator_datasets, and a placeholder for each that runs name
      datasets: 0,
      indicator_datasets: 1,
      walkforward_runs: 10 + 2,
      walkforward_folds: 4056,
      simulation_runs: 3,
      simulation_trade_buckets: 9,
      simulation_trades: 2021,
    });
  }
});

describe("what generation 3 writes", () => {
  test("is in the API: the manifest, the times and best results of folds, a dual bucket", async () => {
    const text = spoolText("gen3").replace(
      "NULL, NULL, NULL, NULL, 650",
      "1688169600000, 1690509600000, NULL, 1690596000001, 650",
    );
    expect(await (await spoolOf(text)).replay(database)).toBe(true);
    const { dataset } = await server.data<{ dataset: unknown }>(`{ dataset(by: { datasetSlug: "alpha_3" }) {
      symbol source ohlcvMeasurement indicatorMeasurement ohlcvRowCount indicatorRowCount ohlcvFirstTs ohlcvLastTs indicatorFirstTs
      isPlaceholder barIntervalMs lookbackRows manifest
      runs { nodes { predictionMeasurement isPlaceholder
        folds { bestIteration bestScore trainStartTs trainEndTs testStartTs testEndTs }
        simulations { nodes { isPlaceholder buckets { side } } } } } } }`);
    expect(dataset).toEqual({
      symbol: "alpha_3", // nothing better is known
      source: "laptop_imgui",
      ohlcvMeasurement: "alpha_3_ohlcv",
      indicatorMeasurement: "alpha_3_ind",
      ohlcvRowCount: 679,
      indicatorRowCount: 631,
      ohlcvFirstTs: "2023-07-01T00:00:00Z",
      ohlcvLastTs: "2024-12-26T04:00:00Z",
      indicatorFirstTs: "2023-07-03T00:00:00Z",
      isPlaceholder: false,
      barIntervalMs: 3_600_000,
      lookbackRows: 48,
      manifest: expect.objectContaining({ version: 1, ohlcv_rows: 679, exported_at: "2025-11-12T00:05:18Z" }),
      runs: {
        nodes: [
          {
            predictionMeasurement: "alpha_3_wf1",
            isPlaceholder: false,
            folds: [
              {
                ...{ bestIteration: 117, bestScore: 0.001105, trainStartTs: "2023-07-01T00:00:00Z" },
                ...{ trainEndTs: "2023-07-28T02:00:00Z", testStartTs: null, testEndTs: "2023-07-29T02:00:00.001Z" },
              },
              {
                ...{ bestIteration: 117, bestScore: 0.001105, trainStartTs: null },
                ...{ trainEndTs: null, testStartTs: null, testEndTs: null },
              },
            ],
            simulations: {
              nodes: [{ isPlaceholder: false, buckets: [{ side: "ALL" }, { side: "LONG" }, { side: "SHORT" }] }],
            },
          },
        ],
      },
    });
  });

  test("names a dataset's tables where the manifest does not, and takes the manifest as far as it goes", async () => {
    const text = spoolText("gen3").replace(/'\{\s+"bar_interval_ms"[\s\S]*?\}'::jsonb/, "NULL");
    expect(await (await spoolOf(text)).replay(database)).toBe(true);
    expect(await database.query("SELECT * FROM stage1_datasets")).toMatchObject([
      {
        dataset_slug: "alpha_3",
        ohlcv_measurement: "alpha_3_ohlcv",
        indicator_measurement: "alpha_3_ind",
        ohlcv_row_count: 0,
        ohlcv_first_ts: "2023-07-01 00:00:00+00",
        ohlcv_last_ts: null,
      },
    ]);
    expect(await server.data('{ dataset(by: { datasetSlug: "alpha_3" }) { manifest } }')).toEqual({
      dataset: { manifest: null },
    });
  });

  test("two runs with one prediction table's name are both kept: the second is called by its id", async () => {
    const again = spoolText("gen3").replaceAll(id("b", 3), id("b", 33)).replaceAll(id("c", 3), id("c", 33));
    const text =
      spoolText("gen3") + again.replaceAll("alpha_3_sim1", "alpha_3_sim2").replaceAll(id("d", 3), id("d", 33));
    expect(await (await spoolOf(text)).replay(database)).toBe(true);
    expect(await database.query("SELECT prediction_measurement FROM walkforward_runs ORDER BY run_id")).toEqual([
      { prediction_measurement: "alpha_3_wf1" },
      { prediction_measurement: `run_${id("b", 33)}` },
    ]);
  });
});

test("the call of upsert_stage1_dataset is replayed with literals, and no other call", async () => {
  const call = statementsOf(spoolText("gen2")).find((statement) => statement.includes("SELECT")) ?? "";
  const refused = {
    "SELECT upsert_stage1_dataset('a1000000-0000-4000-8000-000000000002');": /takes 14 values, but here are 1/,
    [call.replace("679", "pg_sleep(0)")]: /value 8 of upsert_stage1_dataset is not a plain one/,
    [call.replace(");", ") FROM walkforward_runs;")]: /^SELECT: only/,
    [call.replace("upsert_stage1_dataset", "patch_stage1_dataset")]: /^SELECT: only/,
    [call.replace("upsert_stage1_dataset", "other.upsert_stage1_dataset")]: /^SELECT: only/,
    "SELECT setval('stage1_audit_audit_id_seq', 1);": /^SELECT: only/,
  };
  for (const [statement, reason] of Object.entries(refused)) {
    const spool = await spoolOf(`${statement}\n`);
    expect(await spool.replay(database)).toBe(false);
    const [found = ""] = Object.values(spool.reasons);
    expect(found.replace(/^dataset \S+: /, "")).toMatch(reason);
    expect(await counts(database)).toMatchObject({ stage1_datasets: 0 });
  }
  // Half written, in the middle and at the end.
  const half = call.slice(0, call.indexOf("'alpha_2_ohlcv'") + 5);
  const spool = await spoolOf(`${half}\n${spoolText("gen2")}\n${half}`);
  expect(await spool.replay(database)).toBe(false);
  expect(Object.values(spool.reasons)).toEqual([expect.stringContaining("it is half written")]);
  expect(spool.said).toContainEqual(
    expect.stringMatching(/the last statement \(stage1_datasets\), on line \d+, is half written/),
  );
  expect(await counts(database)).toMatchObject({ stage1_datasets: 1, walkforward_folds: 2, simulation_trades: 1 });
});

describe("missing parents", () => {
  const statements = statementsOf(spoolText("gen1"));
  const [dataset = "", run = "", ...others] = statements;
  const simulation = others.find((statement) => statement.includes("INTO simulation_runs")) ?? "";

  test("get placeholders, which the API and validation show, and which the real rows fill", async () => {
    const spool = await spoolOf(simulation);
    expect(await spool.replay(database)).toBe(true);
    expect(spool.said).toEqual([
      expect.stringContaining("1 statement written, 0 rejected."),
      expect.stringContaining("placeholders made for what no statement describes: 1 dataset, 1 run."),
    ]);
    const query = `{ simulations { nodes { isPlaceholder
      run { runId isPlaceholder status predictionMeasurement targetColumn featureColumns walkConfig dataset { datasetSlug isPlaceholder } } } } }`;
    expect(await server.data(query)).toEqual({
      simulations: {
        nodes: [
          {
            isPlaceholder: false,
            run: {
              ...{ runId: id("b", 1), isPlaceholder: true, status: "UNKNOWN", predictionMeasurement: "alpha_1_wf1" },
              ...{ targetColumn: "", featureColumns: [], walkConfig: {} },
              dataset: { datasetSlug: id("a", 1), isPlaceholder: true },
            },
          },
        ],
      },
    });
    // The run's ON CONFLICT sets neither its dataset nor its target: they are the placeholder's no longer all the same.
    await appendFile(spool.path, `\n${run}\n${dataset}`);
    expect(await spool.replay(database)).toBe(true);
    expect(await server.data(query)).toMatchObject({
      simulations: {
        nodes: [
          {
            run: {
              ...{ isPlaceholder: false, status: "COMPLETED", targetColumn: "TGT_115", featureColumns: ["F_A", "F_B"] },
              dataset: { datasetSlug: "alpha_1_ind", isPlaceholder: false },
            },
          },
        ],
      },
    });
    expect(await database.query("SELECT created_at FROM walkforward_runs")).toEqual([
      { created_at: "2025-11-03 08:52:48+00" },
    ]);
  });

  test("are filled by whoever writes the real row", async () => {
    await (await spoolOf(simulation)).replay(database);
    await database.query("SELECT patch_stage1_dataset($1)", [
      { dataset_id: id("a", 1), dataset_slug: "by_api", ohlcv_measurement: "o", indicator_measurement: "i" },
    ]);
    await database.query(run.slice(0, run.indexOf("ON CONFLICT"))); // a plain INSERT
    expect(await database.query("SELECT dataset_slug FROM stage1_datasets")).toEqual([{ dataset_slug: "by_api" }]);
    expect(await database.query("SELECT target_column FROM walkforward_runs")).toEqual([{ target_column: "TGT_115" }]);
    expect(await database.query("SELECT FROM stage1_placeholders WHERE filled_at IS NULL")).toEqual([]);
  });

  test("are filled by a mutation too, with what hangs on the placeholder", async () => {
    await (await spoolOf(simulation)).replay(database);
    const input = `{ datasetId: "${id("a", 1)}", datasetSlug: "by_api", ohlcvMeasurement: "o", indicatorMeasurement: "i" }`;
    const dataset = { datasetSlug: "by_api", isPlaceholder: false, runCount: 1 };
    expect(
      await server.data(
        "{ all: datasets { totalCount } whole: datasets(filter: { isComplete: true }) { totalCount } }",
      ),
    ).toEqual({ all: { totalCount: 1 }, whole: { totalCount: 0 } });
    expect(
      await server.data(`mutation { upsertDataset(input: ${input}) { userErrors { code }
        dataset { datasetSlug isPlaceholder runCount } } }`),
    ).toEqual({ upsertDataset: { userErrors: [], dataset } });
  });

  test("are a placeholder's name's end where a real run has the name", async () => {
    const other = run.replaceAll(id("b", 1), id("b", 9));
    await (await spoolOf(simulation)).replay(database);
    expect(await (await spoolOf(dataset + other)).replay(database)).toBe(true);
    expect(await database.query("SELECT run_id, prediction_measurement FROM walkforward_runs ORDER BY run_id")).toEqual(
      [
        { run_id: id("b", 1), prediction_measurement: `run_${id("b", 1)}` },
        { run_id: id("b", 9), prediction_measurement: "alpha_1_wf1" },
      ],
    );
  });

  test("reject what needs them with --no-placeholders", async () => {
    const spool = await spoolOf([run, simulation].join("\n"));
    expect(await spool.replay(database, { placeholders: false })).toBe(false);
    expect(spool.said[0]).toContain("0 statements written, 2 rejected.");
    expect(await counts(database)).toMatchObject({ stage1_datasets: 0, walkforward_runs: 0, simulation_runs: 0 });
  });

  test("are filled once: of two writers at the same moment, the second writes as into any stored row", async () => {
    await (await spoolOf(simulation)).replay(database);
    const [first, second] = await Promise.all([openClient(database.url), openClient(database.url)]);
    const insert = `INSERT INTO walkforward_runs (run_id, status, requested_by) VALUES ('${id("b", 1)}', $1, $2)`;
    try {
      await first.query("BEGIN");
      await first.query(insert, ["COMPLETED", "first"]);
      const { rows } = await second.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      const written = second
        .query(`${insert} ON CONFLICT (run_id) DO UPDATE SET status = EXCLUDED.status`, ["FAILED", "second"])
        .catch(messageOf);
      await until(async () => {
        return (await database.query("SELECT FROM pg_locks WHERE NOT granted AND pid = $1", [rows[0]?.pid])).length > 0;
      });
      await first.query("COMMIT");
      expect(await written).toMatchObject({ rowCount: 1 });
      await expect(second.query(insert, ["RUNNING", "third"])).rejects.toMatchObject({ code: "23505" });
    } finally {
      await Promise.all([first.end(), second.end()]);
    }
    expect(await database.query("SELECT status, requested_by FROM walkforward_runs")).toEqual([
      { status: "FAILED", requested_by: "first" },
    ]);
  });

  test("come back where somebody has deleted the placeholder", async () => {
    await (await spoolOf(simulation)).replay(database);
    await database.query("DELETE FROM simulation_runs; DELETE FROM walkforward_runs; DELETE FROM stage1_datasets");
    expect(await (await spoolOf(dataset + run + simulation)).replay(database)).toBe(true);
    expect(await counts(database)).toMatchObject({ stage1_datasets: 1, walkforward_runs: 1, simulation_runs: 1 });
  });
});

describe("what is known is never replaced by what is not", () => {
  const legacy = statementsOf(spoolText("gen1"))[0] ?? "";
  const master = async () => (await database.query("SELECT * FROM stage1_datasets"))[0];

  test.each([
    ["UNKNOWN", legacy],
    ["unknown", legacy.replace("'UNKNOWN'", "'unknown'").replace("'1h'", "'unknown'")],
    ["an empty text", legacy.replace("'UNKNOWN'", "''").replace("'1h'", "''")],
    ["the dataset's own name", legacy.replace("'UNKNOWN'", "'alpha_1_ind'").replace("'1h'", "'UNKNOWN'")],
    ["no rows", legacy.replace("631", "0")],
    ["no rows and no bounds", legacy.replace(/631, TO_TIMESTAMP\(\d+\), TO_TIMESTAMP\(\d+\)/, "NULL, NULL, NULL")],
  ])("by %s", async (_, statement) => {
    await (await spoolOf(legacy.replace("'UNKNOWN'", "'BTCUSDT'"))).replay(database);
    const before = await master();
    expect(before).toMatchObject({ symbol: "BTCUSDT", granularity: "1h", indicator_row_count: 631 });
    expect(await (await spoolOf(statement)).replay(database)).toBe(true);
    expect(await master()).toEqual({ ...before, updated_at: (await master())?.["updated_at"] });
  });

  test("by a row of generation 3 without its manifest", async () => {
    const text = spoolText("gen3").replaceAll("alpha_3_ohlcv", "bars").replaceAll("alpha_3_ind", "features");
    await (await spoolOf(text)).replay(database);
    const before = await master();
    expect(before).toMatchObject({ ohlcv_measurement: "bars", indicator_measurement: "features" });
    const [exported = ""] = statementsOf(text);
    const bare = exported
      .replace("3600000, 48", "0, NULL")
      .replace(/'\{\s+"bar_interval_ms"[\s\S]*?\}'::jsonb/, "NULL");
    expect(bare).toContain("NULL, TO_TIMESTAMP");
    expect(await (await spoolOf(bare)).replay(database)).toBe(true);
    expect(await master()).toEqual({ ...before, updated_at: (await master())?.["updated_at"] });
    expect(
      await database.query("SELECT bar_interval_ms, lookback_rows, metadata ->> 'version' AS version FROM datasets"),
    ).toEqual([{ bar_interval_ms: 3_600_000, lookback_rows: 48, version: "1" }]);
  });

  test("by a nightly psql -f of an old spool, whichever generation it is of", async () => {
    for (const name of ["gen1", "gen3"] as const) {
      await empty(database);
      await database.query(spoolText(name));
      await database.query("SELECT patch_stage1_dataset($1)", [
        {
          ...{ dataset_id: id("a", name.slice(3)), symbol: "NEW", granularity: "2h", indicator_measurement: "new_ind" },
          ...{ indicator_row_count: 9999, indicator_first_ts: "2020-01-01Z", ohlcv_measurement: "new_ohlcv" },
        },
      ]);
      const before = await database.query("SELECT * FROM stage1_datasets");
      await database.query(spoolText(name));
      expect(await database.query("SELECT * FROM stage1_datasets")).toEqual(before);
    }
  });

  test("by a nightly psql -f of an old spool that states a dataset twice", async () => {
    const spool = legacy.replace("631", "100") + legacy.replace("631", "200");
    const rows = async () => (await master())?.["indicator_row_count"];
    await database.query(spool);
    expect(await rows()).toBe(200);
    await database.query("SELECT patch_stage1_dataset($1)", [{ dataset_id: id("a", 1), indicator_row_count: 500 }]);
    for (const zone of ["UTC", "America/New_York"])
      await database.query(`SET timezone = '${zone}'; ${spool} RESET timezone`);
    expect(await rows()).toBe(500);
    // What it says anew counts; so does what it said before, where nobody else has written since.
    await database.query(legacy.replace("631", "700"));
    expect(await rows()).toBe(700);
    await database.query(legacy.replace("631", "100"));
    expect(await rows()).toBe(100);
  });
});

describe("ids", () => {
  test("of a dataset that is stored under another: what depends on it is led there, and the summary says so", async () => {
    const run = (statementsOf(spoolText("gen1"))[1] ?? "").replace(id("a", 1), id("a", "00b"));
    for (const text of [`${spoolText("otherid")}\n${run}`, `${run}\n${spoolText("otherid")}`]) {
      await empty(database);
      const spool = await spoolOf(text);
      expect(await spool.replay(database)).toBe(true);
      expect(spool.said).toEqual([
        expect.stringContaining("3 statements written, 0 rejected."),
        expect.stringContaining(
          `the dataset ${id("a", "00b")} is stored as ${id("a", 1)} (alpha_1_ind): its rows were written there.`,
        ),
      ]);
      expect(await database.query("SELECT dataset_id FROM walkforward_runs")).toEqual([{ dataset_id: id("a", 1) }]);
      expect(await counts(database)).toMatchObject({ stage1_datasets: 1, indicator_datasets: 1 });
    }
  });

  test("of two desktops in one file are one dataset, and a run whose name is taken there is kept under its id, in any order", async () => {
    const mine = statementsOf(spoolText("gen3")).slice(0, 2);
    const theirs = mine.map((text) =>
      text.replaceAll(id("a", 3), id("a", "00e")).replaceAll(id("b", 3), id("b", "00e")),
    );
    const [dataset = "", run = ""] = theirs;
    for (const statements of [
      [...mine, dataset, run],
      [mine[0], dataset, mine[1], run],
      [run, ...mine, dataset],
    ]) {
      await empty(database);
      expect(await (await spoolOf(statements.join("\n"))).replay(database)).toBe(true);
      expect(await counts(database)).toMatchObject({ stage1_datasets: 1, datasets: 1 });
      expect(
        await database.query(
          "SELECT run_id, dataset_id, prediction_measurement FROM walkforward_runs ORDER BY prediction_measurement <> 'alpha_3_wf1'",
        ),
      ).toMatchObject([
        { dataset_id: id("a", 3), prediction_measurement: "alpha_3_wf1" },
        { dataset_id: id("a", 3), prediction_measurement: expect.stringMatching(/^run_b1/) },
      ]);
    }
  });

  test("of a dataset that gets a slug by upsert_stage1_dataset and by the table of generation 3 are led too", async () => {
    const [call = ""] = statementsOf(spoolText("gen2"));
    const [exported = "", run = ""] = statementsOf(spoolText("gen3"));
    const other = (text: string) => text.replaceAll(id("a", 3), id("a", "00c")).replaceAll(id("a", 2), id("a", "00d"));
    const text = call + exported + other(call) + other(exported) + other(run);
    const spool = await spoolOf(text);
    expect(await spool.replay(database)).toBe(true);
    expect(await counts(database)).toMatchObject({ stage1_datasets: 2, datasets: 1 });
    expect(await database.query("SELECT dataset_id FROM walkforward_runs")).toEqual([{ dataset_id: id("a", 3) }]);
    expect(spool.said.filter((line) => line.includes("is stored as"))).toHaveLength(2);
  });

  test("of a dataset that is stored under another are none in the API: the slug finds the dataset", async () => {
    await (await spoolOf(spoolText("otherid"))).replay(database);
    const slug = "alpha_1_ind";
    expect(
      await server.data(`{ byAlias: dataset(by: { datasetId: "${id("a", "00b")}" }) { datasetId }
        bySlug: dataset(by: { datasetSlug: "${slug}" }) { datasetId } }`),
    ).toEqual({ byAlias: null, bySlug: { datasetId: id("a", 1) } });
    const input = `{ datasetId: "${id("a", "00b")}", datasetSlug: "${slug}", ohlcvMeasurement: "o", indicatorMeasurement: "i" }`;
    expect(await server.data(`mutation { upsertDataset(input: ${input}) { userErrors { code } } }`)).toEqual({
      upsertDataset: { userErrors: [{ code: "SLUG_TAKEN" }] },
    });
  });

  test("of a dataset that is stored under another, in a call that psql sends: the slug is taken", async () => {
    const [call = ""] = statementsOf(spoolText("gen2"));
    await database.query(call);
    await expect(database.query(call.replaceAll(id("a", 2), id("a", "00d")))).rejects.toMatchObject({
      constraint: "stage1_datasets_dataset_slug_key",
    });
  });

  test("of a simulation that psql brings back with another run: its trades are written, and validation tells", async () => {
    const text = spoolText("gen1");
    await database.query(text);
    const refused: unknown[] = [];
    // Each by itself, as psql sends them where ON_ERROR_STOP is off.
    for (const statement of statementsOf(text.replaceAll(id("b", 1), id("b", 5)).replaceAll(id("d", 1), id("d", 5)))) {
      await database
        .query(statement.replace("alpha_1_wf1", "alpha_1_wf5"))
        .catch((error) => refused.push(error.message));
    }
    expect(refused).toEqual([expect.stringContaining("it is another simulation")]);
    expect(await counts(database)).toMatchObject({ simulation_runs: 1, simulation_trades: 2 });
    const { validation } = await server.data<{ validation: { checks: { name: string; count: number }[] } }>(
      "{ validation { checks { name count } } }",
    );
    // Of the spool itself the check finds one bucket, that of the short side, which has no trade.
    expect(validation.checks).toContainEqual({ name: "buckets_at_odds_with_trades", count: 3 });
  });

  test("of a simulation that comes back with another run or dataset is refused with the reason, and nothing is mixed", async () => {
    const statements = statementsOf(spoolText("gen1"));
    const first = statements.findIndex((statement) => statement.includes("INTO simulation_runs"));
    const again = statements.slice(first).join("\n").replaceAll(id("d", 1), id("d", 2));
    for (const [of, other] of [
      [id("b", 1), id("b", 5)],
      [id("a", 1), id("a", 5)],
    ] as const) {
      await empty(database);
      const spool = await spoolOf(statements.join("\n"));
      expect(await spool.replay(database)).toBe(true);
      const before = await contents(database);
      await appendFile(spool.path, `\n${again.replaceAll(of, other).replace("'dual', '{", "'long', '{")}`);
      expect(await spool.replay(database)).toBe(false);
      expect(Object.values(spool.reasons)[0]).toMatch(
        new RegExp(`simulation_id ${id("c", 1)} is stored with run .*, but comes with .*${other}`),
      );
      expect((await contents(database))["simulation_runs"]).toEqual(before["simulation_runs"]);
      expect((await contents(database))["simulation_trades"]).toEqual(before["simulation_trades"]);
    }
  });
});

describe("a run that is exported again with fewer folds", () => {
  const folds = () => database.query("SELECT fold_number FROM walkforward_folds ORDER BY 1");

  test("leaves no fold of the earlier export behind, in one file or in two", async () => {
    const spool = await spoolOf(spoolText("fewerfolds1"));
    await spool.replay(database);
    await appendFile(spool.path, `\n${spoolText("fewerfolds2")}`);
    expect(await spool.replay(database)).toBe(true);
    expect(spool.said).toContainEqual(expect.stringContaining("1 fold of earlier exports removed"));
    expect(await folds()).toEqual([{ fold_number: 0 }]);
    await empty(database);
    expect(await (await spoolOf(`${spoolText("fewerfolds1")}\n${spoolText("fewerfolds2")}`)).replay(database)).toBe(
      true,
    );
    expect(await folds()).toEqual([{ fold_number: 0 }]);
  });

  test("loses them too where ON CONFLICT names the key's columns in another order", async () => {
    await (await spoolOf(spoolText("fewerfolds1"))).replay(database);
    const reversed = spoolText("fewerfolds2").replaceAll("(run_id, fold_number) DO", "(fold_number, run_id) DO");
    expect(await (await spoolOf(reversed)).replay(database)).toBe(true);
    expect(await folds()).toEqual([{ fold_number: 0 }]);
  });

  test("may have its folds' numbers in any form of a whole number", async () => {
    await (await spoolOf(spoolText("fewerfolds1"))).replay(database);
    const number = /(INTO walkforward_folds [^)]*\)\s*VALUES\s*\(\s*'[^']+',\s*)0,/;
    const text = spoolText("fewerfolds2");
    expect(text).toMatch(number);
    expect(await (await spoolOf(text.replace(number, "$10e0,"))).replay(database)).toBe(true);
    expect(await folds()).toEqual([{ fold_number: 0 }]);
  });

  test("keeps them where the run does not say how many it has, or the export is not whole", async () => {
    for (const claim of ['"pf_dual":1', '"folds":2', '"folds":"many"']) {
      await empty(database);
      await (await spoolOf(spoolText("fewerfolds1"))).replay(database);
      expect(await (await spoolOf(spoolText("fewerfolds2").replace('"folds":1', claim))).replay(database)).toBe(true);
      expect(await folds()).toEqual([{ fold_number: 0 }, { fold_number: 1 }]);
    }
  });

  test("keeps them where stage1_app replays it, until the owner does so again", async () => {
    const url = new URL(database.url);
    url.searchParams.set("options", "-c role=stage1_app");
    const spool = await spoolOf(`${spoolText("fewerfolds1")}\n${spoolText("fewerfolds2")}`);
    const later = await spoolOf(spoolText("fewerfolds2"));
    for (const each of [spool, later]) expect(await each.replay({ ...database, url: url.href })).toBe(true);
    expect(await folds()).toEqual([{ fold_number: 0 }, { fold_number: 1 }]);
    expect(await later.replay(database, { again: true })).toBe(true);
    expect(later.said).toContainEqual(expect.stringContaining("1 fold of earlier exports removed"));
    expect(await folds()).toEqual([{ fold_number: 0 }]);
  });
});

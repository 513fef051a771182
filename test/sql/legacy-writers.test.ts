import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { until } from "../commands/cli.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { insertRow, upsert } from "./rows.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

interface LegacyRow {
  readonly dataset_id: string;
  readonly name: string;
  readonly symbol?: string;
  readonly row_count?: number;
}

/** The statement of a client of either variant, which knows one of the two columns for the measurement's name. */
function legacyInsert(measurement: string, { dataset_id, name, symbol, row_count }: LegacyRow): string {
  return `
    INSERT INTO indicator_datasets (dataset_id, symbol, granularity, source, ${measurement}, row_count, first_bar_ts, last_bar_ts)
    VALUES ('${dataset_id}', '${symbol ?? "BTCUSDT"}', '4h', 'chronosflow', '${name}', ${row_count ?? 4320},
            TO_TIMESTAMP(1735689600), TO_TIMESTAMP(1743811200))`;
}

const orUpdate = (measurement: string) => `
    ON CONFLICT (dataset_id) DO UPDATE SET symbol = EXCLUDED.symbol, ${measurement} = EXCLUDED.${measurement},
      row_count = EXCLUDED.row_count, first_bar_ts = EXCLUDED.first_bar_ts, last_bar_ts = EXCLUDED.last_bar_ts`;

async function master(id: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await database.query("SELECT * FROM stage1_datasets WHERE dataset_id = $1", [id]);
  return row;
}

async function legacy(id: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await database.query("SELECT * FROM indicator_datasets WHERE dataset_id = $1", [id]);
  return row;
}

describe.each([
  ["desktop", "questdb_tag"],
  ["dashboard", "questdb_measurement"],
])("a client of the %s's variant", (_, measurement) => {
  test("inserts a dataset that it alone knows, and the dataset is in the catalogue", async () => {
    const row = { dataset_id: randomUUID(), name: `${measurement}_new` };
    await database.query(legacyInsert(measurement, row));
    expect(await legacy(row.dataset_id)).toMatchObject({ questdb_tag: row.name, questdb_measurement: row.name });
    expect(await master(row.dataset_id)).toMatchObject({
      dataset_slug: row.name,
      symbol: "BTCUSDT",
      granularity: "4h",
      source: "chronosflow",
      ohlcv_measurement: "",
      indicator_measurement: row.name,
      ohlcv_row_count: 0,
      indicator_row_count: 4320,
      indicator_first_ts: "2025-01-01 00:00:00+00",
      indicator_last_ts: "2025-04-05 00:00:00+00",
      metadata: { legacy_source: "chronosflow" },
    });
    await insertRow(database, "walkforward_runs", { dataset_id: row.dataset_id, prediction_measurement: "run1" });
  });

  test("exports a dataset again and again", async () => {
    const row = { dataset_id: randomUUID(), name: `${measurement}_again` };
    for (const row_count of [1, 2, 3]) {
      await database.query(legacyInsert(measurement, { ...row, row_count }) + orUpdate(measurement));
      expect(await master(row.dataset_id)).toMatchObject({ dataset_slug: row.name, indicator_row_count: row_count });
    }
  });

  test("refreshes the indicator half of a dataset, and leaves the slug, the source, the OHLCV half and the metadata", async () => {
    const row = { dataset_id: randomUUID(), name: `${measurement}_ind` };
    await upsert(database, {
      dataset_id: row.dataset_id,
      dataset_slug: `${measurement}_chosen`,
      symbol: "OLD",
      granularity: "1h",
      source: "laptop_imgui",
      ohlcv_measurement: `${measurement}_ohlcv`,
      ohlcv_rows: 3_000_000_000,
      ohlcv_first: "2024-01-01T00:00:00Z",
      indicator_measurement: "former_ind",
      metadata: { mine: true },
    });
    const before = await master(row.dataset_id);
    await database.query(legacyInsert(measurement, row) + orUpdate(measurement));
    const refreshed = {
      ...before,
      symbol: "BTCUSDT",
      granularity: "4h",
      indicator_measurement: row.name,
      indicator_row_count: 4320,
      indicator_first_ts: "2025-01-01 00:00:00+00",
      indicator_last_ts: "2025-04-05 00:00:00+00",
      updated_at: expect.any(String),
    };
    expect(await master(row.dataset_id)).toEqual(refreshed);

    // What the client does not know any more stays known.
    await database.query(
      "UPDATE indicator_datasets SET symbol = '', row_count = NULL, first_bar_ts = NULL WHERE dataset_id = $1",
      [row.dataset_id],
    );
    expect(await master(row.dataset_id)).toEqual(refreshed);
  });

  test("renames the measurement, and a reader of the other variant sees it", async () => {
    const row = { dataset_id: randomUUID(), name: `${measurement}_before` };
    await database.query(legacyInsert(measurement, row));
    await database.query(`UPDATE indicator_datasets SET ${measurement} = $2 WHERE dataset_id = $1`, [
      row.dataset_id,
      `${measurement}_after`,
    ]);
    const after = `${measurement}_after`;
    expect(await legacy(row.dataset_id)).toMatchObject({ questdb_tag: after, questdb_measurement: after });
    expect(await master(row.dataset_id)).toMatchObject({ dataset_slug: row.name, indicator_measurement: after });
  });
});

test("an unknown id with a known slug is the stored dataset, in each row of a statement and in what is written with it later", async () => {
  const stored = await Promise.all(
    ["known_1", "known_2"].map(async (dataset_slug) => {
      const dataset_id = randomUUID();
      const measurements = { ohlcv_measurement: `${dataset_slug}_ohlcv`, indicator_measurement: `${dataset_slug}_ind` };
      await upsert(database, { dataset_id, dataset_slug, ...measurements });
      return dataset_id;
    }),
  );
  // By its slug, and by its indicator table, which is all that generation 1 knows.
  const names = ["known_1", "known_2_ind"];
  const others = names.map(() => randomUUID());
  const values = names.map((name, i) => `('${others[i]}', 'S', '1h', 'x', '${name}', ${i + 7})`).join(", ");
  const statement = `INSERT INTO indicator_datasets (dataset_id, symbol, granularity, source, questdb_tag, row_count) VALUES ${values}
                     ON CONFLICT (dataset_id) DO UPDATE SET symbol = EXCLUDED.symbol`;
  await database.query(statement);
  await database.query(statement);
  for (const [i, id] of stored.entries()) {
    expect(await master(id)).toMatchObject({ dataset_slug: `known_${i + 1}`, indicator_row_count: i + 7, symbol: "S" });
    expect(await legacy(id)).toMatchObject({ questdb_tag: names[i] });
    expect(await master(others[i] ?? "")).toBeUndefined();
  }
  const [run_id, simulation_id] = [randomUUID(), randomUUID()];
  const [dataset_id] = others;
  await insertRow(database, "walkforward_runs", { run_id, dataset_id, prediction_measurement: "known_1_wf1" });
  await insertRow(database, "simulation_runs", {
    simulation_id,
    run_id,
    dataset_id,
    questdb_namespace: "known_1_sim1",
  });
  expect(
    await database.query(
      "SELECT dataset_id FROM walkforward_runs WHERE run_id = $1 UNION ALL SELECT dataset_id FROM simulation_runs WHERE run_id = $1",
      [run_id],
    ),
  ).toEqual([{ dataset_id: stored[0] }, { dataset_id: stored[0] }]);
});

test("a slug that somebody takes at the same moment gets a suffix too", async () => {
  const [taker, writer] = await Promise.all([openClient(database.url), openClient(database.url)]);
  const row = { dataset_id: randomUUID(), name: "raced" };
  try {
    await taker.query("BEGIN");
    await taker.query("SELECT patch_stage1_dataset($1)", [{ dataset_id: randomUUID(), dataset_slug: row.name }]);
    const { rows } = await writer.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const written = writer.query(legacyInsert("questdb_tag", row));
    await until(async () => {
      return (await database.query("SELECT FROM pg_locks WHERE NOT granted AND pid = $1", [rows[0]?.pid])).length > 0;
    });
    await taker.query("COMMIT");
    await written;
  } finally {
    await Promise.all([taker.end(), writer.end()]);
  }
  expect(await master(row.dataset_id)).toMatchObject({ dataset_slug: `raced-${row.dataset_id.slice(0, 8)}` });
});

test("two sessions that write a run of a dataset and then its legacy row do not wait for each other's runs", async () => {
  const row = { dataset_id: randomUUID(), name: "crossed" };
  await database.query(legacyInsert("questdb_tag", row));
  const [one, other] = await Promise.all([openClient(database.url), openClient(database.url)]);
  try {
    for (const client of [one, other]) {
      await client.query("BEGIN");
      await client.query("INSERT INTO walkforward_runs (dataset_id) VALUES ($1)", [row.dataset_id]);
    }
    const again = (row_count: number) => legacyInsert("questdb_tag", { ...row, row_count }) + orUpdate("questdb_tag");
    await one.query(again(8));
    const written = other.query(again(9));
    await one.query("COMMIT");
    await written;
    await other.query("COMMIT");
  } finally {
    await Promise.all([one.end(), other.end()]);
  }
  expect(await master(row.dataset_id)).toMatchObject({ indicator_row_count: 9 });
});

test("a legacy row without a measurement takes its id as the slug", async () => {
  const dataset_id = randomUUID();
  await insertRow(database, "indicator_datasets", { dataset_id, symbol: "", granularity: "", source: "x" });
  expect(await master(dataset_id)).toMatchObject({
    dataset_slug: dataset_id,
    symbol: null,
    granularity: null,
    indicator_measurement: "",
  });
});

test("a legacy insert that leaves the id to the database works", async () => {
  const [row] = await database.query<{ dataset_id: string }>(
    "INSERT INTO indicator_datasets (symbol, granularity, source, questdb_measurement) VALUES ('S', '1h', 'x', 'no_id') RETURNING dataset_id",
  );
  expect(await master(row?.dataset_id ?? "")).toMatchObject({ dataset_slug: "no_id" });
});

test("the deletion of a dataset takes its legacy row along, the deletion of a legacy row takes nothing", async () => {
  const [kept, gone] = [randomUUID(), randomUUID()];
  for (const dataset_id of [kept, gone]) {
    await database.query(legacyInsert("questdb_tag", { dataset_id, name: `delete_${dataset_id}` }));
  }
  await insertRow(database, "walkforward_runs", { dataset_id: kept, prediction_measurement: "stays" });
  await database.query("DELETE FROM stage1_datasets WHERE dataset_id = $1", [gone]);
  await database.query("DELETE FROM indicator_datasets WHERE dataset_id = $1", [kept]);
  expect(await legacy(gone)).toBeUndefined();
  expect(await master(kept)).toBeDefined();
  expect(await database.query("SELECT FROM walkforward_runs WHERE dataset_id = $1", [kept])).toHaveLength(1);
});

test("a row that ON CONFLICT turns into another, or into nothing, makes no master row and changes none", async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  await database.query(legacyInsert("questdb_tag", { dataset_id: first, name: "once" }));
  await database.query(
    `${legacyInsert("questdb_tag", { dataset_id: second, name: "once", row_count: 9 })}
     ON CONFLICT (questdb_tag) DO UPDATE SET row_count = EXCLUDED.row_count`,
  );
  expect(await master(second)).toBeUndefined();
  expect(await master(first)).toMatchObject({ dataset_slug: "once", indicator_row_count: 9 });
  await database.query(
    `${legacyInsert("questdb_tag", { dataset_id: first, name: "once", symbol: "STALE" })} ON CONFLICT DO NOTHING`,
  );
  expect(await master(first)).toMatchObject({ symbol: "BTCUSDT" });
});

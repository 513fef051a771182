import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { insertRow, upsert } from "./rows.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const patch = (values: Record<string, unknown>) =>
  database.query("SELECT patch_stage1_dataset($1::jsonb)", [JSON.stringify(values)]);

async function stored(id: string): Promise<Record<string, unknown>> {
  const [row] = await database.query("SELECT * FROM stage1_datasets WHERE dataset_id = $1", [id]);
  return row ?? {};
}

const FULL = {
  symbol: "BTCUSDT",
  granularity: "4h",
  source: "chronosflow",
  ohlcv_measurement: "btc25_1_ohlcv",
  indicator_measurement: "btc25_1_ind",
  ohlcv_rows: 3_000_000_000,
  indicator_rows: 4320,
  ohlcv_first: "2025-01-01T00:00:00.000001Z",
  ohlcv_last: "2025-04-05T00:00:00Z",
  indicator_first: "2025-01-02T00:00:00Z",
  indicator_last: "2025-04-04T00:00:00Z",
  metadata: { exporter: { version: 1 }, tags: ["a"] },
};

/** A whole dataset. */
async function fullDataset(): Promise<string> {
  const dataset_id = randomUUID();
  await upsert(database, { dataset_id, dataset_slug: `slug_${dataset_id}`, ...FULL });
  return dataset_id;
}

describe("upsert_stage1_dataset", () => {
  test("writes every column", async () => {
    const id = await fullDataset();
    expect(await stored(id)).toMatchObject({
      dataset_slug: `slug_${id}`,
      symbol: "BTCUSDT",
      granularity: "4h",
      source: "chronosflow",
      ohlcv_measurement: "btc25_1_ohlcv",
      indicator_measurement: "btc25_1_ind",
      ohlcv_row_count: 3_000_000_000,
      indicator_row_count: 4320,
      ohlcv_first_ts: "2025-01-01 00:00:00.000001+00",
      ohlcv_last_ts: "2025-04-05 00:00:00+00",
      indicator_first_ts: "2025-01-02 00:00:00+00",
      indicator_last_ts: "2025-04-04 00:00:00+00",
      metadata: { exporter: { version: 1 }, tags: ["a"] },
    });
  });

  test("the second time merges the metadata and overwrites the rest, with NULL too", async () => {
    const id = await fullDataset();
    const before = await stored(id);
    await upsert(database, {
      dataset_id: id,
      dataset_slug: `renamed_${id}`,
      ohlcv_measurement: "other_ohlcv",
      indicator_measurement: "",
      indicator_rows: 1,
      metadata: { exporter: { build: "x" }, note: null },
    });
    expect(await stored(id)).toEqual({
      dataset_id: id,
      dataset_slug: `renamed_${id}`,
      symbol: null,
      granularity: null,
      source: null,
      ohlcv_measurement: "other_ohlcv",
      indicator_measurement: "",
      ohlcv_row_count: null,
      indicator_row_count: 1,
      ohlcv_first_ts: null,
      ohlcv_last_ts: null,
      indicator_first_ts: null,
      indicator_last_ts: null,
      metadata: { exporter: { build: "x" }, tags: ["a"], note: null },
      created_at: before["created_at"],
      updated_at: expect.any(String),
    });
  });

  test("takes the place of a placeholder", async () => {
    const dataset_id = randomUUID();
    const placeholder = { dataset_id, dataset_slug: dataset_id, ohlcv_measurement: "", indicator_measurement: "" };
    await insertRow(database, "stage1_datasets", { ...placeholder, is_placeholder: true });
    await upsert(database, { dataset_id, dataset_slug: `slug_${dataset_id}`, ...FULL });
    expect(await stored(dataset_id)).toMatchObject({ is_placeholder: false, symbol: FULL.symbol });
  });

  test("keeps the metadata where it is given none", async () => {
    const id = await fullDataset();
    await upsert(database, { ...FULL, dataset_id: id, dataset_slug: `slug_${id}`, metadata: null });
    expect((await stored(id))["metadata"]).toEqual(FULL.metadata);
  });

  test("refuses a slug that another dataset holds", async () => {
    const id = await fullDataset();
    await expect(
      upsert(database, { ...FULL, dataset_id: randomUUID(), dataset_slug: `slug_${id}` }),
    ).rejects.toMatchObject({ code: "23505", constraint: "stage1_datasets_dataset_slug_key" });
  });
});

test("updated_at follows every UPDATE, whatever value it was given; created_at stays", async () => {
  const id = await fullDataset();
  const before = await stored(id);
  const [row] = await database.query<Record<string, unknown>>(
    "UPDATE stage1_datasets SET symbol = 'X', updated_at = '2001-01-01' WHERE dataset_id = $1 RETURNING *, updated_at > $2 AS later",
    [id, before["updated_at"]],
  );
  expect(row).toMatchObject({ symbol: "X", later: true, created_at: before["created_at"] });
});

describe("patch_stage1_dataset", () => {
  test("inserts with the table's defaults for what is left out", async () => {
    const id = randomUUID();
    await patch({ dataset_id: id, dataset_slug: `slug_${id}` });
    expect(await stored(id)).toMatchObject({
      symbol: null,
      source: "laptop_imgui",
      ohlcv_measurement: "",
      indicator_measurement: "",
      ohlcv_row_count: 0,
      indicator_row_count: 0,
      metadata: {},
    });
  });

  test("keeps what is left out, the slug too", async () => {
    const id = await fullDataset();
    const before = await stored(id);
    await patch({ dataset_id: id, symbol: "ETHUSDT" });
    expect(await stored(id)).toEqual({ ...before, symbol: "ETHUSDT", updated_at: expect.any(String) });
  });

  test("clears what is null: a measurement to empty, a count to 0", async () => {
    const id = await fullDataset();
    const before = await stored(id);
    const cleared = { symbol: null, granularity: null, source: null, ohlcv_first_ts: null, ohlcv_last_ts: null };
    const emptied = { ohlcv_measurement: null, indicator_measurement: null, ohlcv_row_count: null, metadata: null };
    await patch({ dataset_id: id, ...cleared, ...emptied });
    expect(await stored(id)).toEqual({
      ...before,
      ...cleared,
      ohlcv_measurement: "",
      indicator_measurement: "",
      ohlcv_row_count: 0,
      metadata: {},
      updated_at: expect.any(String),
    });
  });

  test("merges the metadata", async () => {
    const id = await fullDataset();
    await patch({ dataset_id: id, metadata: { tags: [], more: true } });
    expect((await stored(id))["metadata"]).toEqual({ exporter: { version: 1 }, tags: [], more: true });
  });

  test.each(["ohlcv", "indicator"])("refuses a first %s timestamp after the last, sent or stored", async (half) => {
    const id = await fullDataset();
    const before = await stored(id);
    const refusal = { code: "22023", column: `${half}_first_ts` };
    await expect(patch({ dataset_id: id, [`${half}_first_ts`]: "2030-01-01T00:00:00Z" })).rejects.toMatchObject(
      refusal,
    );
    await expect(patch({ dataset_id: id, [`${half}_last_ts`]: "2020-01-01T00:00:00Z" })).rejects.toMatchObject(refusal);
    const fresh = { dataset_id: randomUUID(), dataset_slug: "never", [`${half}_first_ts`]: "2030-01-01T00:00:00Z" };
    await expect(patch({ ...fresh, [`${half}_last_ts`]: "2029-01-01T00:00:00Z" })).rejects.toMatchObject(refusal);
    expect(await stored(id)).toEqual(before);
    expect(await stored(fresh.dataset_id)).toEqual({});
  });

  test("writes other columns of a dataset whose stored timestamps are the wrong way round", async () => {
    const id = await fullDataset();
    await database.query("UPDATE stage1_datasets SET indicator_last_ts = '1970-01-20' WHERE dataset_id = $1", [id]);
    await patch({ dataset_id: id, ohlcv_measurement: "exported" });
    expect(await stored(id)).toMatchObject({ ohlcv_measurement: "exported" });
  });

  test("refuses a slug that another dataset holds, to a new dataset and to one that is there", async () => {
    const holder = await fullDataset();
    const other = await fullDataset();
    for (const dataset_id of [randomUUID(), other]) {
      await expect(patch({ dataset_id, dataset_slug: `slug_${holder}` })).rejects.toMatchObject({ code: "23505" });
    }
    expect(await stored(other)).toMatchObject({ dataset_slug: `slug_${other}` });
  });

  test("patches of one dataset at the same time all arrive, whether it is new or not", async () => {
    // Many, because two that insert the same dataset seldom meet at the worst moment.
    const newIds = Array.from({ length: 20 }, () => randomUUID());
    const keys = Array.from({ length: 10 }, (_, i) => `key${i}`);
    for (const id of [...newIds, await fullDataset()]) {
      await Promise.all(
        keys.map((key) => patch({ dataset_id: id, dataset_slug: `slug_${id}`, metadata: { [key]: true } })),
      );
      expect(await stored(id)).toMatchObject({ metadata: Object.fromEntries(keys.map((key) => [key, true])) });
    }
  });

  test("a patch waits for one that is not committed yet, and both arrive, whether the dataset is new or not", async () => {
    for (const id of [randomUUID(), await fullDataset()]) {
      const slug = { dataset_id: id, dataset_slug: `slug_${id}` };
      const first = await openClient(database.url);
      try {
        await first.query("BEGIN");
        await first.query("SELECT patch_stage1_dataset($1::jsonb)", [{ ...slug, symbol: "FIRST" }]);
        const second = patch({ ...slug, granularity: "SECOND" });
        await expect.poll(waiting).toBe(1);
        await first.query("COMMIT");
        await second;
      } finally {
        await first.end();
      }
      expect(await stored(id)).toMatchObject({ symbol: "FIRST", granularity: "SECOND" });
    }
  });
});

describe("20 sessions that write one new dataset at once", () => {
  type Session = Awaited<ReturnType<typeof openClient>>;
  let sessions: Session[];
  beforeAll(async () => {
    sessions = await Promise.all(Array.from({ length: 20 }, () => openClient(database.url)));
  });
  afterAll(() => Promise.all(sessions.map((session) => session.end())));

  const UPSERT =
    "SELECT upsert_stage1_dataset($1, $2, NULL, NULL, NULL, '', '', 0, 0, NULL, NULL, NULL, NULL, $3::jsonb)";
  const PATCH =
    "SELECT patch_stage1_dataset(jsonb_build_object('dataset_id', $1::uuid, 'dataset_slug', $2::text, 'metadata', $3::jsonb))";
  const METADATA = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`session${i}`, true]));

  test.each([
    ["upsert_stage1_dataset", () => UPSERT],
    ["patch_stage1_dataset", () => PATCH],
    ["both", (i: number) => (i % 2 ? UPSERT : PATCH)],
  ])("by %s all arrive", async (_, statementOf) => {
    for (let round = 0; round < 10; round += 1) {
      const id = randomUUID();
      const write = (session: Session, i: number) =>
        session.query(statementOf(i), [id, `slug_${id}`, JSON.stringify({ [`session${i}`]: true })]);
      await Promise.all(sessions.map(write));
      expect((await stored(id))["metadata"]).toEqual(METADATA);
    }
  });

  test("of two datasets with one slug, one is written and the other refused, each time", async () => {
    for (const statement of [UPSERT, PATCH]) {
      const ids = [randomUUID(), randomUUID()];
      const outcomes = await Promise.allSettled(
        sessions.map((session, i) => session.query(statement, [ids[i % 2], `slug_${ids[0]}`, "{}"])),
      );
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
      expect(refused).toHaveLength(10);
      for (const error of refused) {
        expect(error).toMatchObject({ code: "23505", constraint: "stage1_datasets_dataset_slug_key" });
      }
    }
  });
});

describe("stage1_audited_patch", () => {
  const audited = (values: Record<string, unknown>) =>
    database.query("SELECT stage1_audited_patch($1, 'desktop', 'request 1')", [values]);
  const auditOf = (id: string) =>
    database.query(
      "SELECT *, ids::text[], written_at BETWEEN now() - interval '1 hour' AND now() AS just_now FROM stage1_audit WHERE ids @> ARRAY[$1::uuid]",
      [id],
    );

  test("patches, and says when, who, what and which", async () => {
    const dataset_id = randomUUID();
    await audited({ dataset_id: dataset_id.toUpperCase(), dataset_slug: dataset_id });
    expect(await stored(dataset_id)).toMatchObject({ dataset_slug: dataset_id });
    expect(await auditOf(dataset_id)).toEqual([
      {
        audit_id: expect.any(Number),
        written_at: expect.any(String),
        just_now: true,
        token: "desktop",
        operation: "upsertDataset",
        ids: [dataset_id],
        request_id: "request 1",
      },
    ]);
  });

  test("writes both or neither, whichever of them is refused", async () => {
    const holder = await fullDataset();
    const id = randomUUID();
    await expect(audited({ dataset_id: id, dataset_slug: `slug_${holder}` })).rejects.toMatchObject({ code: "23505" });
    expect(await auditOf(id)).toEqual([]);
    await database.query("ALTER TABLE stage1_audit ADD CONSTRAINT closed CHECK (false) NOT VALID");
    await expect(audited({ dataset_id: id, dataset_slug: `slug_${id}` })).rejects.toMatchObject({ code: "23514" });
    await database.query("ALTER TABLE stage1_audit DROP CONSTRAINT closed");
    expect(await stored(id)).toEqual({});
  });

  test("among many rows, those of an id and the last ones are found by an index", async () => {
    await database.query(`
      INSERT INTO stage1_audit (operation, ids, request_id)
      SELECT 'upsertDataset', ARRAY[md5(n::text)::uuid], 'r' FROM generate_series(1, 20000) n;
      ANALYZE stage1_audit`);
    for (const [index, rest] of [
      ["idx_stage1_audit_ids", "WHERE ids @> ARRAY[md5('7')::uuid] ORDER BY audit_id"],
      ["idx_stage1_audit_written", "WHERE written_at < now() - interval '1 year'"],
      ["stage1_audit_pkey", "ORDER BY audit_id DESC LIMIT 20"],
    ]) {
      const plan = await database.query(`EXPLAIN SELECT * FROM stage1_audit ${rest}`);
      expect(JSON.stringify(plan)).toContain(index);
    }
  });
});

/** How many statements on the database wait for a lock. */
async function waiting(): Promise<number> {
  const rows = await database.query(
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  return rows.length;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { schemaFiles } from "../../src/db/sql-file.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { allRows, catalogue, comparable, ledger } from "./catalogue.ts";
import { fixture, SQL_DIR } from "./fixture.ts";
import { insertRow } from "./rows.ts";

const TABLES = [
  ...["indicator_datasets", "walkforward_runs", "walkforward_folds"],
  ...["simulation_runs", "simulation_trades", "simulation_trade_buckets"],
];
const BTC = "11111111-2222-3333-4444-555555555555";
const NEW = "99999999-0000-0000-0000-000000000009";

const VARIANTS = [
  {
    variant: "variant-a.sql",
    masters: [
      {
        dataset_id: BTC,
        dataset_slug: "btc25_1",
        symbol: "BTCUSDT",
        granularity: "4h",
        source: "chronosflow",
        ohlcv_measurement: "",
        indicator_measurement: "btc25_1",
        indicator_row_count: 4320,
        indicator_first_ts: "2025-01-01 00:00:00+00",
        indicator_last_ts: "2025-04-05 00:00:00+00",
        metadata: { legacy_source: "chronosflow" },
      },
      {
        dataset_slug: "aaaaaaaa-0000-0000-0000-000000000002",
        symbol: null,
        granularity: null,
        indicator_measurement: "",
        indicator_first_ts: "1970-01-20 02:00:00.123456+00",
      },
      {
        dataset_slug: "aaaaaaaa-0000-0000-0000-000000000002-aaaaaaaa",
        symbol: "UNKNOWN",
        indicator_measurement: "aaaaaaaa-0000-0000-0000-000000000002",
        indicator_row_count: 3_000_000_000,
      },
    ],
    warnings: 1,
    lineage: { runs: [2, 1, 0], simulations: [2, 1, 0] },
  },
  {
    variant: "variant-b.sql",
    masters: [
      { dataset_id: BTC, dataset_slug: "btc25_1", indicator_measurement: "btc25_1", indicator_row_count: 4320 },
      {
        dataset_slug: "eth25_1",
        indicator_measurement: "eth25_1",
        indicator_row_count: null,
        indicator_first_ts: null,
      },
    ],
    warnings: 0,
    lineage: { runs: [1, 0], simulations: [2, 0] },
  },
];

describe.each(VARIANTS)("a database of $variant", ({ variant, masters, warnings, lineage }) => {
  let database: TestDatabase;
  let fresh: TestDatabase;
  let before: Map<string, Record<string, unknown>[]>;
  const reported: string[] = [];
  beforeAll(async () => {
    [database, fresh] = await Promise.all([createDatabase("empty"), createDatabase()]);
    await database.query(fixture(variant));
    before = await allRows(database);
    await migrate({ url: database.url, warn: (message) => reported.push(message) });
  });
  afterAll(async () => {
    await Promise.all([database.drop(), fresh.drop()]);
  });

  test("keeps every value of every row", async () => {
    const after = await allRows(database);
    for (const table of TABLES) {
      expect(before.get(table)?.length).toBeGreaterThan(0);
      expect(after.get(table)).toEqual(before.get(table)?.map((row) => expect.objectContaining(row)));
    }
  });

  test("has a master row for each legacy row, with a slug of its own", async () => {
    const rows = await database.query(
      "SELECT d.* FROM stage1_datasets d JOIN indicator_datasets i USING (dataset_id) ORDER BY i.created_at",
    );
    expect(rows).toMatchObject(masters);
    expect(rows).toHaveLength(masters.length);
    expect(reported).toHaveLength(warnings);
  });

  test("shows the lineage", async () => {
    const rows = await database.query<{ run_count: number; simulation_count: number }>(
      "SELECT c.* FROM dataset_catalog c JOIN indicator_datasets i USING (dataset_id) ORDER BY i.created_at",
    );
    expect({ runs: rows.map((row) => row.run_count), simulations: rows.map((row) => row.simulation_count) }).toEqual(
      lineage,
    );
    expect((await database.query("SELECT * FROM fn_list_datasets(5,0)")).length).toBe(masters.length);
    expect((await database.query("SELECT * FROM fn_list_runs($1, 5)", [BTC])).length).toBe(lineage.runs[0]);
  });

  test("knows each legacy row's measurement by both names", async () => {
    const rows = await database.query(
      "SELECT FROM indicator_datasets WHERE questdb_tag IS NULL OR questdb_tag IS DISTINCT FROM questdb_measurement",
    );
    expect(rows).toEqual([]);
  });

  test("has the schema of an empty database that was migrated, but for the order of columns", async () => {
    expect(comparable(await catalogue(database))).toEqual(comparable(await catalogue(fresh)));
  });

  test("takes a run of a dataset that has no legacy row, and keeps runs when a legacy row goes", async () => {
    await database.query("SELECT patch_stage1_dataset($1)", [{ dataset_id: NEW, dataset_slug: "new" }]);
    await insertRow(database, "walkforward_runs", { dataset_id: NEW, prediction_measurement: "new_run1" });
    const counts = () => database.query("SELECT count(*) FROM walkforward_runs");
    const runs = await counts();
    await database.query("DELETE FROM indicator_datasets WHERE dataset_id = $1", [BTC]);
    expect(await counts()).toEqual(runs);
  });

  test("is left alone by a second migrate", async () => {
    const [schema, applied, rows] = [await catalogue(database), await ledger(database), await allRows(database)];
    expect(await migrate({ url: database.url })).toEqual([]);
    expect([await catalogue(database), await ledger(database), await allRows(database)]).toEqual([
      schema,
      applied,
      rows,
    ]);
  });

  test("takes the rows of a client that goes on writing between any two steps", async () => {
    const stepwise = await createDatabase("empty");
    onTestFinished(() => stepwise.drop());
    const tag = variant === "variant-a.sql" ? "questdb_tag" : "questdb_measurement";
    const others = variant === "variant-a.sql" ? "" : ", column_schema";
    const id = (n: number) => `${String(n).padStart(8, "0")}-0000-0000-0000-000000000000`;
    /** As the client has always done: a dataset, and a run of it. */
    const write = (n: number, rowCount: number) =>
      stepwise.query(`
        INSERT INTO indicator_datasets (dataset_id, symbol, granularity, source, ${tag}, row_count, first_bar_ts, last_bar_ts${others})
        VALUES ('${id(n)}', 'S', '1h', 'live', 'live_${n}', ${rowCount}, '2025-01-01', '2025-02-01'${others ? ", '{}'" : ""})
        ON CONFLICT (dataset_id) DO UPDATE SET row_count = EXCLUDED.row_count;
        INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns,
                                      hyperparameters, walk_config, status, summary_metrics)
        VALUES ('${id(n)}', '${id(n)}', 'live_run', 'Close', '[]', '{}', '{}', 'RUNNING', '{}')
        ON CONFLICT (run_id) DO UPDATE SET status = EXCLUDED.status`);

    await stepwise.query(fixture(variant));
    await stepwise.query(readFileSync(join(SQL_DIR, "ledger.sql"), "utf8"));
    const files = schemaFiles();
    for (const [n, step] of files.entries()) {
      const { file } = step;
      const text = [...step.needs, step].map((part) => part.text).join(";");
      await write(n, 1);
      await write(100 + n, 2);
      // One transaction, the ledger's row in it, as the migrator does it.
      await stepwise.query(
        `${text.replaceAll(" CONCURRENTLY", "")}; INSERT INTO stage1_schema_ledger (file, sha256, version) VALUES ('${file}', '', '0')`,
      );
      await write(n, 2); // exported again
    }
    const masters = await stepwise.query(
      "SELECT dataset_slug, indicator_row_count FROM stage1_datasets WHERE source = 'live' ORDER BY dataset_id",
    );
    const slugs = [...files.keys(), ...files.map((_, n) => 100 + n)].map((n) => `live_${n}`);
    expect(masters).toEqual(slugs.map((dataset_slug) => ({ dataset_slug, indicator_row_count: 2 })));
    expect(comparable(await catalogue(stepwise))).toEqual(comparable(await catalogue(fresh)));
  });
});

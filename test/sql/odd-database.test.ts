import { expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { allRows, catalogue, comparable } from "./catalogue.ts";
import { fixture } from "./fixture.ts";

/** Migrates a variant to which somebody has done more than the task list says. Returns the warnings. */
async function adopt(variant: string, done: string): Promise<{ database: TestDatabase; warnings: string[] }> {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  await database.query(fixture(variant));
  await database.query(done);
  const before = await allRows(database);
  const warnings: string[] = [];
  await migrate({ url: database.url, warn: (message) => warnings.push(message) });
  const after = await allRows(database);
  for (const [table, rows] of before) {
    if (table === "stage1_datasets") continue;
    expect(after.get(table)).toEqual(rows.map((row) => expect.objectContaining(row)));
  }
  return { database, warnings };
}

async function expectOneSchema(database: TestDatabase, but: readonly RegExp[] = []): Promise<void> {
  const fresh = await createDatabase();
  onTestFinished(() => fresh.drop());
  const found = comparable(await catalogue(database)).filter((line) => !but.some((own) => own.test(line)));
  expect(found).toEqual(comparable(await catalogue(fresh)).filter((line) => !but.some((own) => own.test(line))));
}

test("the same in other forms: doubled, loosened, tightened, unfinished, under names that are taken", async () => {
  const { database, warnings } = await adopt(
    "variant-a.sql",
    `
    -- A master table by hand, without half of its columns, its rules and its values.
    CREATE TABLE stage1_datasets (
        dataset_id uuid CONSTRAINT own_key PRIMARY KEY, dataset_slug varchar(100), symbol text NOT NULL,
        ohlcv_measurement text, indicator_measurement text DEFAULT NULL, created_at timestamptz DEFAULT now(), updated_at timestamptz);
    INSERT INTO stage1_datasets VALUES
        ('11111111-2222-3333-4444-555555555555', 'by_hand', 'BTCUSDT', NULL, 'btc25_1', '2025-05-01', '2025-05-02');
    CREATE FUNCTION own_touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN -- as the task list proposes
        NEW.updated_at = CURRENT_TIMESTAMP;
        RETURN NEW;
    END; $$;
    CREATE TRIGGER own_touch BEFORE UPDATE ON stage1_datasets FOR EACH ROW EXECUTE FUNCTION own_touch();

    -- Constraints: doubled, as an index only, missing, in another form, with a name of ours.
    ALTER TABLE indicator_datasets DROP CONSTRAINT indicator_datasets_questdb_tag_key, ADD UNIQUE (questdb_tag, symbol),
        DROP CONSTRAINT indicator_datasets_row_count_check, ALTER COLUMN symbol DROP NOT NULL;
    CREATE UNIQUE INDEX own_tags ON indicator_datasets (questdb_tag);
    ALTER TABLE walkforward_runs ALTER COLUMN requested_by SET DEFAULT '', ALTER COLUMN created_at DROP DEFAULT,
        ADD CONSTRAINT walkforward_runs_dataset_fk CHECK (duration_ms >= 0);
    ALTER TABLE walkforward_folds DROP CONSTRAINT walkforward_folds_run_id_fkey,
        ADD CONSTRAINT walkforward_folds_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs DEFERRABLE;
    ALTER TABLE simulation_runs ADD CONSTRAINT own_1 UNIQUE (run_id, questdb_namespace), ADD CONSTRAINT own_2 UNIQUE (run_id, questdb_namespace),
        ADD CONSTRAINT simulation_runs_run_namespace_uq UNIQUE (questdb_namespace, run_id);
    ALTER TABLE simulation_trades DROP CONSTRAINT simulation_trades_side_check, DROP CONSTRAINT simulation_trades_simulation_id_fkey,
        ADD CONSTRAINT own_side CHECK (side IN ('short', 'long'));
    ALTER TABLE simulation_trade_buckets DROP CONSTRAINT simulation_trade_buckets_side_check;

    -- Indexes: of our name and other columns, ours under another name, twice, and one that a killed build has left.
    CREATE INDEX idx_walkforward_runs_created ON walkforward_runs (status);
    CREATE INDEX own_created_1 ON simulation_runs (created_at, simulation_id);
    CREATE INDEX own_created_2 ON simulation_runs (created_at, simulation_id);
    CREATE INDEX idx_simulation_runs_namespace ON simulation_runs (questdb_namespace);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_simulation_runs_namespace'::regclass;

    CREATE FUNCTION stage1_free_slug(p_slug text, p_id uuid) RETURNS text LANGUAGE sql AS 'SELECT p_slug';
    CREATE FUNCTION stage1_json_object(p_text text) RETURNS jsonb LANGUAGE sql AS 'SELECT p_text::jsonb'`,
  );
  // What is somebody's own stays.
  const own = [
    /^constraint walkforward_runs\.walkforward_runs_dataset_fk_former CHECK/,
    /simulation_runs_run_namespace_uq_former/,
    /indicator_datasets_questdb_tag_symbol_key/,
    /column walkforward_runs\.requested_by/,
    /idx_walkforward_runs_created_former/,
    /stage1_json_object\((?:p_text )?text\)/,
  ];
  await expectOneSchema(database, own);
  for (const line of own) expect((await catalogue(database)).filter((found) => line.test(found))).not.toEqual([]);
  expect(warnings.filter((line) => !line.includes("the slug"))).toEqual([
    expect.stringMatching(/^simulation_runs: the constraint simulation_runs_run_namespace_uq was not what it is/),
    expect.stringMatching(/^walkforward_runs: the constraint walkforward_runs_dataset_fk was not what it is/),
    "walkforward_runs: the index idx_walkforward_runs_created was another than in this schema; it is called idx_walkforward_runs_created_former now",
  ]);
  expect(await database.query("SELECT * FROM stage1_datasets WHERE dataset_slug = 'by_hand'")).toMatchObject([
    { ohlcv_measurement: "", source: null, metadata: null, created_at: "2025-05-01 00:00:00+00" },
  ]);
});

test("rows that break a rule stay, and the rule is left out with a warning; a disabled trigger stays disabled", async () => {
  const { database, warnings } = await adopt(
    "variant-b.sql",
    `
    ALTER TABLE simulation_trades DROP CONSTRAINT simulation_trades_side_check;
    UPDATE simulation_trades SET side = 'flat';
    ALTER TABLE indicator_datasets DROP CONSTRAINT indicator_datasets_row_count_check, ALTER COLUMN symbol DROP NOT NULL;
    UPDATE indicator_datasets SET row_count = -1, symbol = NULL WHERE symbol = 'ETHUSDT';
    CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'audited'; END $$;
    CREATE TRIGGER audit AFTER UPDATE ON indicator_datasets FOR EACH ROW EXECUTE FUNCTION audit();
    ALTER TABLE indicator_datasets DISABLE TRIGGER audit;
    -- The dashboard's function, where another table needs it too.
    CREATE TABLE notes (updated_at timestamptz);
    CREATE TRIGGER touch BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION dashboard_touch()`,
  );
  expect(warnings).toEqual([
    "indicator_datasets.symbol stays without NOT NULL: it has rows without a value",
    "simulation_trades goes without the check that side IN ('long', 'short'): it has rows that break it",
    "indicator_datasets goes without the check that row_count >= 0: it has rows that break it",
  ]);
  await expectOneSchema(database, [
    /row_count_check|simulation_trades_side_check|indicator_datasets\.symbol/,
    /audit|notes|dashboard_touch/,
  ]);
  const triggers =
    "SELECT tgname, tgenabled FROM pg_trigger WHERE tgname IN ('audit', 'touch', 'dashboard_updated_at') ORDER BY 1";
  expect(await database.query(triggers)).toEqual([
    { tgname: "audit", tgenabled: "D" },
    { tgname: "touch", tgenabled: "O" },
  ]);
});

test("a check of a bucket's side goes where it refuses a real writer's word, whatever its name and form", async () => {
  const { database, warnings } = await adopt(
    "variant-b.sql",
    `
    ALTER TABLE simulation_trade_buckets DROP CONSTRAINT simulation_trade_buckets_side_check,
        ADD CONSTRAINT own_list CHECK (side IN ('all', 'short', 'long')),
        ADD CONSTRAINT own_words CHECK (lower(side) = 'all' OR lower(side) LIKE '%o%'),
        ADD CONSTRAINT own_not_empty CHECK (side <> ''),
        ADD CONSTRAINT own_wide_list CHECK (side IN ('long', 'short', 'all', 'dual')),
        ADD CONSTRAINT own_wins CHECK (win_count <= trade_count)`,
  );
  expect(warnings).toEqual([
    expect.stringMatching(/^simulation_trade_buckets goes without the check own_words: .* \(lower\(.*$/),
  ]);
  const checks = `
    SELECT conname FROM pg_constraint WHERE conrelid = 'simulation_trade_buckets'::regclass AND contype = 'c' ORDER BY 1`;
  expect(await database.query(checks)).toEqual(
    ["own_not_empty", "own_wide_list", "own_wins"].map((conname) => ({ conname })),
  );
});

test("a database that a former version migrated takes buckets of any side too, but no such trades", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  // As 0001 made it then, and the ledger without what came later.
  await database.query(`
    ALTER TABLE simulation_trade_buckets
        ADD CONSTRAINT simulation_trade_buckets_side_check CHECK (side IN ('long', 'short', 'all'));
    DELETE FROM stage1_schema_ledger WHERE file >= 'migrations/0012' AND file < 'migrations/0013'`);
  expect(await migrate({ url: database.url })).toContain("migrations/0012_bucket_sides.sql");
  await expectOneSchema(database);
  await database.query(`
    INSERT INTO simulation_runs (simulation_id, input_run_measurement, mode, config, status)
    VALUES ('00000000-0000-0000-0000-00000000000a', 'run', 'dual', '{}', 'COMPLETED');
    INSERT INTO simulation_trade_buckets (simulation_id, side, trade_count, win_count)
    VALUES ('00000000-0000-0000-0000-00000000000a', 'dual', 0, 0)`);
  const trade = database.query(`
    INSERT INTO simulation_trades (simulation_id, bar_timestamp, side, size, entry_price, metadata)
    VALUES ('00000000-0000-0000-0000-00000000000a', '2025-01-01', 'dual', 1, 1, '{}')`);
  await expect(trade).rejects.toThrow("simulation_trades_side_check");
});

test("a database whose encoding has few characters is adopted", async () => {
  const server = await createDatabase("empty");
  const name = `${new URL(server.url).pathname.slice(1)}_latin1`;
  onTestFinished(() => server.drop());
  await server.query(
    `CREATE DATABASE ${name} TEMPLATE template0 ENCODING LATIN1 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  onTestFinished(async () => void (await server.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  await migrate({ url: url.href });
  expect(await migrate({ url: url.href })).toEqual([]);
});

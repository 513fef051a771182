import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { migrate, planMigration } from "../../src/db/migrate.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { allRows, catalogue, comparable } from "./catalogue.ts";
import { fixture } from "./fixture.ts";
import { mend, refusalOf, shownIn } from "./remedies.ts";

/** Roles belong to the whole server, which other tests share: a name of this run's own. */
const READER = `reader_${randomBytes(6).toString("hex")}`;
const BTC = "11111111-2222-3333-4444-555555555555";

async function databaseOf(...statements: string[]): Promise<TestDatabase> {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  for (const statement of statements) await database.query(statement);
  return database;
}

const nameOf = (of: TestDatabase) => new URL(of.url).pathname.slice(1);

/** The dashboard's database, with something of every difference that loses nothing. */
const OF_OTHER_TYPES = `
CREATE EXTENSION citext;
CREATE TYPE status AS ENUM ('COMPLETED', 'RUNNING');
CREATE DOMAIN measurement AS varchar(80) DEFAULT 'unnamed' CHECK (VALUE <> '');
CREATE DOMAIN of_measurement AS measurement;
DROP VIEW dataset_hierarchy;
ALTER TABLE walkforward_folds DROP CONSTRAINT walkforward_folds_run_id_fkey;
ALTER TABLE simulation_runs DROP CONSTRAINT simulation_runs_run_id_fkey;
ALTER TABLE walkforward_runs
    DROP CONSTRAINT walkforward_runs_status_check,
    ALTER run_id TYPE varchar(40), ALTER prediction_measurement TYPE of_measurement, ALTER target_column TYPE citext,
    ALTER feature_columns TYPE text[] USING ARRAY['hma_55', 'it''s'], ALTER hyperparameters TYPE json, ALTER walk_config TYPE text,
    ALTER status TYPE status USING status::text::status, ALTER requested_by TYPE char(20) USING 'me', ALTER duration_ms TYPE numeric(20, 2) USING 465000,
    ALTER started_at TYPE timestamptz(3) USING '2025-04-06 01:02:03.456+00', ADD own varchar(7) DEFAULT 'mine',
    ALTER walk_config SET DEFAULT '{"a": 1}', ALTER status SET DEFAULT 'RUNNING';
ALTER TABLE walkforward_folds
    ALTER run_id TYPE char(40), ALTER fold_number TYPE smallint, ALTER samples_train TYPE integer, ALTER samples_test TYPE smallint,
    ALTER train_start_idx TYPE numeric, ALTER test_end_idx TYPE double precision, ALTER best_iteration TYPE bigint,
    ALTER best_score TYPE numeric USING 0.1234567890123456, ALTER thresholds TYPE text USING '{"long": 0.63, "a:b": [1, {}]}';
ALTER TABLE walkforward_folds ADD FOREIGN KEY (run_id) REFERENCES walkforward_runs ON DELETE CASCADE;
ALTER TABLE simulation_runs ALTER run_id TYPE text;
ALTER TABLE simulation_runs ADD FOREIGN KEY (run_id) REFERENCES walkforward_runs ON DELETE SET NULL;
ALTER TABLE simulation_trades
    DROP CONSTRAINT simulation_trades_pkey, ADD UNIQUE (trade_id), ALTER size TYPE real USING 0.5, ALTER entry_price TYPE smallint,
    ALTER side TYPE char(8), ALTER pnl TYPE numeric USING 'NaN', ALTER exit_price TYPE bigint USING 9007199254740992;
ALTER TABLE simulation_trade_buckets
    DROP CONSTRAINT simulation_trade_buckets_pkey, ALTER trade_count TYPE integer, ALTER win_count TYPE smallint, ALTER simulation_id DROP NOT NULL;
CREATE UNIQUE INDEX own_key ON simulation_trade_buckets (simulation_id, side);
ALTER TABLE indicator_datasets ALTER row_count TYPE numeric;
CREATE TABLE stage1_datasets (
    dataset_id text PRIMARY KEY, dataset_slug citext UNIQUE, metadata json, ohlcv_row_count integer DEFAULT 0, source varchar(9) DEFAULT 'laptop');
INSERT INTO stage1_datasets VALUES ('${BTC}', 'By_Hand', '{"a": 1}', 7);
CREATE TABLE datasets (dataset_id text PRIMARY KEY, dataset_slug varchar(90), bar_interval_ms integer, lookback_rows bigint, metadata text);
INSERT INTO datasets VALUES ('${BTC}', 'btc25_1', 14400000, 240, '{"version": 1}');
CREATE VIEW dataset_hierarchy AS
SELECT i.dataset_id, i.questdb_measurement AS dataset, r.run_id, r.status FROM indicator_datasets i LEFT JOIN walkforward_runs r USING (dataset_id);
CREATE FUNCTION fn_list_simulations(p_limit integer DEFAULT 50) RETURNS SETOF dataset_hierarchy LANGUAGE sql STABLE AS 'SELECT * FROM dataset_hierarchy';
GRANT SELECT ON dataset_hierarchy TO ${READER}`;

/** What the values are to be, where JSON shows them in another way than before. */
const SHOWN_OTHERWISE: Record<string, unknown> = {
  feature_columns: ["hma_55", "it's"],
  requested_by: "me",
  walk_config: {},
  thresholds: { long: 0.63, "a:b": [1, {}] },
  duration_ms: 465000,
  metadata: expect.anything(),
  run_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
};

/** As char(n) is, of which the blanks are no part. */
const trimmed = (value: unknown) => (typeof value === "string" ? value.trimEnd() : value);

describe("a database in which everything has another type", () => {
  let database: TestDatabase;
  let fresh: TestDatabase;
  beforeAll(async () => {
    [database, fresh] = await Promise.all([createDatabase("empty"), createDatabase()]);
    await database.query(`CREATE ROLE ${READER}`);
    await database.query(fixture("variant-b.sql"));
    await database.query(OF_OTHER_TYPES);
  });
  afterAll(async () => {
    await database.query(`DROP OWNED BY ${READER}`);
    await Promise.all([database.drop(), fresh.query(`DROP ROLE IF EXISTS ${READER}`).finally(() => fresh.drop())]);
  });

  test("is adopted by migrate, after a dry run that tells each table that is written anew, with its size", async () => {
    const before = await allRows(database);
    const { steps, refusal } = await planMigration({ url: database.url });
    expect(refusal).toBeUndefined();
    const [types] = steps;
    expect(types?.file).toBe("migrations/0000a_lossless_types.sql");
    expect(types?.rows).toContainEqual(
      expect.stringMatching(
        /^walkforward_folds \(\d+ kB\) is written anew, while others wait: .*samples_train integer becomes bigint, samples_test smallint becomes bigint/,
      ),
    );
    expect(types?.rows).toHaveLength(10);

    await migrate({ url: database.url });
    expect(await migrate({ url: database.url })).toEqual([]);
    const after = await allRows(database);
    for (const [table, rows] of before) {
      if (table === "stage1_datasets") continue;
      const kept = rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            value === null || !(name in SHOWN_OTHERWISE) ? trimmed(value) : SHOWN_OTHERWISE[name],
          ]),
        ),
      );
      expect({ table, rows: after.get(table) }).toEqual({
        table,
        rows: kept.map((row) => expect.objectContaining(row)),
      });
    }
    expect(after.get("stage1_datasets")).toContainEqual(
      expect.objectContaining({ dataset_slug: "By_Hand", metadata: { a: 1 }, ohlcv_row_count: 7 }),
    );
  });

  test("ends in the one schema, with its own defaults and its own varchar(n)", async () => {
    const own = [
      /column walkforward_runs\.(?:own|walk_config|status|prediction_measurement) /,
      /column stage1_datasets\.source /,
      /datasets: |relation datasets |column datasets\./,
      new RegExp(READER),
      /privileges on dataset_hierarchy/,
      /extension citext|citext/,
    ];
    const schema = async (of: TestDatabase) =>
      comparable(await catalogue(of)).filter((line) => !own.some((mine) => mine.test(line)));
    expect(await schema(database)).toEqual(await schema(fresh));
    const found = await catalogue(database);
    for (const line of [
      "column walkforward_runs.own character varying(7) default 'mine'::character varying",
      "column datasets.lookback_rows integer",
      "column datasets.metadata jsonb",
      "column datasets.dataset_id uuid not null",
    ]) {
      expect(found).toContain(line);
    }
    await database.query(
      `INSERT INTO walkforward_runs (target_column, feature_columns, hyperparameters) VALUES ('Close', '[]', '{}')`,
    );
    expect(
      await database.query(
        "SELECT status, walk_config, prediction_measurement FROM walkforward_runs WHERE dataset_id IS NULL AND walk_config <> '{}'",
      ),
    ).toEqual([{ status: "RUNNING", walk_config: { a: 1 }, prediction_measurement: "unnamed" }]);
    await database.query(
      "INSERT INTO stage1_datasets (dataset_id, dataset_slug, ohlcv_measurement, indicator_measurement) VALUES (gen_random_uuid(), 'd', '', '')",
    );
    expect(await database.query("SELECT source FROM stage1_datasets WHERE dataset_slug = 'd'")).toEqual([
      { source: "laptop" },
    ]);
  });

  test("keeps the rights that were given on a view that was built anew twice", async () => {
    expect(
      await database.query(`SELECT has_table_privilege('${READER}', 'dataset_hierarchy', 'SELECT') AS may`),
    ).toEqual([{ may: true }]);
  });
});

test("what would lose something is asked about, with the rows that would: nothing is changed", async () => {
  const database = await databaseOf(
    fixture("variant-a.sql"),
    `
    ALTER TABLE walkforward_folds
        ALTER best_score TYPE numeric USING CASE fold_number WHEN 7 THEN 0.12345678901234567890 ELSE fold_number END,
        ALTER samples_train TYPE double precision USING CASE WHEN fold_number < 13 THEN 0.5 ELSE 5000 END,
        ALTER thresholds TYPE text USING CASE fold_number WHEN 8 THEN '{"a": 1, "a": 2}' WHEN 9 THEN 'no JSON' ELSE '{}' END,
        ALTER metrics TYPE bytea USING '';
    ALTER TABLE simulation_trades ALTER metadata TYPE json USING '{"a": "\\u0000"}';
    ALTER TABLE simulation_trades ALTER trade_id TYPE text USING 'x';
    ALTER TABLE simulation_trade_buckets DROP CONSTRAINT simulation_trade_buckets_simulation_id_fkey, ALTER simulation_id TYPE text;
    INSERT INTO simulation_trade_buckets SELECT upper(simulation_id), side, 1, 1 FROM simulation_trade_buckets`,
  );
  const before = await catalogue(database); // the rows hold what JSON cannot be read as
  const shown = shownIn(await refusalOf(database));
  expect(await catalogue(database)).toEqual(before);
  expect(shown).toEqual([
    {
      what: "simulation_trades.trade_id is of type text: 1 rows do not fit uuid",
      rows: "x: x",
      remedy: expect.stringContaining("8-4-4-4-12"),
    },
    {
      what: "simulation_trades.metadata is of type json: 1 rows do not fit jsonb",
      rows: 'x: {"a": "\\u0000"}',
      remedy: expect.stringContaining("give these rows a value that is JSON"),
    },
    {
      what: "walkforward_folds.samples_train is of type double precision: 12 rows do not fit bigint",
      rows: expect.stringMatching(/^(?:[0-9a-f-]{36}, \d+: 0\.5 ){10}\.\.\. and 2 more$/),
      remedy: "give these rows a whole number that fits bigint",
    },
    {
      what: "walkforward_folds.best_score is of type numeric: 1 rows do not fit float8",
      rows: expect.stringMatching(/, 7: 0\.12345678901234567890$/),
      remedy: expect.stringContaining("ADD COLUMN best_score_exact numeric;"),
    },
    {
      what: "walkforward_folds.thresholds is of type text: 2 rows do not fit jsonb",
      rows: expect.stringMatching(/, 8: \{"a": 1, "a": 2\} .*, 9: no JSON$/),
      remedy: "give these rows a value that is JSON, in which no object has a name twice",
    },
    {
      what: "walkforward_folds.metrics is of type bytea, and must be jsonb",
      rows: "all",
      remedy: "migrate cannot know how its values are meant: give the column the type jsonb,\nas they are",
    },
    {
      what: "simulation_trade_buckets: 1 ids are the same uuid, written in two ways",
      rows: expect.stringMatching(/^[0-9a-f-]{36}, all$/),
      remedy: expect.stringContaining("another id"),
    },
  ]);
});

const WITHOUT_ZONE = `
ALTER TABLE simulation_trades ALTER bar_timestamp TYPE timestamp USING '2025-03-01 00:00:00.000001';
ALTER TABLE walkforward_runs ALTER started_at TYPE date USING '2025-03-30', ALTER completed_at TYPE timestamp(3) USING '2025-03-30 02:30',
    ALTER created_at TYPE timestamp, ALTER created_at SET DEFAULT now(), ALTER completed_at SET DEFAULT (now() AT TIME ZONE 'utc')`;

test.each(["--assume-utc", "the printed statements, in a session of another zone"])(
  "times without a zone are adopted by %s as what they are in UTC, and not without a word",
  async (how) => {
    const database = await databaseOf(fixture("variant-a.sql"), WITHOUT_ZONE);
    await database.query(`ALTER DATABASE ${nameOf(database)} SET timezone = 'Europe/Berlin'`);
    const refusal = await refusalOf(database);
    expect(shownIn(refusal)).toMatchObject(
      [
        { what: "simulation_trades has times without a zone", rows: "bar_timestamp timestamp without time zone" },
        { what: "walkforward_runs has times without a zone", rows: /^started_at date completed_at timestamp\(3\)/ },
      ].map((shown) => ({ ...shown, rows: expect.stringMatching(shown.rows) })),
    );
    if (how === "--assume-utc") await migrate({ url: database.url, assumeUtc: true });
    else
      await mend(
        { ...database, query: (text) => database.query(`SET timezone = 'Asia/Tokyo'; ${text} SET timezone = 'UTC'`) },
        refusal,
      );
    expect(await database.query("SELECT bar_timestamp FROM simulation_trades")).toEqual([
      { bar_timestamp: "2025-03-01 00:00:00.000001+00" },
    ]);
    expect(await database.query("SELECT DISTINCT started_at, completed_at FROM walkforward_runs")).toEqual([
      { started_at: "2025-03-30 00:00:00+00", completed_at: "2025-03-30 02:30:00+00" },
    ]);
    expect(await catalogue(database)).toContain(
      "column walkforward_runs.created_at timestamp with time zone not null default now()",
    );
    await database.query(
      "UPDATE walkforward_runs SET completed_at = DEFAULT, started_at = now() WHERE run_id = md5('run1')::uuid",
    );
    expect(await database.query("SELECT FROM walkforward_runs WHERE completed_at = started_at")).toHaveLength(1);
  },
);

/** Somebody's own on columns that change their type: PostgreSQL takes none of these along. */
const IN_THE_WAY = `
ALTER TABLE walkforward_folds ALTER samples_train TYPE integer, ALTER thresholds TYPE json, ADD in_all integer GENERATED ALWAYS AS (samples_train + 1) STORED,
    ADD CONSTRAINT own_check CHECK (json_typeof(thresholds) = 'object'), ADD CONSTRAINT sound_check CHECK (samples_train > 0);
CREATE VIEW own_view AS SELECT samples_train FROM walkforward_folds;
CREATE VIEW own_outer_view AS SELECT * FROM own_view;
CREATE MATERIALIZED VIEW own_matview AS SELECT samples_train FROM walkforward_folds;
CREATE TABLE own_log (n integer);
CREATE RULE own_rule AS ON UPDATE TO walkforward_folds DO ALSO INSERT INTO own_log VALUES (NEW.samples_train);
CREATE FUNCTION own_function() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(samples_train) FROM walkforward_folds; END;
CREATE FUNCTION own_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER own_trigger BEFORE UPDATE OF samples_train ON walkforward_folds FOR EACH ROW EXECUTE FUNCTION own_trigger();
CREATE TRIGGER own_when BEFORE UPDATE ON walkforward_folds FOR EACH ROW WHEN (NEW.samples_train > 5) EXECUTE FUNCTION own_trigger();
CREATE TRIGGER own_of_all BEFORE UPDATE ON walkforward_folds FOR EACH ROW EXECUTE FUNCTION own_trigger();
CREATE POLICY own_policy ON walkforward_folds FOR SELECT USING (samples_train > 0);
CREATE PUBLICATION own_publication FOR TABLE walkforward_folds (run_id, fold_number, samples_train) WHERE (samples_train > 3), TABLE walkforward_runs;
CREATE INDEX own_index ON walkforward_folds ((thresholds ->> 'long'));
CREATE INDEX own_typed_index ON walkforward_folds (json_typeof(thresholds));
CREATE INDEX own_plain_index ON walkforward_folds (samples_train);
ALTER TABLE simulation_trades ALTER trade_id TYPE text;
CREATE INDEX own_pattern ON simulation_trades (trade_id text_pattern_ops);
CREATE TABLE own_notes (trade text REFERENCES simulation_trades)`;

test("own objects on a column that changes its type are named before anything is changed, and the remedies mend them", async () => {
  const database = await databaseOf(fixture("variant-a.sql"), IN_THE_WAY);
  const refusal = await refusalOf(database);
  expect(shownIn(refusal).map(({ what }) => what)).toEqual([
    "view own_outer_view depends on what is built anew",
    "column in_all of table walkforward_folds depends on what is built anew",
    "function own_function() depends on what is built anew",
    "materialized view own_matview depends on what is built anew",
    "policy own_policy on table walkforward_folds depends on what is built anew",
    "publication of table walkforward_folds in publication own_publication depends on what is built anew",
    "rule own_rule on table walkforward_folds depends on what is built anew",
    "trigger own_trigger on table walkforward_folds depends on what is built anew",
    "trigger own_when on table walkforward_folds depends on what is built anew",
    "view own_view depends on what is built anew",
    "index own_pattern of simulation_trades does not fit the new type",
    "check own_check of walkforward_folds does not fit the new type",
    "index own_typed_index of walkforward_folds does not fit the new type",
    "the foreign key own_notes_trade_fkey of own_notes is between two types, once ours is uuid",
  ]);
  expect(refusal).not.toMatch(/\| DROP TABLE| CASCADE;/);
  await mend(database, refusal);
  const found = await catalogue(database);
  for (const line of [
    /^trigger CREATE TRIGGER own_of_all /,
    /^trigger CREATE TRIGGER own_when .*samples_train > 5/,
    /^index CREATE INDEX own_plain_index /,
    /^constraint walkforward_folds\.sound_check /,
    /^constraint own_notes\.own_notes_trade_fkey FOREIGN KEY \(trade\) REFERENCES simulation_trades/,
  ]) {
    expect(found).toContainEqual(expect.stringMatching(line));
  }
  expect(
    await database.query("SELECT rowfilter FROM pg_publication_tables WHERE tablename = 'walkforward_folds'"),
  ).toEqual([{ rowfilter: "(samples_train > 3)" }]);
});

test("a table stage1_datasets made by hand that would refuse the master rows: each reason is named with the rows, and mended", async () => {
  const database = await databaseOf(
    fixture("variant-a.sql"),
    `
    CREATE TABLE symbols (symbol text PRIMARY KEY);
    INSERT INTO symbols VALUES ('BTCUSDT');
    CREATE TABLE stage1_datasets (
        dataset_id uuid PRIMARY KEY, dataset_slug varchar(9) NOT NULL UNIQUE, symbol text REFERENCES symbols, granularity text UNIQUE,
        indicator_row_count integer CONSTRAINT small CHECK (indicator_row_count < 5000), owner text NOT NULL, team text NOT NULL DEFAULT 'ours',
        CONSTRAINT one_at_a_time EXCLUDE (symbol WITH =));
    INSERT INTO stage1_datasets VALUES (gen_random_uuid(), 'other', NULL, '4h', 1, 'me');
    CREATE FUNCTION own_raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not in this house'; END $$;
    CREATE TRIGGER own_raise BEFORE INSERT ON stage1_datasets FOR EACH ROW EXECUTE FUNCTION own_raise();
    CREATE TRIGGER own_off BEFORE INSERT ON stage1_datasets FOR EACH ROW EXECUTE FUNCTION own_raise();
    ALTER TABLE stage1_datasets DISABLE TRIGGER own_off, ENABLE ALWAYS TRIGGER own_raise`,
  );
  const refusal = await refusalOf(database);
  const shown = shownIn(refusal);
  expect(
    shown.map(({ what }) => what.replace("rows of indicator_datasets get a row of stage1_datasets: ", "")),
  ).toEqual([
    "owner is NOT NULL, and has no default",
    "its check small refuses them",
    "its foreign key stage1_datasets_symbol_fkey refuses them",
    "its index stage1_datasets_granularity_key refuses them",
  ]);
  expect(shown[3]?.rows).toBe(`dataset_id: ${BTC}`);
  await mend(database, refusal);
  expect(await database.query("SELECT FROM stage1_datasets")).toHaveLength(4);
  expect(await database.query("SELECT tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'own_%' ORDER BY 1")).toEqual(
    [
      { tgname: "own_off", tgenabled: "D" },
      { tgname: "own_raise", tgenabled: "A" },
    ],
  );
});

test("two names for one table are told with the rows, and a rule, a partitioned table and a key of other columns with what mends them", async () => {
  const database = await databaseOf(
    fixture("variant-a.sql"),
    `
    ALTER TABLE indicator_datasets ADD questdb_measurement text;
    UPDATE indicator_datasets SET questdb_measurement = CASE questdb_tag WHEN 'btc25_1' THEN 'btc25_1_ind' END;
    CREATE RULE own_rule AS ON INSERT TO indicator_datasets DO ALSO NOTIFY own;
    ALTER TABLE simulation_trades RENAME TO trades_before;
    CREATE TABLE simulation_trades (LIKE trades_before INCLUDING ALL) PARTITION BY HASH (trade_id);
    CREATE TABLE trades_of_all PARTITION OF simulation_trades FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    INSERT INTO simulation_trades SELECT * FROM trades_before;
    DROP TABLE trades_before;
    ALTER TABLE simulation_runs ADD number integer GENERATED ALWAYS AS IDENTITY;
    ALTER TABLE simulation_trade_buckets DROP CONSTRAINT simulation_trade_buckets_simulation_id_fkey;
    ALTER TABLE simulation_runs DROP CONSTRAINT simulation_runs_pkey, ADD PRIMARY KEY (number);
    CREATE TABLE own_notes (number integer REFERENCES simulation_runs)`,
  );
  const refusal = await refusalOf(database);
  expect(shownIn(refusal).map(({ what, rows }) => [what, rows])).toEqual([
    ["simulation_trades must be a table", "partitioned table simulation_trades"],
    ["simulation_runs must have the primary key (simulation_id)", "PRIMARY KEY (number)"],
    [
      "indicator_datasets: 1 rows have two names for one table, questdb_tag and questdb_measurement",
      `${BTC}: btc25_1, btc25_1_ind`,
    ],
  ]);
  await mend(database, refusal);
  expect(await database.query("SELECT FROM simulation_trades")).toHaveLength(1);
  expect(await database.query("SELECT FROM pg_rules WHERE rulename = 'own_rule'")).toHaveLength(1);
  expect(await catalogue(database)).toContain(
    "constraint own_notes.own_notes_number_fkey FOREIGN KEY (number) REFERENCES simulation_runs(number)",
  );
});

test("of many groups of rows that share a value one statement mends all", async () => {
  const database = await databaseOf(
    fixture("variant-b.sql"),
    `ALTER TABLE simulation_runs ADD COLUMN questdb_namespace varchar(60) DEFAULT 'trading_sim_traces';
     INSERT INTO walkforward_runs (run_id, dataset_id, prediction_measurement, target_column, feature_columns, hyperparameters, walk_config, status)
     SELECT md5('many' || n)::uuid, '${BTC}', 'many' || n, 'Close', '[]', '{}', '{}', 'RUNNING' FROM generate_series(1, 90) n;
     INSERT INTO simulation_runs (run_id, dataset_id, input_run_measurement, mode, config, status)
     SELECT md5('many' || n)::uuid, '${BTC}', 'x', 'dual', '{}', 'COMPLETED' FROM generate_series(1, 90) n, generate_series(1, 3)`,
  );
  const refusal = await refusalOf(database);
  expect(refusal.match(/UPDATE simulation_runs/g)).toHaveLength(1);
  expect(shownIn(refusal).at(-1)?.rows).toBe("... and 71 more such groups");
  await mend(database, refusal);
});

/** What is the operator's, on a database of the dashboard. */
const OWN = `
CREATE FUNCTION upsert_stage1_dataset(p_id uuid, p_slug text) RETURNS uuid LANGUAGE sql AS 'SELECT p_id';
CREATE FUNCTION fn_list_runs(p_status text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION fn_list_simulations(p_limit bigint DEFAULT 5) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION stage1_run_status(p_code integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION fn_list_datasets(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fn_list_datasets(integer, integer) TO READER WITH GRANT OPTION;
GRANT SELECT ON dataset_hierarchy TO PUBLIC;
GRANT SELECT (run_id), UPDATE (gone) ON dataset_hierarchy TO READER;
ALTER TABLE walkforward_runs ADD CONSTRAINT own_status CHECK (status <> ''), ADD CONSTRAINT own_words CHECK (status IN ('COMPLETED', 'RUNNING', 'Done')),
    ALTER created_at SET DEFAULT '2025-01-01', ADD own varchar(7);
ALTER TABLE indicator_datasets DISABLE TRIGGER dashboard_updated_at;`;

test("own overloads, checks, defaults, rights and disabled triggers stay; what cannot is told by the dry run", async () => {
  const role = `own_${randomBytes(6).toString("hex")}`;
  const database = await databaseOf(
    fixture("variant-b.sql"),
    `CREATE ROLE ${role}`,
    "DROP VIEW dataset_hierarchy; CREATE VIEW dataset_hierarchy AS SELECT run_id, 1 AS gone FROM walkforward_runs",
    OWN.replaceAll("READER", role),
  );
  onTestFinished(async () => {
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  const planned = (await planMigration({ url: database.url })).steps.flatMap(({ rows }) => rows);
  for (const line of [
    "public.fn_list_simulations(bigint) goes: calls that mean ours could mean it",
    "public.fn_list_runs(uuid, integer) goes: calls that mean ours could mean it",
    "the list of words own_words of walkforward_runs goes, unless it has all of ours",
  ]) {
    expect(planned).toContain(line);
  }
  const warnings: string[] = [];
  await migrate({ url: database.url, warn: (message) => warnings.push(message) });
  expect(warnings).toEqual([
    expect.stringMatching(/^not given again, since the column is gone: GRANT UPDATE \(gone\)/),
  ]);
  const state = async () => ({
    routines: await database.query(
      "SELECT oid::regprocedure::text AS name FROM pg_proc WHERE proname ~ '^(fn_list|stage1_run|upsert)' ORDER BY 1",
    ),
    rights: await database.query(`
      SELECT has_function_privilege('${role}', 'fn_list_datasets(integer, integer)', 'EXECUTE WITH GRANT OPTION') AS lists,
             has_function_privilege('${READER_OF_NOTHING}', 'fn_list_datasets(integer, integer)', 'EXECUTE') AS everybody_lists,
             has_function_privilege('${READER_OF_NOTHING}', 'fn_list_runs(uuid, integer, integer)', 'EXECUTE') AS everybody_runs,
             has_table_privilege('${READER_OF_NOTHING}', 'dataset_hierarchy', 'SELECT') AS everybody_reads`),
    checks: await database.query("SELECT conname FROM pg_constraint WHERE conname LIKE 'own_%'"),
    triggers: await database.query("SELECT tgenabled FROM pg_trigger WHERE tgname = 'dashboard_updated_at'"),
  });
  const expected = {
    routines: [
      "fn_list_datasets(integer,integer)",
      "fn_list_runs(text)",
      "fn_list_runs(uuid,integer,integer)",
      "fn_list_simulations(uuid,integer,integer)",
      "stage1_run_status(integer)",
      "stage1_run_status(text)",
      "upsert_stage1_dataset(uuid,text)",
      "upsert_stage1_dataset(uuid,text,text,text,text,text,text,bigint,bigint,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone,jsonb)",
    ].map((name) => ({ name })),
    rights: [{ lists: true, everybody_lists: false, everybody_runs: true, everybody_reads: true }],
    checks: [{ conname: "own_status" }],
    triggers: [{ tgenabled: "D" }],
  };
  expect(await state()).toEqual(expected);
  // And again, when views and functions are built anew; a trigger of ours that is disabled stays so too.
  await database.query(`
    ALTER TABLE stage1_datasets DISABLE TRIGGER stage1_datasets_touch_updated_at;
    UPDATE stage1_schema_ledger SET sha256 = 'x' WHERE file = 'grants.sql'`);
  expect(await migrate({ url: database.url })).toContain("views/05_former_names.sql");
  expect(await state()).toEqual(expected);
  expect(
    await database.query("SELECT tgenabled FROM pg_trigger WHERE tgname = 'stage1_datasets_touch_updated_at'"),
  ).toEqual([{ tgenabled: "D" }]);
  expect(await catalogue(database)).toContain(
    "column walkforward_runs.created_at timestamp with time zone not null default '2025-01-01 00:00:00+00'::timestamp with time zone",
  );

  // As after a restore into a cluster whose role stage1_app had no rights here.
  await database.query("REVOKE ALL ON stage1_datasets, dataset_catalog FROM stage1_app");
  expect((await planMigration({ url: database.url })).steps.map(({ file }) => file)).toEqual(["grants.sql"]);
  expect(await migrate({ url: database.url })).toEqual(["grants.sql"]);
  expect(await migrate({ url: database.url })).toEqual([]);
  expect(await database.query("SELECT has_table_privilege('stage1_app', 'stage1_datasets', 'INSERT') AS may")).toEqual([
    { may: true },
  ]);
});

/** A role of PostgreSQL's own, which has what everybody has. */
const READER_OF_NOTHING = "pg_signal_backend";

test("settings of the database that would change what a statement means change nothing; keys that are not enforced are left or replaced", async () => {
  const database = await databaseOf(
    fixture("variant-b.sql"),
    `
    ALTER TABLE walkforward_folds DROP CONSTRAINT walkforward_folds_run_id_fkey,
        ADD CONSTRAINT walkforward_folds_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs ON DELETE CASCADE NOT ENFORCED;
    CREATE TABLE own (id integer PRIMARY KEY);
    ALTER TABLE walkforward_runs ADD own integer DEFAULT 5, ADD CONSTRAINT own_key FOREIGN KEY (own) REFERENCES own NOT ENFORCED;
    ALTER TABLE simulation_runs DROP CONSTRAINT simulation_runs_run_id_fkey,
        ADD CONSTRAINT simulation_runs_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs ON DELETE SET NULL NOT ENFORCED`,
  );
  await database.query(`ALTER DATABASE ${nameOf(database)} SET standard_conforming_strings = off`);
  expect(await refusalOf(database)).toBe("");
  const found = await catalogue(database);
  expect(found).toContain("constraint walkforward_runs.own_key FOREIGN KEY (own) REFERENCES own(id) NOT ENFORCED");
  for (const line of [
    "constraint walkforward_folds.walkforward_folds_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs(run_id) ON DELETE CASCADE",
    "constraint simulation_runs.simulation_runs_run_id_fkey FOREIGN KEY (run_id) REFERENCES walkforward_runs(run_id) ON DELETE SET NULL",
  ]) {
    expect(found).toContain(line);
  }
});

import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { requireAdopted } from "../../src/commands/adoption.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openClient } from "../../src/db/pool.ts";
import { requireCurrent } from "../../src/db/schema-state.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { catalogue } from "./catalogue.ts";
import { fixture, SQL_DIR } from "./fixture.ts";
import { mend, refusalOf, shownIn } from "./remedies.ts";

/** Roles belong to the whole server, which other tests share: names of this run's own. */
const OWNER = `owner_${randomBytes(6).toString("hex")}`;
const LEGACY = `legacy_${randomBytes(6).toString("hex")}`;
const STRANGER = `stranger_${randomBytes(6).toString("hex")}`;

/** Whom the migrated template belongs to. */
const SUPERUSER = new URL(inject("server")).username;

let database: TestDatabase;
let fresh: TestDatabase;
beforeAll(async () => {
  [database, fresh] = await Promise.all([createDatabase("empty"), createDatabase()]);
  await database.query(`
    CREATE ROLE ${OWNER} LOGIN PASSWORD 'secret' NOSUPERUSER;
    CREATE ROLE ${LEGACY} LOGIN PASSWORD 'secret' NOSUPERUSER;
    CREATE ROLE ${STRANGER} LOGIN PASSWORD 'secret' NOSUPERUSER`);
});
afterAll(async () => {
  await Promise.all([database.drop(), fresh.drop()]);
  const other = await createDatabase("empty");
  await other.query(`DROP ROLE ${OWNER}; DROP ROLE ${LEGACY}; DROP ROLE ${STRANGER}`);
  await other.drop();
});

const nameOf = (of: TestDatabase) => new URL(of.url).pathname.slice(1);

function urlAs(role: string, of: TestDatabase): string {
  const url = new URL(of.url);
  url.username = role;
  url.password = "secret";
  return url.href;
}

/** The catalogue, with privileges as if another role than OWNER had given them. */
async function ownedBy(role: string, of: TestDatabase): Promise<string[]> {
  return (await catalogue(of)).map((line) => line.replaceAll(OWNER, role));
}

test("the owner of a database, no superuser, migrates it whole, with the index for searches", async () => {
  await database.query(`ALTER DATABASE ${nameOf(database)} OWNER TO ${OWNER}`);
  const reported: string[] = [];
  await migrate({ url: urlAs(OWNER, database), report: (line) => reported.push(line) });
  expect(reported.filter((line) => line.startsWith("warning"))).toEqual([]);
  expect(await ownedBy(SUPERUSER, database)).toEqual(await catalogue(fresh));
});

test("a role that may make tables but no extension migrates too, without that index, and is told", async () => {
  const plain = await createDatabase("empty");
  try {
    await plain.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${OWNER}`);
    const reported: string[] = [];
    await migrate({ url: urlAs(OWNER, plain), warn: (message) => reported.push(message) });
    expect(reported).toEqual([
      expect.stringMatching(/^no index for the search of datasets: pg_trgm cannot be installed here/),
    ]);
    const missing = (await catalogue(fresh)).filter((line) =>
      /idx_stage1_datasets_search|extension pg_trgm/.test(line),
    );
    expect(missing).toHaveLength(2);
    const found = await ownedBy(SUPERUSER, plain);
    expect((await catalogue(fresh)).filter((line) => !found.includes(line))).toEqual(missing);
  } finally {
    await plain.drop();
  }
});

test("a role that does not own what is there is refused with the names and what to do, and nothing is changed", async () => {
  const foreign = await createDatabase("empty");
  try {
    await foreign.query(fixture("variant-b.sql"));
    const before = await catalogue(foreign);
    const failure = await migrate({ url: urlAs(OWNER, foreign) }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: "OperatorError",
      message: expect.stringMatching(/^The database cannot be migrated/),
    });
    expect(failure).toMatchObject({
      message: expect.stringContaining(`GRANT USAGE, CREATE ON SCHEMA public TO ${OWNER};`),
    });
    for (const object of ["TABLE indicator_datasets", "VIEW dataset_hierarchy", "ROUTINE fn_list_runs(uuid,integer)"]) {
      expect(failure).toMatchObject({ message: expect.stringContaining(`ALTER ${object} OWNER TO ${OWNER};`) });
    }
    expect(await catalogue(foreign)).toEqual(before);
  } finally {
    await foreign.drop();
  }
});

test("a legacy client that could write indicator_datasets alone before goes on working, and names its dataset in the catalogue", async () => {
  await database.query(`GRANT INSERT, UPDATE ON indicator_datasets TO ${LEGACY}`);
  await database.query(readFileSync(`${SQL_DIR}/grants.sql`, "utf8")); // as migrate does
  const client = await openClient(urlAs(LEGACY, database));
  const dataset_id = randomUUID();
  try {
    // An id that its desktop made of a slug that is stored becomes an alias, which is nobody's to change afterwards.
    await client.query(
      `INSERT INTO indicator_datasets (symbol, granularity, source, questdb_tag) VALUES ('S', '1h', 'x', 'led'), ('S', '1h', 'x', 'other')`,
    );
    await client.query(
      `INSERT INTO indicator_datasets (dataset_id, symbol, granularity, source, questdb_tag) VALUES ($1, 'T', '1h', 'x', 'led')
       ON CONFLICT (dataset_id) DO UPDATE SET symbol = EXCLUDED.symbol`,
      [randomUUID()],
    );
    await expect(client.query("UPDATE stage1_dataset_aliases SET alias_id = alias_id")).rejects.toMatchObject({
      code: "42501",
    });
    // Its own temporary table of the master's name must not come in between.
    await client.query("CREATE TEMP TABLE stage1_datasets (LIKE public.indicator_datasets)");
    await client.query("SET search_path = pg_catalog");
    await client.query(
      `INSERT INTO public.indicator_datasets (dataset_id, symbol, granularity, source, questdb_tag)
       VALUES ($1, 'S', '1h', 'x', 'by_role') ON CONFLICT (dataset_id) DO UPDATE SET symbol = EXCLUDED.symbol`,
      [dataset_id],
    );
  } finally {
    await client.end();
  }
  expect(await database.query("SELECT dataset_slug FROM dataset_catalog WHERE dataset_id = $1", [dataset_id])).toEqual([
    { dataset_slug: "by_role" },
  ]);
});

test("a legacy role goes on writing columns of runs, also what a placeholder stands for, and where functions are nobody's to call", async () => {
  const legacy = await createDatabase();
  const [named, unnamed] = [randomUUID(), randomUUID()];
  try {
    await legacy.query(`
      GRANT INSERT (run_id, status, walk_config), UPDATE (status) ON walkforward_runs TO ${LEGACY};
      GRANT INSERT, UPDATE ON simulation_runs, walkforward_folds TO ${LEGACY};
      DO $$ DECLARE own regprocedure; BEGIN
        FOR own IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP
          EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
        END LOOP;
      END $$`);
    expect(await migrate({ url: legacy.url })).toEqual(["grants.sql"]);
    expect(await migrate({ url: legacy.url })).toEqual([]);
    await legacy.query(`SET stage1.placeholders = 'on';
      INSERT INTO simulation_trade_buckets (simulation_id, side, trade_count, win_count) VALUES ('${named}', 'long', 0, 0); RESET stage1.placeholders`);
    const client = await openClient(urlAs(LEGACY, legacy));
    try {
      const run = "INSERT INTO walkforward_runs (run_id, status, walk_config) VALUES ($1, 'RUNNING', '{}')";
      await client.query(run, [unnamed]);
      await client.query(
        `INSERT INTO walkforward_folds (run_id, fold_number, metrics) VALUES ($1, 0, '{"best_score": 1}')`,
        [unnamed],
      );
      await client.query(
        `INSERT INTO simulation_runs (simulation_id, input_run_measurement, mode, config, status) VALUES ($1, 'i', 'dual', '{}', 'x')`,
        [named],
      );
    } finally {
      await client.end();
    }
    expect(await legacy.query("SELECT FROM stage1_placeholders WHERE filled_at IS NULL")).toEqual([]);
    expect(await legacy.query("SELECT mode FROM simulation_runs")).toEqual([{ mode: "dual" }]);
  } finally {
    await legacy.drop();
  }
});

/** Functions of ours that run with their owner's rights, and who may execute them. */
const DEFINERS = `
  SELECT p.oid::regprocedure::text AS name, has_function_privilege('${STRANGER}', p.oid, 'EXECUTE') AS stranger,
         has_function_privilege('stage1_app', p.oid, 'EXECUTE') AS app
  FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace`;

test("no function runs with another's rights, also where the former version's trigger was there", async () => {
  expect(await fresh.query(DEFINERS)).toEqual([]);
  const former = await createDatabase();
  try {
    await former.query(`
      ALTER FUNCTION stage1_master_of_legacy_row() SECURITY DEFINER;
      DELETE FROM stage1_schema_ledger WHERE file LIKE '%0003b%' OR file LIKE '%functions/16%'`);
    expect(await former.query(DEFINERS)).toHaveLength(1);
    await migrate({ url: former.url });
    expect(await former.query(DEFINERS)).toEqual([]);
  } finally {
    await former.drop();
  }
});

/** The roles, other than itself, that a role's own code runs as, when it uses these trigger functions on a table of its own. */
async function runsAs(role: string, functions: readonly string[]): Promise<string[]> {
  const client = await openClient(fresh.url);
  try {
    await client.query(`SET SESSION AUTHORIZATION ${role}`);
    // A cast of one's own type says who it runs as.
    await client.query(`
      CREATE TEMP TABLE ran_as (who name);
      GRANT ALL ON ran_as TO PUBLIC;
      CREATE TYPE pg_temp.mine AS (a text);
      CREATE FUNCTION pg_temp.spy(pg_temp.mine) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO pg_temp.ran_as VALUES (current_user); RETURN ($1).a; END $$;
      CREATE CAST (pg_temp.mine AS text) WITH FUNCTION pg_temp.spy(pg_temp.mine) AS IMPLICIT`);
    for (const [n, name] of functions.entries()) {
      await client.query(`
        CREATE TEMP TABLE own_${n} (dataset_id uuid, run_id uuid, simulation_id uuid, questdb_tag pg_temp.mine,
          questdb_measurement pg_temp.mine, symbol pg_temp.mine, dataset_slug pg_temp.mine, walk_config jsonb,
          prediction_measurement text, created_at timestamptz, metadata jsonb, metrics jsonb, updated_at timestamptz)`);
      // Some refuse the table, or lack a column of it.
      for (const when of ["BEFORE", "AFTER"]) {
        await client
          .query(`CREATE TRIGGER t${when} ${when} INSERT ON own_${n} FOR EACH ROW EXECUTE FUNCTION ${name}`)
          .catch(() => {});
      }
      await client.query("BEGIN");
      await client
        .query(`INSERT INTO own_${n} (dataset_id, questdb_tag, symbol) VALUES (gen_random_uuid(), ROW('x'), ROW('y'))`)
        .then(
          () => client.query("COMMIT"),
          () => client.query("ROLLBACK"),
        );
    }
    const { rows } = await client.query<{ who: string }>("SELECT DISTINCT who FROM ran_as WHERE who <> current_user");
    return rows.map(({ who }) => who);
  } finally {
    await client.end();
  }
}

test("a role without grants, and stage1_app, gain nothing by a trigger function of ours on a table of their own", async () => {
  const rows = await fresh.query<{ name: string }>(
    "SELECT oid::regprocedure::text AS name FROM pg_proc WHERE prorettype = 'trigger'::regtype AND pronamespace = 'public'::regnamespace",
  );
  const functions = rows.map(({ name }) => name);
  expect(functions.length).toBeGreaterThanOrEqual(8);
  for (const role of [STRANGER, "stage1_app"]) expect(await runsAs(role, functions)).toEqual([]);
  // It would be seen.
  await fresh.query(`
    CREATE FUNCTION definer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM NEW.symbol::text; RETURN NEW; END $$`);
  expect(await runsAs(STRANGER, ["definer()"])).toEqual([SUPERUSER]);
  await fresh.query("DROP FUNCTION definer()");
});

test("a database whose default schema is another holds all in that one", async () => {
  const other = await createDatabase("empty");
  try {
    await other.query(`CREATE SCHEMA "Lineage of 1"; ALTER DATABASE ${nameOf(other)} SET search_path = "Lineage of 1"`);
    await migrate({ url: other.url });
    expect(await migrate({ url: other.url })).toEqual([]);
    expect(await other.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")).toEqual([]);

    const client = await openClient(other.url);
    try {
      const found = await catalogue({ query: async <Row>(text: string) => (await client.query(text)).rows as Row[] });
      const tables = /^(?:column|index|constraint) /;
      expect(found.filter((line) => tables.test(line))).toEqual(
        (await catalogue(fresh))
          .filter((line) => tables.test(line))
          .map((line) => line.replaceAll("public.", '"Lineage of 1".')),
      );
      // A legacy client that names the schema, and has another one by default.
      await client.query(`
        SET search_path = public;
        INSERT INTO "Lineage of 1".indicator_datasets (symbol, granularity, source, questdb_tag) VALUES ('S', '1h', 'x', 'far')`);
      const { rows } = await client.query('SELECT dataset_slug FROM "Lineage of 1".dataset_catalog');
      expect(rows).toEqual([{ dataset_slug: "far" }]);
    } finally {
      await client.end();
    }
  } finally {
    await other.drop();
  }
});

test("rows that a policy keeps from the owner too stop the migration before it begins, and it goes on where that is lifted", async () => {
  const hidden = await createDatabase("empty");
  try {
    await hidden.query(`ALTER DATABASE ${nameOf(hidden)} OWNER TO ${OWNER}; SET ROLE ${OWNER}; ${fixture("variant-a.sql")}
      ALTER TABLE walkforward_runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY own ON walkforward_runs USING (status = 'Done'); RESET ROLE`);
    const url = urlAs(OWNER, hidden);
    const refusal = await refusalOf(hidden, { url });
    expect(shownIn(refusal)).toEqual([
      {
        what: "walkforward_runs has row security that is forced on its owner: not all rows are seen",
        rows: "",
        remedy: expect.stringMatching(/^ALTER TABLE walkforward_runs NO FORCE ROW LEVEL SECURITY;/),
      },
    ]);
    await mend(hidden, refusal, { url });
    expect(
      await hidden.query("SELECT relforcerowsecurity AS forced FROM pg_class WHERE relname = 'walkforward_runs'"),
    ).toEqual([{ forced: true }]);
    expect(await hidden.query("SELECT FROM walkforward_runs")).toHaveLength(3);
  } finally {
    await hidden.drop();
  }
});

test("tables in a schema that the search_path does not name are not doubled beside it, and a search_path without a schema is told", async () => {
  const other = await createDatabase("empty");
  try {
    await other.query(`CREATE SCHEMA lab; SET search_path = lab; ${fixture("variant-a.sql")}; RESET search_path`);
    const refusal = await refusalOf(other);
    expect(shownIn(refusal)).toMatchObject([
      {
        what: "the tables are in schema lab, which the search_path does not name",
        rows: "indicator_datasets, simulation_runs, walkforward_runs",
        remedy: expect.stringContaining(`IN DATABASE ${nameOf(other)} SET search_path = lab;`),
      },
    ]);
    expect(await other.query("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace")).toEqual([]);

    await other.query(`ALTER DATABASE ${nameOf(other)} SET search_path = nowhere`);
    const told =
      /^The search_path \(nowhere\) names no schema .*`ALTER ROLE \S+ IN DATABASE \S+ SET search_path = lab`/;
    expect(await refusalOf(other)).toMatch(told);
    await expect(requireCurrent(other.url)).rejects.toThrow(told); // as serve, validate and replay do
    await expect(requireAdopted(other.url)).rejects.toThrow(told);

    await other.query(`ALTER DATABASE ${nameOf(other)} SET search_path = lab`);
    expect(await refusalOf(other)).toBe("");
  } finally {
    await other.drop();
  }
});

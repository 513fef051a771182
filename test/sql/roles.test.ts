import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { requireAdopted } from "../../src/commands/adoption.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openClient } from "../../src/db/pool.ts";
import { requireCurrent } from "../../src/db/schema-state.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { catalogue } from "./catalogue.ts";
import { fixture } from "./fixture.ts";
import { mend, refusalOf, shownIn } from "./remedies.ts";

/** Roles belong to the whole server, which other tests share: names of this run's own. */
const OWNER = `owner_${randomBytes(6).toString("hex")}`;
const LEGACY = `legacy_${randomBytes(6).toString("hex")}`;

/** Whom the migrated template belongs to. */
const SUPERUSER = new URL(inject("server")).username;

let database: TestDatabase;
let fresh: TestDatabase;
beforeAll(async () => {
  [database, fresh] = await Promise.all([createDatabase("empty"), createDatabase()]);
  await database.query(`
    CREATE ROLE ${OWNER} LOGIN PASSWORD 'secret' NOSUPERUSER;
    CREATE ROLE ${LEGACY} LOGIN PASSWORD 'secret' NOSUPERUSER`);
});
afterAll(async () => {
  await Promise.all([database.drop(), fresh.drop()]);
  const other = await createDatabase("empty");
  await other.query(`DROP ROLE ${OWNER}; DROP ROLE ${LEGACY}`);
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

test("a legacy client that may write indicator_datasets alone goes on working, and names its dataset in the catalogue", async () => {
  await database.query(`GRANT SELECT, INSERT, UPDATE ON indicator_datasets TO ${LEGACY}`);
  const client = await openClient(urlAs(LEGACY, database));
  const dataset_id = randomUUID();
  try {
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

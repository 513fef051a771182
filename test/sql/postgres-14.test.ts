import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedDatabase, openEmbedded } from "../../src/db/embedded.ts";
import { migrate } from "../../src/db/migrate.ts";
import { requireNoOverloads } from "../../src/db/overloads.ts";
import { createPool, openClient } from "../../src/db/pool.ts";
import { requireCurrent } from "../../src/db/schema-state.ts";
import { validate } from "../../src/domain/checks.ts";
import { insertDemo } from "../../src/domain/seed/insert-demo.ts";
import { messageOf } from "../../src/errors.ts";
import { createDatabase, startServer, type TestDatabase } from "../harness.ts";
import { insertLineage } from "../lineage.ts";
import { FOUND, plant } from "../planted.ts";
import { spoolText, statementsOf } from "../spool/generations.ts";
import { catalogue, comparable } from "./catalogue.ts";
import { checklist } from "./checklist.ts";
import { fixture } from "./fixture.ts";
import { FUNCTIONS, signatures } from "./names.ts";

const BINARIES_OF = fileURLToPath(new URL("../postgres-14/package.json", import.meta.url));
const hasBinaries = process.platform === "linux" && process.arch === "x64";

describe.skipIf(!hasBinaries)("PostgreSQL 14, of which the tests have binaries for linux-x64", () => {
  let dataDir: string;
  let server: EmbeddedDatabase;
  let db: TestDatabase;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "stage1-test-14-"));
    // Its initdb goes to its own folder and comes back by path; as root it is another user, who must find the way.
    await chmod(dataDir, 0o755);
    const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
    server = await openEmbedded({ dataDir, purpose: "tests", binariesOf: BINARIES_OF, settings });
    await migrate({ url: server.url });
    const pool = createPool({ url: server.url, max: 2, statementTimeoutMs: 60_000, onIdleError: () => {} });
    db = { url: server.url, query: pool.query, drop: pool.end };
  });
  afterAll(async () => {
    await db.drop();
    await server.release();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("is what runs here", async () => {
    expect(await db.query("SELECT current_setting('server_version_num')::int / 10000 AS major")).toEqual([
      { major: 14 },
    ]);
  });

  test("is left alone by a second migrate", async () => {
    expect(await migrate({ url: server.url })).toEqual([]);
  });

  test("holds the same schema as the embedded PostgreSQL; only the text of the views is worded otherwise", async () => {
    const current = await createDatabase();
    const wording = (line: string) => !line.startsWith("view ");
    expect((await catalogue(db)).filter(wording)).toEqual((await catalogue(current)).filter(wording));
    expect(await signatures(db)).toEqual(FUNCTIONS);
    await current.drop();
  });

  checklist(() => db);

  test.each(["variant-a.sql", "variant-b.sql"])("adopts a database of %s", async (variant) => {
    const name = variant.replace(/\W/g, "_");
    await db.query(`CREATE DATABASE ${name}`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    const client = await openClient(url.href);
    try {
      await client.query(fixture(variant));
      await migrate({ url: url.href });
      expect(await migrate({ url: url.href })).toEqual([]);
      const adopted = { query: async <Row>(text: string) => (await client.query(text)).rows as Row[] };
      expect(comparable(await catalogue(adopted))).toEqual(comparable(await catalogue(db)));
      const { rows } = await client.query("SELECT FROM stage1_datasets JOIN indicator_datasets USING (dataset_id)");
      expect(rows.length).toBeGreaterThan(1);
    } finally {
      await client.end();
    }
  });

  test("adopts a database of other types, and makes the role again that a restore has not brought", async () => {
    await db.query("CREATE DATABASE of_other_types");
    const url = new URL(server.url);
    url.pathname = "/of_other_types";
    const client = await openClient(url.href);
    try {
      await client.query(`${fixture("variant-a.sql")};
        ALTER TABLE walkforward_folds ALTER samples_train TYPE integer, ALTER thresholds TYPE json, ALTER best_score TYPE numeric;
        ALTER TABLE simulation_trades ALTER trade_id TYPE text, ALTER bar_timestamp TYPE timestamp;
        CREATE TABLE stage1_datasets (dataset_id uuid PRIMARY KEY, dataset_slug text UNIQUE, owner text)`);
      await migrate({ url: url.href, assumeUtc: true });
      const adopted = { query: async <Row>(text: string) => (await client.query(text)).rows as Row[] };
      const own = (line: string) => !line.includes("stage1_datasets.owner");
      expect(comparable(await catalogue(adopted)).filter(own)).toEqual(comparable(await catalogue(db)));

      for (const each of [adopted, db]) await each.query("DROP OWNED BY stage1_app");
      const databases = await adopted.query<{ name: string }>(
        "SELECT datname AS name FROM pg_database WHERE datname ~ '^variant_'",
      );
      for (const { name } of databases) await client.query(`DROP DATABASE ${name}`);
      await client.query("DROP ROLE stage1_app");
      expect(await migrate({ url: url.href })).toEqual(["grants.sql"]);
      expect(await migrate({ url: url.href })).toEqual([]);
      await migrate({ url: server.url });
      expect(await db.query("SELECT has_table_privilege('stage1_app', 'stage1_datasets', 'INSERT') AS may")).toEqual([
        { may: true },
      ]);
    } finally {
      await client.end();
    }
  });

  test("a function or an operator that anybody puts beside PostgreSQL's own, or ours, is not run by others' writes, and stops who migrates", async () => {
    for (const what of ["ROLE anybody", "DATABASE shared"]) await db.query(`CREATE ${what}`);
    const url = new URL(server.url);
    url.pathname = "/shared";
    const warnings: string[] = [];
    await migrate({ url: url.href, warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringContaining("REVOKE CREATE ON SCHEMA public FROM PUBLIC")]);
    const client = await openClient(url.href);
    try {
      await client.query(`
        CREATE TABLE ran (what text); GRANT INSERT ON ran TO PUBLIC;
        SET SESSION AUTHORIZATION anybody;
        CREATE FUNCTION spy(text) RETURNS void LANGUAGE sql AS 'INSERT INTO public.ran VALUES ($1)';
        DO $$
        DECLARE own record;
        BEGIN
          FOR own IN SELECT * FROM (VALUES
            ('stage1_fill_placeholder(text, uuid, oid, text, walkforward_runs)', 'boolean'), ('stage1_lead_dataset(uuid, varchar)', 'uuid'),
            ('stage1_add_placeholder_run(uuid, text, text)', 'void'), ('stage1_statement_that_fills(oid, text)', 'text'),
            ('to_jsonb(stage1_datasets)', 'jsonb'), ('to_jsonb(indicator_datasets)', 'jsonb'), ('to_jsonb(datasets)', 'jsonb'),
            ('jsonb_populate_record(stage1_datasets, jsonb)', 'stage1_datasets'), ('jsonb_build_object(text, jsonb)', 'jsonb'),
            ('format(text, text)', 'text'), ('quote_ident(name)', 'text'), ('lower(varchar)', 'text')) AS f (name, result)
          LOOP
            EXECUTE pg_catalog.format('CREATE FUNCTION %s RETURNS %s LANGUAGE plpgsql AS %L', own.name, own.result,
                           pg_catalog.format('BEGIN PERFORM public.spy(%L); RETURN%s; END', own.name, CASE own.result WHEN 'void' THEN '' ELSE ' NULL' END));
          END LOOP;
          FOR own IN SELECT *, 'operator_' || row_number() OVER () AS function FROM (VALUES
            ('||', 'text', 'uuid', 'text'), ('||', 'name', 'name', 'text'), ('||', 'text', 'name', 'text'), ('#>>', 'jsonb', 'jsonb', 'text'),
            ('=', 'stage1_datasets', 'stage1_datasets', 'bool'), ('=', 'indicator_datasets', 'indicator_datasets', 'bool'),
            ('>=', 'numeric', 'bigint', 'bool'), ('<=', 'numeric', 'bigint', 'bool'), ('<=', 'numeric', 'integer', 'bool'),
            ('<>', 'numeric', 'integer', 'bool'), ('/', 'numeric', 'integer', 'numeric'), ('<', 'numeric', 'integer', 'bool'),
            ('=', 'oid', 'regclass', 'bool')) AS o (name, a, b, result)
          LOOP
            EXECUTE pg_catalog.format('CREATE FUNCTION %I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', own.function, own.a, own.b, own.result,
                           pg_catalog.format('BEGIN PERFORM public.spy(%L); RETURN NULL; END', concat_ws(' ', own.a, own.name, own.b)));
            EXECUTE pg_catalog.format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %I)', own.name, own.a, own.b, own.function);
          END LOOP;
        END $$;
        RESET SESSION AUTHORIZATION;
        SET stage1.placeholders = 'on'`);
      const gen = (["gen1", "gen2", "gen3"] as const).map(spoolText);
      // Parts before what they are parts of, then as they stand, and again.
      for (const text of [gen.flatMap(statementsOf).toReversed().join("\n"), ...gen, ...gen]) await client.query(text);
      await client.query(`SELECT patch_stage1_dataset('{"dataset_id": "${randomUUID()}", "dataset_slug": "patched"}');
        SELECT stage1_remove_former_folds(array_agg(run_id), array_agg(0)) FROM walkforward_runs;
        UPDATE indicator_datasets SET symbol = 'OTHER'; UPDATE datasets SET metadata = '{"ohlcv_rows": 7}'; REINDEX TABLE stage1_datasets; REINDEX TABLE walkforward_runs; REINDEX TABLE simulation_runs`);
      expect((await client.query("SELECT DISTINCT what FROM ran")).rows).toEqual([]);

      const refusal = await migrate({ url: url.href }).catch(messageOf);
      expect(refusal).toMatch(/^Others have made functions or operators of the names of PostgreSQL's own/);
      await expect(requireCurrent(url.href)).rejects.toThrow(String(refusal));
      // A role that was given the right by name is trusted.
      await client.query("GRANT CREATE ON SCHEMA public TO anybody");
      await requireNoOverloads(client);
      await client.query("REVOKE CREATE ON SCHEMA public FROM anybody");
      await client.query(
        String(refusal)
          .match(/^(?:DROP|REVOKE) .*$/gm)
          ?.join("\n") ?? "",
      );
      expect(await migrate({ url: url.href })).toEqual([]);
      expect((await client.query("SELECT DISTINCT what FROM ran")).rows).toEqual([]);
      // After the remedy nobody can create another while a server runs.
      await client.query("SET SESSION AUTHORIZATION anybody");
      const overload = "CREATE FUNCTION public.to_json(text) RETURNS json LANGUAGE sql AS 'SELECT NULL::json'";
      await expect(client.query(overload)).rejects.toMatchObject({ code: "42501" });
    } finally {
      await client.end();
    }
    for (const what of ["DATABASE shared", "ROLE anybody"]) await db.query(`DROP ${what}`);
  });

  test("serves a lineage tree over GraphQL", async () => {
    await db.query("TRUNCATE stage1_datasets CASCADE");
    await insertLineage(db, { datasets: 3, runs: 2, simulations: 2 });
    const graphql = await startServer(db);
    try {
      const tree = await graphql.data(`{
        datasets(first: 2, filter: { search: "D" }, orderBy: { field: DATASET_SLUG, direction: ASC }) {
          nodes { datasetSlug runCount simulationCount
            runs { totalCount nodes { predictionMeasurement foldCount
              simulations(last: 1) { nodes { questdbNamespace tradeCount buckets { side } } } } } }
        }
        dataset(by: { datasetSlug: "d2" }) { ohlcvMeasurement }
      }`);
      const run = (name: string) => ({
        predictionMeasurement: name,
        foldCount: 2,
        simulations: {
          nodes: [
            {
              questdbNamespace: expect.stringContaining(`${name}_sim`),
              tradeCount: 2,
              buckets: [{ side: "ALL" }, { side: "LONG" }],
            },
          ],
        },
      });
      const dataset = (slug: string) => ({
        datasetSlug: slug,
        runCount: 2,
        simulationCount: 4,
        runs: {
          totalCount: 2,
          nodes: expect.arrayContaining([run(`${slug}_run1`), run(`${slug}_run2`)]),
        },
      });
      expect(tree).toEqual({
        datasets: { nodes: [dataset("d1"), dataset("d2")] },
        dataset: { ohlcvMeasurement: "d2_ohlcv" },
      });
    } finally {
      await graphql.close();
    }
  });

  test("is validated by the same checks, with the same findings", async () => {
    await db.query("TRUNCATE stage1_datasets CASCADE");
    await insertDemo(db);
    await plant(db);
    const { checks } = await validate(db);
    expect(
      Object.fromEntries(checks.map(({ name, severity, count, sample }) => [name, [severity, count, sample]])),
    ).toEqual(FOUND);
  });
});

import { expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { fixture } from "./fixture.ts";

/** What has no comment: tables, views, their columns, and functions, but for those of extensions. */
async function withoutComment(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ name: string }>(`
    WITH object AS (
      SELECT format('%s%s', c.relname, '.' || a.attname) AS name, 'pg_class'::regclass AS class, c.oid, a.attnum AS part
      FROM pg_class c
      CROSS JOIN LATERAL (
        SELECT attname, attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT NULL, 0
      ) a
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
      UNION ALL
      SELECT p.oid::regprocedure::text, 'pg_proc'::regclass, p.oid, 0
      FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    )
    SELECT o.name FROM object o
    WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e')
      AND NOT EXISTS (
        SELECT FROM pg_description d WHERE (d.classoid, d.objoid, d.objsubid) = (o.class, o.oid, o.part) AND d.description <> '')
    ORDER BY 1`);
  return rows.map(({ name }) => name);
}

async function database(template: "migrated" | "empty"): Promise<TestDatabase> {
  const created = await createDatabase(template);
  onTestFinished(() => created.drop());
  return created;
}

test("every table, view, column and function has a comment", async () => {
  const fresh = await database("migrated");
  expect(await withoutComment(fresh)).toEqual([]);
  // The list above is empty also where it looks at nothing.
  expect((await fresh.query("SELECT FROM pg_description WHERE objsubid > 0")).length).toBeGreaterThan(100);
});

test("what is the operator's own goes without, and a comment that an operator wrote stays", async () => {
  const adopted = await database("empty");
  await adopted.query(`${fixture("variant-a.sql")};
    CREATE TABLE own (note text);
    ALTER TABLE walkforward_runs ADD COLUMN own_note text, ADD COLUMN own_rank integer;
    CREATE FUNCTION own_rank() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    COMMENT ON COLUMN walkforward_runs.own_rank IS 'mine';
    COMMENT ON COLUMN walkforward_runs.requested_by IS 'initials, please';
    COMMENT ON TABLE simulation_trades IS 'ask Ada first';
    CREATE TABLE stage1_datasets (
      dataset_id uuid PRIMARY KEY, dataset_slug text NOT NULL, ohlcv_measurement text, indicator_measurement text);
    COMMENT ON COLUMN stage1_datasets.dataset_slug IS 'made by hand'`);
  await migrate({ url: adopted.url });
  expect(await withoutComment(adopted)).toEqual(["own", "own.note", "own_rank()", "walkforward_runs.own_note"]);
  const written = ["mine", "initials, please", "ask Ada first", "made by hand"];
  const kept = await adopted.query("SELECT FROM pg_description WHERE description = ANY ($1)", [written]);
  expect(kept).toHaveLength(written.length);
});

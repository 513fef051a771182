import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { openClient } from "../../src/db/pool.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { allRows, catalogue, comparable } from "./catalogue.ts";
import { fixture } from "./fixture.ts";
import { taskListSteps } from "./task-list-steps.ts";

/**
 * Gives every constraint and index another name, and the six tables' own too: nothing is called as the task list or
 * PostgreSQL call it.
 */
const OTHER_NAMES = `
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN SELECT conrelid::regclass AS relation, conname FROM pg_constraint
               WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u', 'f', 'c') LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', own.relation, own.conname, 'their_' || own.conname);
    END LOOP;
    FOR own IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'i'
               AND c.relname NOT LIKE 'their%' LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', own.relname, 'their_' || own.relname);
    END LOOP;
END
$$`;

describe.each(["variant-a.sql", "variant-b.sql"])("the task list applied by hand to %s", (variant) => {
  let database: TestDatabase;
  let wanted: string[];
  beforeAll(async () => {
    const fresh = await createDatabase();
    wanted = comparable(await catalogue(fresh));
    await fresh.drop();
    database = await createDatabase("empty");
    await database.query("CREATE EXTENSION pg_trgm");
  });
  afterAll(() => database.drop());

  const steps = taskListSteps(variant);
  const prefixes = steps.map((_, i) => steps.slice(0, i + 1));
  const cases = [
    // Each statement is the last one once, in turn with the names as given and with others; and the whole list with both.
    ...prefixes.map((prefix, i) => ({ prefix, otherNames: i % 2 === (variant === "variant-a.sql" ? 0 : 1) })),
    { prefix: steps, otherNames: steps.length % 2 === (variant === "variant-a.sql" ? 0 : 1) },
  ];

  test.each(
    cases.map(({ prefix, otherNames }, i) => ({
      last: prefix.at(-1)?.what,
      names: otherNames ? "under other names" : "as given",
      prefix,
      otherNames,
      schema: `half_${i}`,
    })),
  )(
    "up to $last, $names, ends in the one schema with every value as it was",
    async ({ prefix, otherNames, schema }) => {
      const url = new URL(database.url);
      url.searchParams.set("options", `-c search_path=${schema},public`);
      const client = await openClient(url.href);
      try {
        await client.query(`CREATE SCHEMA ${schema}; ${fixture(variant)}`);
        for (const step of prefix) await client.query(step.sql);
        if (otherNames) await client.query(OTHER_NAMES);
        const db = { query: async <Row>(text: string) => (await client.query(text)).rows as Row[] };
        const before = await allRows(db);

        await migrate({ url: url.href });

        expect(comparable(await catalogue(db), schema)).toEqual(wanted);
        const after = await allRows(db);
        for (const [table, held] of before) {
          const kept = held.map((row) => expect.objectContaining(row));
          if (table === "stage1_datasets") expect(after.get(table)).toEqual(expect.arrayContaining(kept));
          else expect(after.get(table)).toEqual(kept);
        }
        expect(after.get("stage1_datasets")).toHaveLength(before.get("indicator_datasets")?.length ?? 0);
      } finally {
        await client.end();
      }
    },
  );
});

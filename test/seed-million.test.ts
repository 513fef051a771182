import { afterAll, beforeAll, expect, test } from "vitest";
import { insertLarge } from "../src/domain/seed/insert-large.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import { planOf, rowsOfTables, rowsRead } from "./plan.ts";

const TOTALS = { datasets: 2_000, runs: 20_000, simulations: 1_000_000 };
const PAGE = 50;
/** What the datasets of a page own. */
const OWNED: Record<string, number> = {
  walkforward_runs: (PAGE * TOTALS.runs) / TOTALS.datasets,
  simulation_runs: (PAGE * TOTALS.simulations) / TOTALS.datasets,
};

/** So many times each simulation of the seed is there in the end. */
const COPIES = 20;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  const indexes = await dropIndexes(database);
  await insertLarge(database, { ...TOTALS, simulations: TOTALS.simulations / COPIES });
  await copySimulations(database);
  await database.query(indexes.join(";"));
  await database.query("VACUUM (ANALYZE) simulation_runs");
}, 180_000);
afterAll(() => database.drop());

/**
 * A million rows go in several times as fast when what guards and finds them is made afterwards. Returns what makes again
 * the indexes that lead from a dataset to its simulations; the others, and the constraints, are nothing that the page
 * could use.
 */
async function dropIndexes(from: TestDatabase): Promise<string[]> {
  const parts = await from.query<{ drop: string; make: string | null }>(`
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop, NULL AS make
    FROM pg_constraint
    WHERE conrelid = 'simulation_runs'::regclass AND contype IN ('f', 'u') OR confrelid = 'simulation_runs'::regclass
    UNION ALL
    SELECT format('DROP INDEX %s', indexrelid::regclass),
           CASE WHEN pg_get_indexdef(indexrelid) LIKE '%(dataset_id%' THEN pg_get_indexdef(indexrelid) END
    FROM pg_index i WHERE indrelid = 'simulation_runs'::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid)`);
  const made = parts.flatMap((part) => part.make ?? []);
  expect(made.length).toBeGreaterThan(0);
  await from.query(parts.map((part) => part.drop).join(";"));
  return made;
}

/** Rows as the seed makes them, beside each that is there, at a sixth of what the seed takes. */
async function copySimulations(into: TestDatabase): Promise<void> {
  // Its trigger looks for each id, and would read the whole table without the key.
  await into.query(`
    ALTER TABLE simulation_runs DROP CONSTRAINT simulation_runs_pkey;
    ALTER TABLE simulation_runs DISABLE TRIGGER stage1_before_simulation`);
  await into.query(`
    INSERT INTO simulation_runs (simulation_id, run_id, dataset_id, input_run_measurement, questdb_namespace, mode, config,
                                 status, started_at, completed_at, summary_metrics, created_at)
    SELECT md5(questdb_namespace || copy)::uuid, run_id, dataset_id, input_run_measurement,
           questdb_namespace || '_' || copy, mode, config, status, started_at, completed_at, summary_metrics, created_at
    FROM simulation_runs, generate_series(2, ${COPIES}) AS copy`);
  await into.query(`
    ALTER TABLE simulation_runs ADD PRIMARY KEY (simulation_id);
    ALTER TABLE simulation_runs ENABLE TRIGGER stage1_before_simulation`);
}

const LAST = TOTALS.datasets - PAGE;

// The functions find a page in an index, and then its datasets by their key.
test.each([
  ["the first page of 50 from fn_list_datasets", "fn_list_datasets(50, 0)", PAGE + PAGE],
  ["the last page of 50 from fn_list_datasets", `fn_list_datasets(50, ${LAST})`, TOTALS.datasets + PAGE],
  ["a page of 50 from dataset_catalog", "dataset_catalog ORDER BY updated_at DESC, dataset_id DESC LIMIT 50", PAGE],
])("among a million simulations, %s reads only the rows of its 50 datasets", async (_name, from, datasets) => {
  const [stored] = await database.query("SELECT count(*) AS simulations FROM simulation_runs");
  expect(stored).toEqual({ simulations: TOTALS.simulations });

  const nodes = await planOf(database, `SELECT * FROM ${from}`);
  expect(rowsOfTables(nodes)).toEqual({ ...OWNED, stage1_datasets: datasets });
  // Nor does any other step, such as a sort, meet more rows than the tables gave.
  expect(Math.max(...nodes.map(rowsRead))).toBe(OWNED["simulation_runs"]);
});

import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClient } from "../../src/db/pool.ts";
import { codeOf } from "../../src/errors.ts";
import { finished, run, serve, until } from "../commands/cli.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";
import { lineage, Spool } from "../spool/spools.ts";
import { SQL_DIR } from "./fixture.ts";

type Client = Awaited<ReturnType<typeof openClient>>;

/** Roles belong to the whole server, which other tests share: stage1_app is there, the others have names of this run's own. */
const [STRANGER, LATER, RACED] = ["stranger", "later", "raced"].map(
  (name) => `${name}_${randomBytes(6).toString("hex")}`,
) as [string, string, string];
const PASSWORD = randomBytes(12).toString("hex");
const GRANTS = readFileSync(join(SQL_DIR, "grants.sql"), "utf8");

let database: TestDatabase;
let other: TestDatabase;
beforeAll(async () => {
  [database, other] = await Promise.all([createDatabase(), createDatabase()]);
  await database.query(`
    CREATE ROLE ${STRANGER} LOGIN PASSWORD '${PASSWORD}';
    ALTER ROLE stage1_app PASSWORD '${PASSWORD}'`);
});
afterAll(async () => {
  await database.drop();
  await other.query(`DROP OWNED BY ${LATER}, ${RACED}; DROP ROLE ${STRANGER}, ${LATER}, ${RACED}`);
  await other.drop();
});

function urlAs(role: string, of: TestDatabase): string {
  return Object.assign(new URL(of.url), { username: role, password: PASSWORD }).href;
}

async function as<Result>(role: string, of: TestDatabase, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await openClient(role === "" ? of.url : urlAs(role, of));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** PostgreSQL's code of the error that a statement ends in, or "done". */
const outcome = (client: Client, statement: string): Promise<string> =>
  client.query(statement).then(
    () => "done",
    (error: unknown) => codeOf(error) ?? "",
  );

/** What sql/grants.sql warns of where it is about another role than stage1_app. */
async function grantTo(role: string, client: Client): Promise<string[]> {
  const warnings: string[] = [];
  client.on("notice", ({ message }) => warnings.push(message ?? ""));
  await client.query(GRANTS.replaceAll("stage1_app", role));
  client.removeAllListeners("notice");
  return warnings;
}

test("migrating makes the role, which may log in and is nothing more", async () => {
  expect(
    await database.query(`SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
                          FROM pg_roles WHERE rolname = 'stage1_app'`),
  ).toEqual([
    {
      rolcanlogin: true,
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
    },
  ]);
});

/** To the audit it adds rows, but does not set each column of them. */
const READ_ONLY = ["dataset_catalog", "dataset_hierarchy", "stage1_schema_ledger", "stage1_audit"];

test("stage1_app may select, insert and update in every table, only add to the audit, read the views and the ledger, and nothing else", async () => {
  const relations = await database.query<{ name: string; kind: string; column: string }>(`
    SELECT DISTINCT ON (c.oid) relname AS name, CASE relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END AS kind, quote_ident(attname) AS column
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attidentity <> 'a'
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')`);
  expect(relations.length).toBeGreaterThanOrEqual(10);
  await as("stage1_app", database, async (client) => {
    for (const { name, kind, column } of relations) {
      const statements = {
        select: `SELECT FROM ${name} LIMIT 0`,
        insert: `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM ${name} WHERE false`,
        update: `UPDATE ${name} SET ${column} = ${column} WHERE false`,
        delete: `DELETE FROM ${name} WHERE false`,
        truncate: `TRUNCATE ${name}`,
        alter: `ALTER ${kind} ${name} RENAME TO taken`,
        drop: `DROP ${kind} ${name}`,
      };
      const done: string[] = [];
      for (const [what, statement] of Object.entries(statements)) {
        const result = await outcome(client, statement);
        if (result === "done") done.push(what);
        // A view refuses to be written before anybody's rights are looked at.
        else expect(`${name} ${what} ${result}`).toMatch(kind === "VIEW" ? / (42501|55000|0A000|42809)$/ : / 42501$/);
      }
      expect({ name, done }).toEqual({
        name,
        done: READ_ONLY.includes(name) ? ["select"] : ["select", "insert", "update"],
      });
    }
    // As pg_dump does.
    const { rows } = await client.query<{ name: string }>(
      "SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'S'",
    );
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const { name } of rows) {
      expect(`${name} ${await outcome(client, `SELECT last_value FROM ${name}`)}`).toBe(`${name} done`);
      expect(`${name} ${await outcome(client, `SELECT setval('${name}', 1)`)}`).toBe(`${name} 42501`);
    }
    for (const statement of ["CREATE ROLE mine", "CREATE DATABASE mine", "CREATE SCHEMA mine"]) {
      expect(await outcome(client, statement)).toBe("42501");
    }
  });
});

test("stage1_app sets neither the time nor the number of a row of the audit, also where a former version let it", async () => {
  const audited = await createDatabase();
  try {
    await audited.query("GRANT INSERT ON stage1_audit TO stage1_app"); // as the former version did
    await as("", audited, (client) => client.query(GRANTS));
    await as("stage1_app", audited, async (client) => {
      await client.query("BEGIN");
      const insert = (columns: string, values: string) =>
        outcome(
          client,
          `SAVEPOINT s; INSERT INTO stage1_audit (${columns}) OVERRIDING SYSTEM VALUE VALUES (${values})`,
        ).finally(() => client.query("ROLLBACK TO s"));
      const [columns, values] = ["token, operation, ids, request_id", "'t', 'upsertDataset', '{}', 'r'"];
      expect(await insert(columns, values)).toBe("done");
      expect(await insert(`written_at, ${columns}`, `now(), ${values}`)).toBe("42501");
      expect(await insert(`audit_id, ${columns}`, `7, ${values}`)).toBe("42501");
      await client.query("ROLLBACK");
    });
  } finally {
    await audited.drop();
  }
});

test("stage1_app may call every function by a right of its own, and neither alter nor drop one", async () => {
  const functions = await database.query<{ name: string; call: string | null }>(`
    SELECT p.oid::regprocedure AS name, CASE WHEN prorettype <> 'trigger'::regtype THEN
             format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg('NULL::' || format_type(type, NULL), ', ') FROM unnest(proargtypes) AS type))
           END AS call
    FROM pg_proc p
    WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`);
  expect(functions.length).toBeGreaterThanOrEqual(12);
  for (const { name } of functions) await database.query(`REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`);
  await as("stage1_app", database, async (client) => {
    for (const { name, call } of functions) {
      const { rows } = await client.query(`SELECT has_function_privilege('${name}', 'EXECUTE') AS may`);
      expect({ name, may: rows[0]?.may }).toEqual({ name, may: true });
      if (call !== null) expect(`${name}: ${await outcome(client, call)}`).not.toMatch(/42501/);
      expect(await outcome(client, `ALTER FUNCTION ${name} RENAME TO taken`)).toBe("42501");
      expect(await outcome(client, `DROP FUNCTION ${name}`)).toBe("42501");
    }
  });
});

test("the server, validate and replay work as stage1_app, and so does a legacy client", async () => {
  const DATABASE_URL = urlAs("stage1_app", database);
  const [server, validated] = await Promise.all([
    serve([], { env: { DATABASE_URL } }),
    finished(run(["validate"], { env: { DATABASE_URL } })),
  ]);
  expect(validated).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+ checks at .*: 0 with errors/m) });
  const spool = await Spool.of(...lineage("of_spool"), "DROP TABLE simulation_trades;\n");
  expect(await spool.replay({ ...database, url: DATABASE_URL })).toBe(false);
  expect(spool.said).toContainEqual(expect.stringMatching(/13 statements written, 1 rejected/));
  const written = await server.send(`mutation { upsertDataset(input: {
    datasetId: "${randomUUID()}", datasetSlug: "of_app", ohlcvMeasurement: "of_app_ohlcv", indicatorMeasurement: "of_app_ind" }) {
      dataset { datasetSlug } userErrors { message } } }`);
  expect(written).toMatchObject({ data: { upsertDataset: { dataset: { datasetSlug: "of_app" }, userErrors: [] } } });
  expect(await database.query("SELECT operation FROM stage1_audit")).toEqual([{ operation: "upsertDataset" }]);
  await as("stage1_app", database, (client) =>
    client.query(`INSERT INTO indicator_datasets (symbol, granularity, source, questdb_tag) VALUES ('S', '1h', 'x', 'of_app_2')
                  ON CONFLICT (questdb_tag) DO UPDATE SET symbol = EXCLUDED.symbol`),
  );
  expect(
    await server.send('{ datasets(filter: { search: "of_app" }) { totalCount } validation { checkedAt } }'),
  ).toMatchObject({ status: 200, data: { datasets: { totalCount: 2 } } });
});

test("who may not make the role, or owns nothing, is told what to run; once run, nothing is left to tell", async () => {
  await other.query("REVOKE EXECUTE ON FUNCTION stage1_run_status FROM PUBLIC");
  const [warning = "", ...more] = await as(STRANGER, other, (client) => grantTo(LATER, client));
  expect(more).toEqual([]);
  const [first, ...statements] = warning.split("\n");
  expect(first).toBe(
    `the role ${LATER} lacks what ${STRANGER} may not give it. An administrator may, on this database:`,
  );
  expect(statements[0]).toBe(`  CREATE ROLE ${LATER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;`);
  expect(statements).toContain(`  GRANT SELECT, INSERT, UPDATE ON public.simulation_trades TO ${LATER};`);
  expect(statements).toContain(
    `  GRANT INSERT (token, operation, ids, request_id) ON public.stage1_audit TO ${LATER};`,
  );
  expect(statements).toContain(`  GRANT EXECUTE ON FUNCTION public.stage1_run_status(p_status text) TO ${LATER};`);

  await other.query(statements.join("\n"));
  expect(await as(STRANGER, other, (client) => grantTo(LATER, client))).toEqual([]);
  const rights = (role: string) =>
    other.query(`SELECT relname, has_table_privilege('${role}', oid, 'SELECT') AS reads, has_table_privilege('${role}', oid, 'INSERT') AS adds,
                        has_table_privilege('${role}', oid, 'UPDATE') AS changes, has_table_privilege('${role}', oid, 'DELETE, TRUNCATE') AS removes
                 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1`);
  expect(await rights(LATER)).toEqual(await rights("stage1_app"));
});

test("of two databases that make the role at the same moment, both succeed", async () => {
  await as("", database, (first) =>
    as("", other, async (second) => {
      await first.query("BEGIN");
      expect(await grantTo(RACED, first)).toEqual([]);
      const { rows } = await second.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      const waiting = grantTo(RACED, second);
      await until(async () => {
        const blocked = await database.query("SELECT FROM pg_locks WHERE NOT granted AND pid = $1", [rows[0]?.pid]);
        return blocked.length > 0;
      });
      await first.query("COMMIT");
      expect(await waiting).toEqual([]);
    }),
  );
  for (const each of [database, other]) {
    expect(await each.query(`SELECT has_table_privilege('${RACED}', 'stage1_datasets', 'INSERT') AS may`)).toEqual([
      { may: true },
    ]);
  }
});

test("a right to delete, or to change the audit, that the role had before is left to it, and said", async () => {
  await other.query(`GRANT DELETE ON walkforward_folds TO ${RACED}; GRANT UPDATE (token) ON stage1_audit TO ${RACED}`);
  expect(await as("", other, (client) => grantTo(RACED, client))).toEqual([
    `the role ${RACED} may also delete from walkforward_folds: as their owner, as a superuser or by a grant`,
    `the role ${RACED} may also change rows of stage1_audit: as the owner, as a superuser or by a grant`,
  ]);
});

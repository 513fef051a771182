import type { Db } from "../../src/db/pool.ts";

/**
 * What a database's schema holds, one sorted line an object: columns, constraints, indexes, views, functions, triggers,
 * comments and privileges. The order of a relation's columns is a line of its own, since it alone depends on the past.
 */
export async function catalogue(db: Db): Promise<string[]> {
  const rows = await db.query<{ line: string }>(CATALOGUE);
  return rows.map((row) => row.line);
}

/** The schema alone: the order of columns tells the past, and the name of the schema where it is. */
export function comparable(lines: readonly string[], schema = "public"): string[] {
  return lines
    .filter((line) => !line.startsWith("order of "))
    .map((line) => line.replaceAll(`${schema}.`, "public.").replaceAll(`'${schema}'`, "'public'"))
    .sort();
}

/** Every row of every table of ours that is there, as JSON, by table. */
export async function allRows(db: Db): Promise<Map<string, Record<string, unknown>[]>> {
  const rows = new Map<string, Record<string, unknown>[]>();
  const tables = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r' AND relname <> 'stage1_schema_ledger'`,
  );
  for (const { name } of tables) {
    const found = await db.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(t) AS row FROM ${name} t ORDER BY to_jsonb(t) ->> 'created_at', t::text`,
    );
    rows.set(
      name,
      found.map(({ row }) => row),
    );
  }
  return rows;
}

const CATALOGUE = `
WITH relation AS (
    SELECT oid, relname, relkind, relacl FROM pg_class
    WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'v', 'S', 'm')
), routine AS (
    SELECT p.oid, p.proacl FROM pg_proc p
    WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
)
SELECT line FROM (
    SELECT format('relation %s of kind %s', relname, relkind) AS line FROM relation
    UNION ALL
    -- Without MAINTAIN, the owner's last, which PostgreSQL 17 is the first to have.
    SELECT format('privileges on %s: %s', relname, regexp_replace(relacl::text, 'm/', '/', 'g'))
    FROM relation WHERE relacl IS NOT NULL
    UNION ALL
    SELECT format('column %s.%s %s%s%s', r.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN ' not null' END, ' default ' || pg_get_expr(d.adbin, d.adrelid))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT format('order of %s: %s', r.relname, string_agg(a.attname, ', ' ORDER BY a.attnum))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY r.relname
    UNION ALL
    -- PostgreSQL 18 lists NOT NULL here too; the columns above tell it for every version.
    SELECT format('constraint %s.%s %s', r.relname, c.conname, pg_get_constraintdef(c.oid))
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype <> 'n'
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM relation r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT format('view %s %s', relname, pg_get_viewdef(oid)) FROM relation WHERE relkind = 'v'
    UNION ALL
    SELECT format('function %s', pg_get_functiondef(oid)) FROM routine
    UNION ALL
    SELECT format('privileges on function %s: %s', oid::regprocedure, proacl) FROM routine WHERE proacl IS NOT NULL
    UNION ALL
    SELECT format('trigger %s%s', pg_get_triggerdef(t.oid), ' enabled ' || nullif(t.tgenabled::text, 'O')) FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT format('comment on %s %s: %s', o.type, o.identity, d.description)
    FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o
    WHERE (d.classoid = 'pg_class'::regclass AND d.objoid IN (SELECT oid FROM relation))
       OR (d.classoid = 'pg_proc'::regclass AND d.objoid IN (SELECT oid FROM routine))
    UNION ALL
    SELECT 'extension ' || extname FROM pg_extension
) AS catalogue
ORDER BY line COLLATE "C"`;

export interface LedgerRow {
  file: string;
  sha256: string;
  version: string;
  applied_at: string;
}

/** What the migrator wrote down, by file. */
export function ledger(db: Db): Promise<LedgerRow[]> {
  return db.query<LedgerRow>("SELECT * FROM stage1_schema_ledger ORDER BY file");
}

import type pg from "pg";
import { OperatorError } from "../errors.ts";

/**
 * Functions and operators that somebody has put beside PostgreSQL's own ones of the same name. Those that fit the arguments
 * better are preferred, and run with the rights of whose statement names them. Trusted are superusers, this role, the owners
 * of the database and of the schema, and roles that were given the right to create in the schema.
 */
const FOREIGN = `
  SELECT f.removal, r.rolname AS owner, quote_ident(n.nspname::text) AS schema
  FROM (
    SELECT 'DROP ROUTINE ' || p.oid::regprocedure::text AS removal, p.oid AS id, p.proowner AS owner, p.pronamespace AS namespace
    FROM pg_proc p WHERE EXISTS (SELECT FROM pg_proc b WHERE b.proname = p.proname AND b.pronamespace = 'pg_catalog'::regnamespace)
    UNION ALL
    SELECT 'DROP OPERATOR ' || o.oid::regoperator::text, o.oid, o.oprowner, o.oprnamespace
    FROM pg_operator o
    WHERE EXISTS (SELECT FROM pg_operator b WHERE b.oprname = o.oprname AND b.oprnamespace = 'pg_catalog'::regnamespace)
  ) AS f
  JOIN pg_namespace n ON n.oid = f.namespace
  JOIN pg_roles r ON r.oid = f.owner
  WHERE n.nspname = ANY ($1::name[]) AND n.nspname <> 'pg_catalog' AND NOT r.rolsuper AND r.rolname <> current_user
    AND r.oid <> n.nspowner AND r.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
    AND NOT EXISTS (
      SELECT FROM aclexplode(n.nspacl) AS a
      WHERE a.privilege_type = 'CREATE' AND a.grantee <> 0 AND a.grantee <> n.nspowner AND pg_has_role(r.oid, a.grantee, 'USAGE'))
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = f.id AND d.deptype = 'e')
  ORDER BY f.removal`;

/** Throws OperatorError where there are such. Before any other statement of a session that could run one of them. */
export async function requireNoOverloads(client: pg.ClientBase): Promise<void> {
  await client.query("BEGIN TRANSACTION READ ONLY");
  try {
    const { rows: paths } = await client.query<{ schemas: string }>("SELECT current_schemas(false)::text AS schemas");
    await client.query("SET LOCAL search_path = pg_catalog");
    const { rows } = await client.query<{ removal: string; owner: string; schema: string }>(FOREIGN, [
      paths[0]?.schemas,
    ]);
    if (rows.length === 0) return;
    const removals = rows.map(({ removal, owner }) => `${removal}; -- of the role ${owner}`);
    const revokes = [...new Set(rows.map(({ schema }) => `REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC;`))];
    throw new OperatorError(
      "Others have made functions or operators of the names of PostgreSQL's own, and this product's statements could run " +
        `them with the rights of its role. Where you do not trust who made them:\n\n${[...removals, ...revokes].join("\n")}\n\n` +
        "Otherwise make them yours, with ALTER … OWNER TO CURRENT_USER, or GRANT their roles CREATE on the schema.",
    );
  } finally {
    await client.query("ROLLBACK").catch(() => {}); // a lost connection has ended it
  }
}

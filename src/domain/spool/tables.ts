import type { Db } from "../../db/pool.ts";

/** What a statement writes a row of, and what it belongs to: an object is written whole or not at all. */
export type ObjectKind = "dataset" | "run" | "simulation";

export interface SpoolTable {
  readonly name: string;
  /** Rows of a table with a lower rank must be there before those of a higher one. */
  readonly rank: number;
  /** The object that a row belongs to, by the column with its id. */
  readonly object: ObjectKind;
  readonly id: string;
  /** Whether the row is the object's own, which a new export of it begins with; otherwise it is a part of it. */
  readonly own: boolean;
  /** Whether triggers keep a row of stage1_datasets beside each row. */
  readonly hasMaster?: boolean;
  /** The column by whose value a row is led to a stored dataset: of rows that share it, each must see those before it. */
  readonly slug?: string;
  /** Other objects that must be there, by the column with their id. */
  readonly needs: readonly (readonly [column: string, kind: ObjectKind])[];
}

const own = (name: string, rank: number, object: ObjectKind, needs: SpoolTable["needs"] = []): SpoolTable => ({
  ...{ name, rank, object, id: `${object}_id`, own: true, needs },
});
const part = (name: string, rank: number, object: ObjectKind): SpoolTable => ({
  ...{ name, rank, object, id: `${object}_id`, own: false, needs: [] },
});

/** The tables that a spool may write into. */
export const SPOOL_TABLES: readonly SpoolTable[] = [
  own("stage1_datasets", 0, "dataset"),
  { ...own("indicator_datasets", 0, "dataset"), hasMaster: true, slug: "questdb_tag" },
  { ...own("datasets", 0, "dataset"), hasMaster: true, slug: "dataset_slug" },
  own("walkforward_runs", 1, "run", [["dataset_id", "dataset"]]),
  part("walkforward_folds", 2, "run"),
  own("simulation_runs", 3, "simulation", [
    ["run_id", "run"],
    ["dataset_id", "dataset"],
  ]),
  part("simulation_trade_buckets", 4, "simulation"),
  part("simulation_trades", 5, "simulation"),
];

/** The one function that a spool may call, and the types of its parameters. It writes a dataset. */
export const UPSERT = {
  name: "upsert_stage1_dataset",
  parameters: [
    ...["uuid", "text", "text", "text", "text", "text", "text", "bigint", "bigint"],
    ...["timestamptz", "timestamptz", "timestamptz", "timestamptz", "jsonb"],
  ],
} as const;

/** How the statements of a spool begin. */
export const BEGINNINGS = ["INSERT INTO ", `SELECT ${UPSERT.name}(`];

export function spoolTable(name: string | undefined): SpoolTable | undefined {
  return SPOOL_TABLES.find((table) => table.name === name);
}

/** The table that a statement writes, also where it cannot be parsed: for telling what it was a part of. */
export function tableNamedIn(statement: string): SpoolTable | undefined {
  const [verb = "", object = "", ...names] = statement.split(/[\s(".]+/, 5);
  if (/^select$/i.test(verb)) return object === UPSERT.name ? spoolTable("stage1_datasets") : undefined;
  if (!/^insert$/i.test(verb) || !/^into$/i.test(object)) return undefined;
  return SPOOL_TABLES.find((table) => names.includes(table.name));
}

/** Types of the columns, by table and column, as PostgreSQL names them without their length. */
export type ColumnTypes = ReadonlyMap<string, ReadonlyMap<string, string>>;

export async function columnTypes(db: Db): Promise<ColumnTypes> {
  const rows = await db.query<{ relation: string; columns: Record<string, string> }>(
    `SELECT c.relname AS relation, json_object_agg(a.attname, format_type(a.atttypid, NULL)) AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid IN (SELECT to_regclass(name) FROM unnest($1::text[]) AS name)
     GROUP BY c.relname`,
    [SPOOL_TABLES.map(({ name }) => name)],
  );
  return new Map(rows.map(({ relation, columns }) => [relation, new Map(Object.entries(columns))]));
}

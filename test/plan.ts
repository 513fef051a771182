import type { TestDatabase } from "./harness.ts";

/** A node of EXPLAIN (ANALYZE, FORMAT JSON); its row counts are means over the loops. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The nodes of the plan by which PostgreSQL has run a statement. */
export async function planOf(
  database: TestDatabase,
  statement: string,
  values: readonly unknown[] = [],
): Promise<PlanNode[]> {
  const [explained] = await database.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`,
    values,
  );
  const open: PlanNode[] = explained ? [explained["QUERY PLAN"][0].Plan] : [];
  const nodes: PlanNode[] = [];
  for (let node = open.pop(); node; node = open.pop()) {
    nodes.push(node);
    open.push(...(node.Plans ?? []));
  }
  return nodes;
}

/** How many rows a node met, those that its conditions removed included. */
export function rowsRead(node: PlanNode): number {
  const removed = (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0);
  return Math.round((node["Actual Rows"] + removed) * node["Actual Loops"]);
}

/** How many rows of each table the nodes read. */
export function rowsOfTables(nodes: readonly PlanNode[]): Record<string, number> {
  const read: Record<string, number> = {};
  for (const node of nodes) {
    const table = node["Relation Name"];
    if (table) read[table] = (read[table] ?? 0) + rowsRead(node);
  }
  return read;
}

import type { Session } from "../db/pool.ts";
import type { ReplayResult } from "../domain/spool/replay.ts";

/** So many ids are said. */
const SHOWN = 10;

/** The database's time, by which placeholders are told that a replay makes. */
export async function databaseTime(db: Session): Promise<string> {
  const [row] = await db.query<{ at: string }>("SELECT clock_timestamp()::text AS at");
  return row?.at ?? "-infinity";
}

/** What an operator should know of rows that were written in another way than the spool says. */
export async function summaryNotes(
  db: Session,
  since: string,
  { datasets, formerFolds }: ReplayResult,
): Promise<string[]> {
  const lines: string[] = [];
  const made = await db.query<{ object: string; count: number }>(
    `SELECT object, count(*) AS count FROM stage1_placeholders
     WHERE filled_at IS NULL AND created_at >= $1 GROUP BY object ORDER BY object`,
    [since],
  );
  if (made.length > 0) {
    const list = made.map(({ object, count }) => counted(count, object)).join(", ");
    lines.push(`placeholders made for what no statement describes: ${list}. Each is filled when its row comes.`);
  }
  const led = await db.query<{ alias_id: string; dataset_id: string; dataset_slug: string }>(
    `SELECT a.alias_id, a.dataset_id, d.dataset_slug
     FROM stage1_dataset_aliases a JOIN stage1_datasets d USING (dataset_id)
     WHERE a.alias_id = ANY ($1::uuid[]) ORDER BY d.dataset_slug, a.alias_id LIMIT ${SHOWN}`,
    [datasets],
  );
  for (const { alias_id, dataset_id, dataset_slug } of led) {
    lines.push(`the dataset ${alias_id} is stored as ${dataset_id} (${dataset_slug}): its rows were written there.`);
  }
  if (formerFolds > 0) {
    lines.push(`${counted(formerFolds, "fold")} of earlier exports removed: the run was exported with fewer.`);
  }
  return lines;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

import type { Db } from "../db/pool.ts";
import { codeOf } from "../errors.ts";
import type { Author } from "./author.ts";

/**
 * Columns of `stage1_datasets` to write. One that is left out keeps its value, or takes its default on insert; null clears
 * it; metadata is merged. Timestamps as `parseTimestamp` returns them.
 */
export interface DatasetPatch {
  readonly dataset_id: string;
  readonly dataset_slug: string;
  readonly ohlcv_measurement: string;
  readonly indicator_measurement: string;
  readonly symbol?: string | null;
  readonly granularity?: string | null;
  readonly source?: string | null;
  readonly ohlcv_row_count?: number | null;
  readonly indicator_row_count?: number | null;
  readonly ohlcv_first_ts?: string | null;
  readonly ohlcv_last_ts?: string | null;
  readonly indicator_first_ts?: string | null;
  readonly indicator_last_ts?: string | null;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
}

/** Why a patch was not written. The message goes on from the column's name, if there is one: "must be …". */
export interface PatchProblem {
  readonly code: "SLUG_TAKEN" | "INVALID_VALUE";
  /** Null: the problem is about no column in particular. */
  readonly column: keyof DatasetPatch | null;
  readonly message: string;
  /** What the database said, for the log alone. Set if the rule is not one of this schema. */
  readonly cause?: unknown;
}

/**
 * Writes the patch, all of it or nothing, and with it a row of `stage1_audit` that names the author. Returns the reasons why
 * not; none when it is written.
 */
export async function patchDataset(db: Db, patch: DatasetPatch, author: Author): Promise<PatchProblem[]> {
  const problems = checkPatch(patch);
  if (problems.length > 0) return problems;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.query("SELECT stage1_audited_patch($1::jsonb, $2, $3)", [
        JSON.stringify(patch),
        author.token,
        author.requestId,
      ]);
      return [];
    } catch (error) {
      // Two datasets that swap slugs can wait for each other; PostgreSQL then ends one, which may try again.
      if (codeOf(error) === "40P01" && attempt < MAX_ATTEMPTS) continue;
      const problem = refusal(error, patch, author);
      if (!problem) throw error;
      return [problem];
    }
  }
}

const MAX_ATTEMPTS = 5;

/** What the database refuses by itself, because it depends on what is stored. */
function refusal(error: unknown, patch: DatasetPatch, { requestId }: Author): PatchProblem | undefined {
  const { column, constraint, table } = error as Refused;
  if (constraint === "stage1_datasets_dataset_slug_key") {
    return {
      code: "SLUG_TAKEN",
      column: "dataset_slug",
      message: `"${patch.dataset_slug}" is the slug of another dataset: choose another, or send that dataset's id`,
    };
  }
  // Class 23: a unique index, a check, a NOT NULL, a key, an exclusion or a trigger that somebody has added. One on the audit
  // is no matter of the values.
  if (codeOf(error)?.startsWith("23") && table !== "stage1_audit") {
    return {
      code: "INVALID_VALUE",
      column: null,
      message:
        "The values break a rule that was added to this database: ask whoever runs the server. " +
        `The log names the rule under the id ${requestId}`,
      cause: error,
    };
  }
  if (codeOf(error) !== "22023") return undefined;
  if (column !== "ohlcv_first_ts" && column !== "indicator_first_ts") return undefined;
  return invalid(column, "must not be after the last timestamp, neither the one sent nor the one stored: send both");
}

/** The fields of PostgreSQL's errors that tell what was refused. */
interface Refused {
  readonly column?: string;
  readonly constraint?: string;
  readonly table?: string;
}

function checkPatch(patch: DatasetPatch): PatchProblem[] {
  const problems: PatchProblem[] = [];
  for (const column of ["dataset_slug", "ohlcv_measurement", "indicator_measurement"] as const) {
    if (!isTableName(patch[column])) {
      problems.push(
        invalid(
          column,
          'must be 1 to 127 of the characters A–Z a–z 0–9 _ - . , with no "." at either end and no "..", ' +
            'and none of QuestDB\'s own names ("telemetry", "telemetry_config", "sys.…")',
        ),
      );
    }
  }
  for (const column of ["symbol", "granularity", "source"] as const) {
    if (!isStorable(patch[column]))
      problems.push(invalid(column, "must be text without NUL and without half a surrogate pair"));
  }
  for (const column of ["ohlcv_row_count", "indicator_row_count"] as const) {
    if ((patch[column] ?? 0) < 0) problems.push(invalid(column, "must not be negative"));
  }
  if (!isStorable(patch.metadata)) {
    problems.push(
      invalid(
        "metadata",
        `must hold no NUL and no half of a surrogate pair, and be nested at most ${MAX_DEPTH} levels deep`,
      ),
    );
  }
  return problems;
}

function invalid(column: keyof DatasetPatch, message: string): PatchProblem {
  return { code: "INVALID_VALUE", column, message };
}

/**
 * Whether QuestDB takes this as a table's name, and a shell and a file system too. A table is a folder, which is why a
 * dot may stand in the middle only: `TableUtils.isValidTableName` in questdb/questdb, less the characters beyond ASCII.
 */
function isTableName(name: string): boolean {
  return (
    /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(name) &&
    name.length <= 127 &&
    !/^(?:telemetry(?:_config)?$|sys\.)/i.test(name)
  );
}

const MAX_DEPTH = 100;

/** Whether PostgreSQL can store a value in text or jsonb. Walks with a list of its own, so that depth cannot exhaust the stack. */
function isStorable(value: unknown): boolean {
  const open = [{ value, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: inner, depth } = next;
    if (depth > MAX_DEPTH) return false;
    if (typeof inner === "string" && (inner.includes("\0") || !inner.isWellFormed())) return false;
    if (typeof inner === "object" && inner !== null) {
      for (const [key, child] of Object.entries(inner)) {
        open.push({ value: key, depth }, { value: child, depth: depth + 1 });
      }
    }
  }
  return true;
}

import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { runReplay } from "../../src/commands/replay.ts";
import { readConfig } from "../../src/config.ts";
import type { TestDatabase } from "../harness.ts";
import {
  bucketStatement,
  datasetStatement,
  foldStatement,
  HEADER,
  runStatement,
  simulationStatement,
  tradeStatement,
} from "./statements.ts";

const TABLES = {
  stage1_datasets: "dataset_id",
  datasets: "dataset_id",
  indicator_datasets: "dataset_id",
  walkforward_runs: "run_id",
  walkforward_folds: "run_id, fold_number",
  simulation_runs: "simulation_id",
  simulation_trade_buckets: "simulation_id, side",
  simulation_trades: "trade_id",
};

/** Every row that a spool may write, by table; with `times`, also when each was written. */
export async function contents(database: TestDatabase, times = false): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const [table, key] of Object.entries(TABLES)) {
    const rows = await database.query<{ row: unknown }>(
      `SELECT to_jsonb(t) ${times ? "" : "- 'created_at' - 'updated_at'"} AS row FROM ${table} t ORDER BY ${key}`,
    );
    found[table] = rows.map(({ row }) => row);
  }
  return found;
}

export async function counts(database: TestDatabase): Promise<Record<string, number>> {
  const [row] = await database.query<{ counts: Record<string, number> }>(
    `SELECT json_build_object(${Object.keys(TABLES).map((table) => `'${table}', (SELECT count(*) FROM ${table})`)}) AS counts`,
  );
  return row?.counts ?? {};
}

/** A dataset, its run with folds, and a simulation with buckets and trades. */
export function lineage(name: string, { folds = 3, trades = 4 } = {}): string[] {
  const [run, simulation] = [`${name}_run1`, `${name}_sim1`];
  const each = <Item>(count: number, make: (i: number) => Item) => Array.from({ length: count }, (_, i) => make(i + 1));
  return [
    datasetStatement(name),
    runStatement(name, run),
    ...each(folds, (fold) => foldStatement(run, fold)),
    simulationStatement(name, run, simulation),
    ...["all", "long", "short"].map((side) => bucketStatement(simulation, side)),
    ...each(trades, (trade) => tradeStatement(simulation, trade)),
  ];
}

/** Takes every row away that a replay may have written. */
export async function empty(database: TestDatabase): Promise<void> {
  await database.query(`TRUNCATE stage1_replays, stage1_placeholders, ${Object.keys(TABLES)} CASCADE`);
}

/** A spool in a folder that is removed at the end of the test. */
export class Spool {
  readonly path: string;
  /** What the last replay told the operator. */
  said: string[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  static async of(...statements: readonly string[]): Promise<Spool> {
    const folder = await mkdtemp(join(tmpdir(), "stage1-spool-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const spool = new Spool(join(folder, "pending.sql"));
    await spool.write(...statements);
    return spool;
  }

  write(...statements: readonly string[]): Promise<void> {
    return writeFile(this.path, HEADER + statements.join(""));
  }

  /** Replays it as the command does. Returns whether nothing is to be mended. */
  async replay(
    database: TestDatabase,
    { again = false, placeholders = true, path = this.path } = {},
  ): Promise<boolean> {
    const config = readConfig({ DATABASE_URL: database.url }, {});
    this.said = [];
    const { signal } = new AbortController();
    return (
      (await runReplay(config, [path], { again, placeholders }, signal, (line) => void this.said.push(line))) === 0
    );
  }

  get rejectedPath(): string {
    return `${this.path}.rejected.sql`;
  }

  /** The text of the file of rejected statements; empty where there is none. */
  get rejected(): string {
    return existsSync(this.rejectedPath) ? readFileSync(this.rejectedPath, "utf8") : "";
  }

  /** Why each stretch was rejected, by line. */
  get reasons(): Record<string, string> {
    return Object.fromEntries(
      [...this.rejected.matchAll(/^-- line (\d+): (.*)$/gm)].map(([, line = "", reason = ""]) => [line, reason]),
    );
  }
}

/** The line, from 1, on which a statement of a spool begins. */
export function lineOf(statements: readonly string[], index: number): number {
  return (HEADER + statements.slice(0, index).join("")).split("\n").length;
}

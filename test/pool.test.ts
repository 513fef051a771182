import { expect, test } from "vitest";
import { createPool } from "../src/db/pool.ts";
import { createDatabase } from "./harness.ts";

test("a connection keeps statements prepared, and is replaced before they fill the database's memory", async () => {
  const database = await createDatabase("empty");
  const pool = createPool({ url: database.url, max: 1, statementTimeoutMs: 30_000, onIdleError: () => {} });
  try {
    const pids: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      const statement = `SELECT pg_backend_pid() AS pid, count(*) AS kept, sum(length(statement)) AS length, '${i}' AS i
        FROM pg_prepared_statements -- ${"x".repeat(50_000)}`;
      const [row] = await pool.query<{ pid: number; kept: number; length: string }>(statement, [], { prepare: true });
      pids.push(row?.pid ?? 0);
      expect(Number(row?.length)).toBeLessThan(600_000);
      const [again] = await pool.query<{ pid: number; kept: number }>(statement, [], { prepare: true });
      if (again?.pid === row?.pid) expect(again?.kept).toBe(row?.kept); // not prepared once more
    }
    expect(new Set(pids).size).toBeGreaterThan(2);
    expect(new Set(pids).size).toBeLessThan(6);
  } finally {
    await pool.end();
    await database.drop();
  }
});

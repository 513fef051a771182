import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadDemo } from "../src/commands/seed.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import { start } from "./process.ts";
import { withOutputs } from "./report.ts";

const PATH = fileURLToPath(new URL("../docs/stage1_3_database_implementation_report.md", import.meta.url));
const page = readFileSync(PATH, "utf8");

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await loadDemo(database.url);
});
afterEach(() => database.drop());

test("every statement of the report has the output that stands behind it", async () => {
  expect(page.match(/```sql/g)?.length).toBeGreaterThan(10);
  await expect(await withOutputs(database.url, page)).toMatchFileSnapshot(PATH);
});

test.skipIf(spawnSync("psql", ["--version"]).status !== 0)(
  "psql, where one is installed, prints the same",
  async () => {
    const blocks = (language: string) =>
      [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text = ""]) => text);
    const psql = start("psql", ["-X", "-d", database.url, ...blocks("sql").flatMap((sql) => ["-c", sql])], {
      env: { ...process.env, PGTZ: "UTC", LC_ALL: "C" },
    });
    await psql.exit;
    const lines = (text: string) =>
      text
        .split("\n")
        .map((line) => line.trimEnd())
        .filter((line) => line !== "")
        .sort(); // errors come on another stream
    expect(lines(psql.output())).toEqual(lines(blocks("text").join("\n")));
  },
);

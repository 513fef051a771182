import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadDemo } from "../src/commands/seed.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import { start } from "./process.ts";
import { COMMANDS, withOutputs } from "./report.ts";

const PATH = fileURLToPath(new URL("../docs/stage1_3_database_implementation_report.md", import.meta.url));
const PSQL = "psql";
const page = readFileSync(PATH, "utf8");

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await loadDemo(database.url);
});
afterEach(() => database.drop());

test("every statement of the report has the output that stands behind it", async () => {
  expect(page.match(COMMANDS)?.length).toBeGreaterThan(10);
  await expect(await withOutputs(database.url, page)).toMatchFileSnapshot(PATH);
});

test.skipIf(spawnSync(PSQL, ["--version"]).status !== 0)("psql, where one is installed, prints the same", async () => {
  const outputs = [...page.matchAll(/```text\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  const commands = [...page.matchAll(COMMANDS)].flatMap(([, sql, file = ""]) => (sql ? ["-c", sql] : ["-f", file]));
  const psql = start(PSQL, ["-X", "-d", database.url, ...commands], {
    env: { ...process.env, PGTZ: "UTC", LC_ALL: "C" },
  });
  await psql.exit;
  const lines = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "")
      .sort(); // errors come on another stream
  const printed = psql.output().replace(/ +checked_at [\s\S]*?\(1 row\)\n/, "");
  expect(lines(printed)).toEqual(lines(outputs.join("\n")));
});

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finished, startForTest, testFolder } from "./commands/cli.ts";
import { createDatabase } from "./harness.ts";
import { lineage, Spool } from "./spool/spools.ts";

const operations = readFileSync(new URL("../docs/operations.md", import.meta.url), "utf8");
const block = (language: string, text = operations): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, inner = ""]) => inner);
const [ofReplay = "", ofAudit = ""] = operations.split("\n## Who wrote what\n");

const statements = (sql: string): string[] => sql.split(";\n").filter(Boolean);

test("the job for cron is silent where all is well, and prints the exit code where something is rejected; what to ask afterwards", async () => {
  const database = await createDatabase();
  try {
    const job = /^[\d* ]+ {2}(.*)$/m.exec(block("crontab").join(""))?.[1] ?? "";
    expect(job).not.toContain("%"); // cron would end the line there
    const folder = await testFolder();
    const command = job
      .replaceAll("/srv/stage1", folder)
      .replace("node /opt/stage1-lineage/dist/cli.js", `"${process.execPath}" "${join(process.cwd(), "dist/cli.js")}"`);
    expect(command).not.toBe(job);
    const night = async (...statements: string[]) => {
      const spool = await Spool.of(...statements);
      const place = `cp "${spool.path}" "${folder}/pending_postgres_inserts.sql"; `;
      return finished(startForTest("sh", ["-c", place + command], { env: { DATABASE_URL: database.url } }));
    };
    expect(await night(...lineage("a"))).toMatchObject({ code: 0, output: "" });
    expect(await night(...lineage("a"), "DROP TABLE simulation_trades;\n")).toMatchObject({
      output: `The replay ended with 1: see ${folder}/replay.log\n`,
    });
    expect(readFileSync(`${folder}/replay.log`, "utf8")).toContain("0 statements written, 1 rejected");
    for (const query of statements(block("sql", ofReplay).join(""))) {
      expect((await database.query(query)).length).toBeGreaterThan(0);
    }

    const [asked = "", pruned = ""] = block("sql", ofAudit);
    const slug = /dataset_slug = '(\w+)'/.exec(asked)?.[1] ?? "";
    const token = /token = '(\w+)'/.exec(asked)?.[1] ?? "";
    await database.query("SELECT stage1_audited_patch($1, $2, 'r')", [
      { dataset_id: randomUUID(), dataset_slug: slug },
      token,
    ]);
    await database.query(`INSERT INTO stage1_audit (written_at, operation, ids, request_id)
                          VALUES (now() - interval '2 years 1 day', 'upsertDataset', '{}', 'old')`);
    expect(statements(asked)).toHaveLength(3);
    for (const query of statements(asked)) {
      expect(await database.query(query)).toContainEqual(expect.objectContaining({ operation: "upsertDataset" }));
    }
    await database.query(pruned);
    expect(await database.query("SELECT request_id FROM stage1_audit")).toEqual([{ request_id: "r" }]);
  } finally {
    await database.drop();
  }
});

test("the units for systemd run the same command as cron, and the timer's name is the service's", () => {
  const [service = "", timer = ""] = block("ini");
  const command = /^ExecStart=\S+\/(.*)$/m.exec(service)?.[1];
  expect(block("crontab").join("")).toContain(`${command} >>`);
  expect(/^# (.*)\.service$/m.exec(service)?.[1]).toBe(/^# (.*)\.timer$/m.exec(timer)?.[1]);
  for (const unit of [service, timer]) expect(unit).not.toMatch(/^(?![#[]|\w+=|$)/m);
});

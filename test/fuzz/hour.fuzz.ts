import { expect, test } from "vitest";
import { createPool } from "../../src/db/pool.ts";
import { schema } from "../../src/graphql/schema.ts";
import { serve, testFolder, until, urlOf } from "../commands/cli.ts";
import { insertOddLineage } from "../graphql/odd-lineage.ts";
import { readPool } from "../graphql/random/pool.ts";
import type { Answer } from "../harness.ts";
import { Campaign, NEVER_SHOWN } from "./campaign.ts";
import { nastyRequests } from "./nasty.ts";
import { growthIn, HEAP_MB, logStates, memoryOf, watchLogs } from "./victim.ts";

const MINUTES = Number(process.env["FUZZ_MINUTES"] ?? 60);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const PROGRESS_MS = 10_000;
/** The nasty ones come again after so many random ones. */
const BETWEEN_NASTY = Number(process.env["FUZZ_BETWEEN"] ?? 6000);

/** Each of which asks for a page of 9 MB at once. */
const BROWSERS = 40;

async function openGraphiQL(url: string): Promise<void> {
  await (await fetch(url, { headers: { accept: "text/html" } })).arrayBuffer();
}

test(`${MINUTES} minutes of requests from seed ${SEED} on find no defect, and the process neither ends nor grows`, async () => {
  const dataDir = await testFolder();
  const server = await serve(["--no-demo"], {
    env: {
      STAGE1_DATA_DIR: dataDir,
      STAGE1_MAX_RATE: "0",
      STAGE1_MAX_CONCURRENT: "0",
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
    },
  });
  const database = createPool({ url: await urlOf(dataDir), max: 1, statementTimeoutMs: 60_000, onIdleError() {} });
  await logStates(database);
  await insertOddLineage(database);
  const defects = watchLogs(server, dataDir);
  // What is not seen is not found: so one that is planted must be.
  await expect(database.query("SELECT 1 / 0")).rejects.toThrow();
  await until(async () => (await defects()).some((line) => line.startsWith("SQLSTATE 22012: ")));
  await database.end();

  const campaign = new Campaign(schema, { url: server.url, defects });
  const pool = await readPool(async <Data>(query: string, variables = {}) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(server.url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = (await response.json()) as Answer<Data>;
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  });

  let over: string | undefined;
  server.exit.then(({ code, signal }) => {
    over = `the server ended with ${signal ?? code}:\n${server.output().slice(-5000)}`;
  });
  const sizes: number[] = [];
  const began = performance.now();
  const passed = () => performance.now() - began;
  let next = SEED * 1_000_000;
  let untilNasty = 0;
  while (passed() < MINUTES * 60_000 && !over && !campaign.isHopeless) {
    if (untilNasty <= 0) {
      await campaign.sendAll(nastyRequests());
      await Promise.allSettled(Array.from({ length: BROWSERS }, () => openGraphiQL(server.url)));
      untilNasty = BETWEEN_NASTY;
    }
    await campaign.sendRandom(pool, next, 90);
    next += 90;
    untilNasty -= 90;
    if (!over && passed() >= sizes.length * PROGRESS_MS) {
      sizes.push(await memoryOf(server.pid));
      const { sent, answered } = campaign.counts;
      process.stderr.write(
        `${Math.round(passed() / 1000)} s: ${sent} requests, ${answered} answered with data, ${campaign.findings.length} findings, ${sizes.at(-1)} MB\n`,
      );
    }
  }
  campaign.close();
  const missing = campaign.coverage.missing().filter((name) => !NEVER_SHOWN.includes(name));
  process.stderr.write(
    `${JSON.stringify(campaign.counts)}\nseeds ${SEED * 1_000_000} to ${next - 1}; MB: ${sizes.join(" ")}\n${JSON.stringify([...campaign.written])}\nnot reached: ${missing.join(", ") || "nothing"}\n`,
  );
  const reports = campaign.findings.map(({ report }) => report);
  const ended = over;
  server.kill("SIGTERM");
  await server.exit;
  expect(ended).toBeUndefined(); // first, since all that came after it failed too
  expect(reports.join("\n\n")).toBe("");
  expect(growthIn(sizes)).toBeUndefined();
});

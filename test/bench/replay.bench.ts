// How fast a spool is replayed, beside what else could be done with it, in one run: `npm run bench:replay`. The number of
// statements is STATEMENTS (default 200000).
import { createWriteStream, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, test } from "vitest";
import { type EmbeddedDatabase, openEmbedded } from "../../src/db/embedded.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openClient } from "../../src/db/pool.ts";
import { start } from "../process.ts";
import {
  bucketStatement,
  datasetStatement,
  HEADER,
  runStatement,
  simulationStatement,
  tradeStatement,
} from "../spool/statements.ts";

const STATEMENTS = Number(process.env["STATEMENTS"] ?? 200_000);
const TRADES_OF_A_SIMULATION = 1000;
/** So many are enough to know how long one takes by itself. */
const ONE_BY_ONE = 5000;

let folder: string;
let database: EmbeddedDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stage1-bench-"));
  database = await openEmbedded({ dataDir: join(folder, "data"), purpose: "bench" });
  await migrate({ url: database.url });
});
afterAll(async () => {
  await database.release();
  await rm(folder, { recursive: true, force: true });
});

function* statements(count: number): Generator<string> {
  yield HEADER;
  yield datasetStatement("d");
  yield runStatement("d", "run");
  for (let made = 2, simulation = 1; made < count; simulation += 1) {
    const name = `sim${simulation}`;
    yield simulationStatement("d", "run", name);
    yield bucketStatement(name, "all");
    made += 2;
    for (let trade = 1; trade <= TRADES_OF_A_SIMULATION && made < count; trade += 1, made += 1) {
      yield tradeStatement(name, trade);
    }
  }
}

test("a spool, replayed, one statement after another, and by COPY", async () => {
  const path = join(folder, "spool.sql");
  await pipeline(Readable.from(statements(STATEMENTS)), createWriteStream(path));
  const client = await openClient(database.url);

  // What psql does with the file.
  const some = [...statements(ONE_BY_ONE)].map((text) => text.replaceAll(/: (nan|-?inf)\b/g, ": null"));
  const sound = some.map((text) => text.replaceAll(/ -?nan,/g, " 'NaN',").replaceAll(/ -?inf,/g, " 'Infinity',"));
  const oneByOne = await seconds(async () => {
    for (const text of sound) await client.query(text);
  });
  await client.query("TRUNCATE stage1_datasets CASCADE");

  const replay = start(process.execPath, ["dist/cli.js", "replay", path], {
    env: { PATH: process.env["PATH"], DATABASE_URL: database.url },
  });
  let memory = 0;
  let running = true;
  const replayed = seconds(async () => {
    const { code } = await replay.exit;
    running = false;
    if (code !== 0) throw new Error(replay.output());
  });
  while (running) {
    memory = Math.max(memory, peakMemory(replay.pid));
    await delay(50);
  }
  const whole = await replayed;

  // The server's own files: no client takes part. Constraints, triggers and indexes do.
  await client.query("COPY simulation_trades TO '/proc/self/cwd/trades.copy'; TRUNCATE simulation_trades; CHECKPOINT");
  const copied = await seconds(() => client.query("COPY simulation_trades FROM '/proc/self/cwd/trades.copy'"));
  const { rows } = await client.query<{ count: string }>("SELECT count(*) FROM simulation_trades");
  await client.end();

  const rate = (count: number, time: number) => Math.round(count / time);
  const rates = {
    "one by one": rate(sound.length - 1, oneByOne),
    replay: rate(STATEMENTS, whole),
    COPY: rate(Number(rows[0]?.count), copied),
  };
  console.table(
    Object.entries(rates).map(([way, perSecond]) => ({
      way,
      "statements or rows/s": perSecond,
      "of COPY": (perSecond / rates.COPY).toFixed(2),
    })),
  );
  console.log(
    `${STATEMENTS} statements, ${Math.round(statSync(path).size / 1e6)} MB; the process took at most ${memory} MB.`,
  );
});

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
}

/** Most memory that a process had at a time so far, in MB; 0 where that is not told. */
function peakMemory(pid: number): number {
  try {
    const [, kilobytes = "0"] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kilobytes) / 1000);
  } catch {
    return 0;
  }
}

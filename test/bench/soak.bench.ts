// What a server holds after minutes of full load, beside what it held after the first: `MINUTES=10 npm run soak`. It fails
// where that has grown.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connection, requestBytes } from "../../bench/connection.ts";
import { figure, table } from "../../bench/table.ts";
import { openClient } from "../../src/db/pool.ts";
import { createToken } from "../../src/http/tokens.ts";
import { finished, makeFolder, removeFolder, run, type Serving, urlOf } from "../commands/cli.ts";
import { ask } from "../faults/client.ts";
import { type Figures, figuresAfterCollection, serveCollectable } from "../faults/figures.ts";
import { troublesIn } from "../faults/log.ts";

const MINUTES = Number(process.env["MINUTES"] ?? 10);
const CONNECTIONS = 16;
/** What memory may grow to after the first minute, as a multiple. */
const GROWTH = 1.1;
/** Clients come and go. */
const REQUESTS_OF_A_CONNECTION = 500;

const operator = createToken("operator", "admin");
const document = readFileSync(new URL("../graphql/client-queries.graphql", import.meta.url), "utf8");

let folder: string;
let dataDir: string;
let server: Serving;
beforeAll(async () => {
  folder = await makeFolder();
  dataDir = join(folder, "data");
  const numbers = ["--datasets", "200", "--runs", "2000", "--simulations", "10000"];
  expect(await finished(run(["seed", ...numbers, "--data-dir", dataDir], { outlivesTest: true }))).toMatchObject({
    code: 0,
  });
  server = await serveCollectable(["--data-dir", dataDir], {
    env: { STAGE1_TOKENS: operator.line, STAGE1_MAX_RATE: "0" },
  });
});
afterAll(async () => {
  server.killGroup("SIGKILL");
  await removeFolder(folder);
});

interface Names {
  readonly datasetId: string;
  readonly datasetSlug: string;
  readonly ohlcvMeasurement: string;
  readonly indicatorMeasurement: string;
  readonly runs: { readonly nodes: readonly { readonly runId: string; readonly predictionMeasurement: string }[] };
}

/** What can be asked for. */
async function names(): Promise<Names[]> {
  const { body } = await ask(
    server.url,
    `{ datasets(first: 50) { nodes { datasetId datasetSlug ohlcvMeasurement indicatorMeasurement
                                     runs(first: 5) { nodes { runId predictionMeasurement } } } } }`,
    { token: operator.secret },
  );
  return (JSON.parse(body) as { data: { datasets: { nodes: Names[] } } }).data.datasets.nodes;
}

const ERRORS = ['"errors":[{', '"userErrors":[{'].map((text) => Buffer.from(text));

interface Request {
  readonly bytes: Buffer;
  /** The answer is to say so. */
  readonly isWrong: boolean;
}

/** Requests of all kinds, without an end; every now and then one that nobody ever asked before, or that is wrong. */
function* requests(datasets: readonly Names[]): Generator<Request> {
  const { origin } = new URL(server.url);
  const headers = { "content-type": "application/json", authorization: `Bearer ${operator.secret}` };
  const request = (body: unknown, isWrong = false): Request => ({
    bytes: requestBytes(origin, "/graphql", headers, JSON.stringify(body)),
    isWrong,
  });
  const named = (operationName: string, variables: unknown) => request({ query: document, operationName, variables });
  // They fill what keeps the last queries and documents, which on a slow machine would take longer than a minute.
  for (let n = 0; n < 4_000; n += 1) {
    yield request({ query: `{ first${n}: datasets(first: 1) { totalCount } }` });
    yield request({ query: `query First${n} { datasets { nodes { nothing } } }` }, true);
  }
  for (let n = 0; ; ) {
    for (const { runs, ...dataset } of datasets) {
      const { datasetId, datasetSlug } = dataset;
      const [first] = runs.nodes;
      n += 1;
      yield named("ServerWindowDatasets", { first: 100 });
      yield named("ServerWindowRuns", { datasetId });
      yield named("ServerWindowRunDetail", { runId: first?.runId });
      yield named("LineageTree", { datasetSlug });
      yield named("DatasetManagerPage", { first: 50, offset: n % 100, search: `${n % 7}` });
      yield named("WhoseTable", { name: first?.predictionMeasurement });
      yield named("DatasetManagerUpsert", { input: { ...dataset, ohlcvRowCount: n } });
      yield request({ query: `{ q${n}: dataset(by: { datasetSlug: "${datasetSlug}" }) { runCount } }` });
      yield request({ query: `{ __typename q${n}: datasets(first: 3) { nodes { id runs { totalCount } } } }` });
      yield request({ query: `query Wrong${n} { datasets { nodes { nothing } } }` }, true);
    }
  }
}

interface Row extends Figures {
  readonly minute: number;
  readonly perSecond: number;
  /** Of the database. */
  readonly sessions: number;
}

test("a server under full load holds no more after minutes than after the first", { timeout: 0 }, async () => {
  const wrong: string[] = [];
  const next = requests(await names());
  const database = await openClient(await urlOf(dataDir), "soak");
  const rows: Row[] = [];
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    const sent = await load(next, 60_000, wrong);
    await delay(1_000); // for the ends of connections to arrive
    const { rows: sessions } = await database.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    const figures = await figuresAfterCollection(server, { token: operator.secret });
    rows.push({ minute, perSecond: sent / 60, sessions: sessions.length, ...figures });
    process.stderr.write(`minute ${minute} of ${MINUTES}: ${figure(sent / 60)} requests a second\n`);
  }
  await database.end();
  process.stdout.write(`\n${report(rows)}\n`);

  expect(wrong.slice(0, 5)).toEqual([]);
  expect(troublesIn(server.output())).toEqual([]);
  const [first] = rows;
  if (!first) throw new Error("MINUTES must be at least 1");
  for (const of of MEMORY) expect(growthOf(rows, of)).toBeLessThan(GROWTH);
  for (const { sockets, total, idle, waiting, sessions } of rows) {
    expect({ waiting, busy: total - idle }).toEqual({ waiting: 0, busy: 0 });
    expect(sockets).toBe(first.sockets);
    expect(sessions - total).toBe(first.sessions - first.total);
  }
});

/** Sends requests for so long, on each connection the next one after an answer. How many were answered. */
async function load(next: Generator<Request>, milliseconds: number, wrong: string[]): Promise<number> {
  const until = performance.now() + milliseconds;
  let sent = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const connection = new Connection(server.url, ERRORS);
      for (let i = 0; i < REQUESTS_OF_A_CONNECTION && performance.now() < until; i += 1) {
        const request = next.next().value as Request;
        const received = await connection.ask(request.bytes).catch((error: Error) => error);
        sent += 1;
        if (!(received instanceof Error) && received.status === 200 && received.marked === request.isWrong) continue;
        wrong.push(
          `${received instanceof Error ? received : JSON.stringify(received)}: ${request.bytes.toString().slice(-200)}`,
        );
        break;
      }
      const stranger = await ask(server.url, "{ __typename }", { token: "unknown" });
      if (stranger.status !== 401) wrong.push(`${stranger.status} for an unknown token`);
      // The last one goes away while its answer is being made.
      connection.ask((next.next().value as Request).bytes).catch(() => {});
      connection.end();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return sent;
}

const MB = 1e6;
const HEAD = ["minute", "req/s", "heap MB", "buffers MB", "resident MB", "sockets", "pool", "waiting", "sessions"];

function cells(row: Row): string[] {
  const { minute, perSecond, heap, external, resident, sockets, total, waiting, sessions } = row;
  const memory = [heap, external, resident].map((bytes) => figure(bytes / MB));
  return [String(minute), figure(perSecond), ...memory, ...[sockets, total, waiting, sessions].map(String)];
}

const MEMORY = ["heap", "external", "resident"] as const;

/** The lowest of the last three minutes beside the first: a single one may be 10 % above others, a leak raises all. */
function growthOf(rows: readonly Row[], of: (typeof MEMORY)[number]): number {
  const [first, ...later] = rows.map((row) => row[of]);
  return first === undefined || later.length === 0 ? 1 : Math.min(...later.slice(-3)) / first;
}

function report(rows: readonly Row[]): string {
  const growths = MEMORY.map((of) => `${((growthOf(rows, of) - 1) * 100).toFixed(1)} %`);
  return table(HEAD, [...rows.map(cells), ["growth", "", ...growths, "", "", "", ""]]);
}

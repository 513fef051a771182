import { afterAll, beforeAll, expect, test } from "vitest";
import { schema } from "../../src/graphql/schema.ts";
import { insertOddLineage } from "../graphql/odd-lineage.ts";
import { readPool } from "../graphql/random/pool.ts";
import type { Pool } from "../graphql/random/values.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "../harness.ts";
import { Campaign, NEVER_SHOWN } from "./campaign.ts";
import { nastyRequests } from "./nasty.ts";
import { isExpected } from "./verdict.ts";

// FUZZ_REQUESTS=20000 FUZZ_SEED=7 npx vitest run test/fuzz: more of them, and others. An hour of it: npm run fuzz.
const REQUESTS = Number(process.env["FUZZ_REQUESTS"] ?? 300);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);

let database: TestDatabase;
let server: TestServer;
let pool: Pool;
beforeAll(async () => {
  database = await createDatabase();
  await insertOddLineage(database);
  // What is refused at the door finds nothing behind it.
  server = await startServer(database, { limits: { queryTokens: 3_000 } });
  pool = await readPool((query, variables) => server.data(query, variables));
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

function campaign(): Campaign {
  let [seen, logged] = [0, 0];
  return new Campaign(schema, {
    url: server.url,
    async defects() {
      const failed = server.failedStatements.slice(seen);
      const errors = server.internalErrors.slice(logged);
      [seen, logged] = [server.failedStatements.length, server.internalErrors.length];
      return [
        ...failed
          .filter(({ code = "", statement }) => !isExpected({ code, statement }))
          .map(({ code, message, statement }) => `SQLSTATE ${code}: ${message} in ${statement}`),
        ...errors.map((error) => `logged: ${error instanceof Error ? error.stack : error}`),
      ];
    },
  });
}

const reports = ({ findings }: Campaign) => findings.map(({ report }) => report).join("\n\n");

/** Each field of a dataset that can be wrong. */
const INVALID = [
  ...["datasetSlug", "ohlcvMeasurement", "indicatorMeasurement", "symbol", "granularity", "source", "metadata"],
  ...["ohlcvRowCount", "indicatorRowCount", "ohlcvFirstTs", "indicatorFirstTs"],
];

test("requests that servers have stumbled over are answered, and never with a defect", async () => {
  const nasty = campaign();
  await nasty.sendAll(nastyRequests());
  nasty.close();
  console.info(JSON.stringify(nasty.counts));
  expect(reports(nasty)).toBe("");
  expect(nasty.counts.sent).toBe(nastyRequests().length);
  expect([...nasty.written].toSorted()).toEqual(INVALID.map((field) => `INVALID_VALUE ${field}`).toSorted());
  expect(await server.data("{ __typename }")).toEqual({ __typename: "Query" });
});

test(
  `${REQUESTS} random requests from seed ${SEED} on find no defect, and reach all of the schema`,
  async () => {
    const random = campaign();
    const missing = () => [
      ...random.coverage.missing().filter((name) => !NEVER_SHOWN.includes(name)),
      ...["written", "SLUG_TAKEN datasetSlug"].filter((outcome) => !random.written.has(outcome)),
    ];
    await random.sendRandom(pool, SEED * 1_000_000, REQUESTS);
    // Some more, where these happen not to reach everything.
    while (random.counts.sent < 4 * REQUESTS && missing().length > 0 && !random.isHopeless)
      await random.sendRandom(pool, SEED * 1_000_000 + random.counts.sent, 90);
    random.close();
    console.info(JSON.stringify(random.counts), JSON.stringify([...random.written]));
    expect(reports(random)).toBe("");
    expect(missing()).toEqual([]);
    // What is refused at the door finds nothing behind it.
    expect(random.counts.answered / random.counts.sent).toBeGreaterThan(0.35);
    expect(await server.data("{ __typename }")).toEqual({ __typename: "Query" });
  },
  60_000 + REQUESTS * 200,
);

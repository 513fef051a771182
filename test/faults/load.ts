import { randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { ask, errorCode, type Reply } from "./client.ts";

/** Clients that go on asking whatever comes back. */
export interface Load {
  /** Answers with data. */
  readonly good: number;
  /** Answers that say, as they should, that the database is away. */
  readonly away: number;
  /** All other answers, and what else came of a request. */
  readonly odd: readonly string[];
  /** How long the longest request took. Milliseconds. */
  readonly longestMs: number;
  /** Resolves when what was asked from now on, reading and writing, has been answered with data. */
  served(): Promise<void>;
  /** The requests whose write was acknowledged, by their id, and the count that each wrote. */
  readonly acknowledged: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** One is answered by one statement, the other, since it asks for the schema too, by graphql-js. */
const READS = [
  "{ datasets(first: 5) { totalCount nodes { datasetSlug ohlcvRowCount runs { nodes { status } } } } }",
  "{ __schema { queryType { name } } datasets(first: 5) { nodes { datasetSlug runs { nodes { status } } } } }",
];
/** So that the clients leave the processors to those that they ask. */
const PAUSE_MS = 10;

/** Two clients of each query, and two that write, each the next count as soon as the last was answered. */
export function startLoad(url: string): Load {
  const agent = new Agent({ keepAlive: true });
  const odd: string[] = [];
  const acknowledged = new Map<string, number>();
  const waiting = new Set<{ readonly since: number; readonly clients: Set<number>; done(): void }>();
  let good = 0;
  let away = 0;
  let longestMs = 0;
  let stopped = false;

  /** Whether it was answered with data. */
  async function send(query: string, requestId?: string): Promise<boolean> {
    const from = performance.now();
    const headers = requestId === undefined ? {} : { "x-request-id": requestId };
    const reply = await ask(url, query, { agent, headers }).catch((error: unknown) => String(error));
    longestMs = Math.max(longestMs, performance.now() - from);
    const what = kindOf(reply);
    if (what === "good") good += 1;
    else if (what === "away") away += 1;
    else odd.push(what);
    return what === "good";
  }

  async function work(client: number, next: () => Promise<boolean>): Promise<void> {
    while (!stopped) {
      const from = performance.now();
      const isGood = await next();
      for (const waiter of waiting) {
        if (isGood && from >= waiter.since) waiter.clients.delete(client);
        if (waiter.clients.size === 0) waiter.done();
      }
      await delay(PAUSE_MS);
    }
  }

  const writer = (slug: string) => {
    const id = randomUUID();
    let count = 0;
    return async () => {
      count += 1;
      const requestId = `${slug}.${count}`;
      const isGood = await send(
        `mutation {
          upsertDataset(input: { datasetId: "${id}", datasetSlug: "${slug}", ohlcvMeasurement: "${slug}_ohlcv",
                                 indicatorMeasurement: "${slug}_ind", ohlcvRowCount: ${count} }) { userErrors { message } }
        }`,
        requestId,
      );
      if (isGood) acknowledged.set(requestId, count);
      return isGood;
    };
  };
  const clients = [...READS, ...READS].map((query) => () => send(query));
  clients.push(writer("first"), writer("second"));
  const working = clients.map((next, client) => work(client, next));

  return {
    get good() {
      return good;
    },
    get away() {
      return away;
    },
    odd,
    get longestMs() {
      return longestMs;
    },
    served() {
      return new Promise((resolve) => {
        const waiter = {
          since: performance.now(),
          clients: new Set(clients.keys()),
          done() {
            waiting.delete(waiter);
            resolve();
          },
        };
        waiting.add(waiter);
      });
    },
    acknowledged,
    async stop() {
      stopped = true;
      await Promise.all(working);
      agent.destroy();
    },
  };
}

function kindOf(reply: Reply | string): string {
  if (typeof reply === "string") return reply;
  const code = errorCode(reply);
  if (reply.status === 200 && code === undefined && !reply.body.includes('"userErrors":[{')) return "good";
  if (reply.status === 503 && code === "DATABASE_UNAVAILABLE") return "away";
  return `${reply.status} ${reply.body.slice(0, 500)}`;
}

import { randomUUID } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ChangeFeed, followChanges } from "../src/db/changes.ts";
import { messageOf } from "../src/errors.ts";
import { until } from "./commands/cli.ts";
import { createDatabase, type TestDatabase } from "./harness.ts";
import { upsert } from "./sql/rows.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** A feed, closed at the end of the test, and what it reports: a table, `connected`, or `lost: …`. */
function follow(url = database.url): { feed: ChangeFeed; said: string[] } {
  const said: string[] = [];
  const feed = followChanges({
    url,
    onChange: (table) => said.push(table),
    onConnect: () => said.push("connected"),
    onDisconnect: (error) => said.push(`lost: ${messageOf(error)}`),
  });
  onTestFinished(() => feed.close());
  return { feed, said };
}

/** The processes that serve feeds. */
async function backends(): Promise<number[]> {
  const rows = await database.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'stage1-lineage changes'",
  );
  return rows.map(({ pid }) => pid);
}

const write = () =>
  upsert(database, {
    dataset_id: randomUUID(),
    dataset_slug: randomUUID(),
    ohlcv_measurement: "",
    indicator_measurement: "",
  });

test("changes of this schema's tables are reported, to stage1_app too, and again after the connection was terminated", async () => {
  const url = new URL(database.url);
  url.searchParams.set("options", "-c role=stage1_app");
  const { said } = follow(url.href);
  await until(() => said.length > 0);
  await database.query("SELECT pg_notify('stage1_changes', 'elsewhere.stage1_datasets')");
  await write();
  await database.query("SELECT pg_notify('stage1_changes', 'public.*')");
  await until(() => said.length > 2);
  expect(said.splice(0)).toEqual(["connected", "stage1_datasets", "*"]);

  await database.query("SELECT pg_terminate_backend($1)", await backends());
  await until(() => said.includes("connected"));
  await write();
  await until(() => said.length > 2);
  expect(said).toEqual(["lost: terminating connection due to administrator command", "connected", "stage1_datasets"]);
});

test("a server that is paused is a lost one, and is heard again once it goes on; meanwhile a feed can be closed", async () => {
  const [paused, closed] = [follow(), follow()];
  await until(() => paused.said.length > 0 && closed.said.length > 0);
  const pids = await backends();
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    await closed.feed.close();
    await until(() => paused.said.length > 2);
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
  expect(paused.said).toEqual([
    "connected",
    "lost: PostgreSQL did not answer within 1 s: is it there",
    "connected", // by another process
  ]);
  expect(closed.said).toEqual(["connected"]);
  await until(async () => (await backends()).length === 1);
});

test("closed in any state, it ends at once and leaves no connection", async () => {
  const silent = await listenOn((socket) => void socket.on("error", () => {}).resume());
  const refused = await listenOn(() => {});
  await new Promise((resolve) => refused.server.close(resolve));
  const feeds = [follow(), follow(silent.url), follow(refused.url), follow()];
  await feeds[0]?.feed.close(); // before it could connect
  await until(() => feeds[3]?.said.length === 1 && feeds[2]?.said.length === 1);
  expect(await silent.connections()).toBe(1);
  await Promise.all(feeds.map(({ feed }) => feed.close()));
  expect(feeds.map(({ said }) => said)).toEqual([
    [],
    [],
    [expect.stringMatching(/^lost: connect ECONNREFUSED/)],
    ["connected"],
  ]);
  await until(async () => (await backends()).length + (await silent.connections()) === 0);
});

test("where notices do not arrive, or a trigger is off, nothing is reported but why, once, until that is mended", async () => {
  // As a pooler does that lends connections by the transaction: a notice comes when nobody waits for it, and is dropped.
  const pooler = await listenOn((socket) => {
    const { hostname, port } = new URL(database.url);
    const server = connect(Number(port), hostname);
    for (const end of [socket, server])
      end.on("error", () => {}).on("close", () => [socket, server].map((s) => s.destroy()));
    socket.pipe(server);
    let pending = Buffer.alloc(0);
    server.on("data", (bytes: Buffer) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length > 4 && pending.length > pending.readUInt32BE(1)) {
        const message = pending.subarray(0, 1 + pending.readUInt32BE(1));
        pending = pending.subarray(message.length);
        if (message.toString("latin1", 0, 1) !== "A") socket.write(message);
      }
    });
  });
  const pooled = follow(pooler.url);
  await database.query("ALTER TABLE simulation_trades DISABLE TRIGGER stage1_notify_change");
  const { said } = follow();
  await until(() => said.length > 0);
  await database.query("ALTER TABLE simulation_trades ENABLE ALWAYS TRIGGER stage1_notify_change");
  await until(() => said.length > 1 && pooled.said.length > 0);
  expect(said).toEqual([
    expect.stringMatching(
      /^lost: the trigger stage1_notify_change of simulation_trades is gone or off.*70_changes\.sql$/,
    ),
    "connected",
  ]);
  // Also while it is connected.
  await database.query("ALTER TABLE simulation_trades ENABLE TRIGGER stage1_notify_change");
  await until(() => said.length > 2);
  expect(said[2]).toMatch(/^lost: the trigger/);
  await database.query("ALTER TABLE simulation_trades ENABLE ALWAYS TRIGGER stage1_notify_change");
  expect(pooled.said).toEqual([expect.stringMatching(/^lost: .*a notice did not arrive; a pooler/)]);
});

interface Listening {
  readonly server: Server;
  /** The database's URL, by way of this server. */
  readonly url: string;
  connections(): Promise<number>;
}

async function listenOn(onSocket: (socket: Socket) => void): Promise<Listening> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    server,
    url: Object.assign(new URL(database.url), { port: String(port) }).href,
    connections: () => new Promise((resolve) => server.getConnections((_, count) => resolve(count))),
  };
}

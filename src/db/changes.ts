import { randomUUID } from "node:crypto";
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { bounded } from "./bounded.ts";
import { openClient } from "./client.ts";

/** A connection on which changes are heard of, or is yet to be. */
export interface ChangeFeed {
  /** Ends it at once, in every state. Nothing is reported any more. */
  close(): Promise<void>;
}

export interface ChangeFeedOptions {
  readonly url: string;
  /** A table was written, by whoever; or any: `*`, after a migration. A transaction's change is visible when it is reported. */
  onChange(table: string): void;
  /** From now on changes are reported. Called again after each reconnection: what happened meanwhile is not known. */
  onConnect(): void;
  /** Changes may be missed from now on. Once for each outage, with its first reason; also where there was no connection yet. */
  onDisconnect(error: unknown): void;
}

/** What one connection reports to. */
interface Reports {
  up(): void;
  down(reason: unknown): void;
}

const NAME = "stage1-lineage changes";
/** Between two questions whether the other end is there, and how long it has to answer. */
const HEARTBEAT_MS = 1_000;
const ANSWER_MS = 1_000;
/** For the beginning of a connection, with all that is asked in it. */
const OPENING_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Reports changes of the tables that the API reads, as sql/functions/70_changes.sql tells them. Connects in the background. */
export function followChanges(options: ChangeFeedOptions): ChangeFeed {
  const closed = new AbortController();
  const following = follow(options, closed.signal);
  return {
    async close() {
      closed.abort();
      await following;
    },
  };
}

async function follow(options: ChangeFeedOptions, closed: AbortSignal): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  let told = false;
  const reports: Reports = {
    up() {
      pause = FIRST_PAUSE_MS;
      told = false;
      options.onConnect();
    },
    down(reason) {
      if (!told && !closed.aborted) options.onDisconnect(reason);
      told = true;
    },
  };
  while (!closed.aborted) {
    await listen(options, reports, closed);
    // Not all servers of a database at the same moment.
    const jittered = pause * (0.5 + Math.random() / 2);
    await delay(jittered, undefined, { signal: closed, ref: false }).catch(() => {});
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

/** One connection, from its beginning to its loss. */
async function listen({ url, onChange }: ChangeFeedOptions, { up, down }: Reports, closed: AbortSignal): Promise<void> {
  const lost = new AbortController();
  const sockets: Socket[] = [];
  const lose = (reason: unknown): void => {
    if (lost.signal.aborted) return;
    lost.abort(reason);
    down(reason);
    // Not client.end(), which waits for a server that may be gone or paused. What is asked rejects.
    for (const socket of sockets) socket.destroy();
  };
  const open = async () => {
    lost.signal.throwIfAborted();
    const stream = (): Socket => {
      const socket = new Socket();
      sockets.push(socket);
      return socket;
    };
    return openClient(url, NAME, { stream });
  };
  /** Loses the connection where it takes longer. */
  const within = <Result>(ms: number, what: string, work: () => Promise<Result>): Promise<Result> =>
    bounded(ms, () => lose(new Error(`PostgreSQL did not answer within ${ms / 1000} s: ${what}`)), work);

  const stop = () => lose(closed.reason);
  closed.addEventListener("abort", stop);
  try {
    const { client, schema } = await within(OPENING_MS, "connecting", async () => {
      const client = await open();
      client.on("error", lose);
      client.on("end", () => lose(new Error("the connection has ended")));
      let prefix: string | undefined;
      client.on("notification", ({ payload = "" }) => {
        if (prefix !== undefined && payload.startsWith(prefix)) onChange(payload.slice(prefix.length));
      });
      await client.query("LISTEN stage1_changes");
      const schema = await inspect(client);
      const word = `heard ${randomUUID()}`;
      const heard = hear(client, word);
      await say(word, open);
      await within(ANSWER_MS, UNHEARD, () => heard);
      prefix = `${schema}.`;
      return { client, schema };
    });
    lost.signal.throwIfAborted();
    up();
    for (;;) {
      await delay(HEARTBEAT_MS, undefined, { signal: lost.signal, ref: false });
      // An answer shows that the connection lives and that the server has sent, before it, what it had to report. It is asked
      // for by no NOTIFY, which would be a write, and which behind a pooler comes back even if those of others do not.
      const now = await within(ANSWER_MS, "is it there", () => inspect(client));
      if (now !== schema) throw new Error(`the tables were in schema ${schema}, and are in ${now} now`);
    }
  } catch (error) {
    lose(error);
  } finally {
    closed.removeEventListener("abort", stop);
  }
}

type Client = Awaited<ReturnType<typeof openClient>>;

/** The schema whose tables are watched. Rejects where a change of them might pass unnoticed. */
async function inspect(client: Client): Promise<string> {
  // Not current_schema(): the tables may stand in a later schema of the search_path.
  const { rows } = await client.query<{ schemas: string[] | null; unnoticed: string | null }>(
    `SELECT (SELECT array_agg(DISTINCT n.nspname::text)
             FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE t.tgname = 'stage1_notify_change' AND pg_table_is_visible(c.oid)) AS schemas,
            (SELECT format('the trigger %s of %s', name, on_table) FROM stage1_unnoticed_changes() LIMIT 1) AS unnoticed`,
  );
  const { schemas, unnoticed = null } = rows[0] ?? {};
  const [schema = "", ...others] = schemas ?? [];
  if (others.length > 0) throw new Error(`the tables are in several schemas: ${[schema, ...others].join(", ")}`);
  if (unnoticed === null) return schema;
  throw new Error(
    `${unnoticed} is gone or off, so that changes may pass unnoticed: psql "$DATABASE_URL" -f sql/functions/70_changes.sql`,
  );
}

const UNHEARD = "a notice did not arrive; a pooler between must keep a session's connection for it, or be left out";

/**
 * Behind a pooler that lends connections by the transaction, LISTEN succeeds, and is then another's. So a second session
 * says something while this one is idle: only a connection of its own hears it.
 */
async function say(word: string, open: () => Promise<Client>): Promise<void> {
  const other = await open();
  await other.query("SELECT pg_notify('stage1_changes', $1)", [word]);
  await other.end();
}

function hear(client: Client, word: string): Promise<void> {
  const heard = new Promise<void>((resolve, reject) => {
    client.once("end", () => reject(new Error("the connection has ended")));
    client.on("notification", ({ payload }) => {
      if (payload === word) resolve();
    });
  });
  heard.catch(() => {}); // the end may come before anybody waits for this
  return heard;
}

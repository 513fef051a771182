import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { openClient } from "./client.ts";

/** The sessions that a statement waits for. */
interface Wait {
  /** The relation whose lock it wants; null: another kind of lock. */
  readonly relation: string | null;
  readonly holders: readonly Holder[];
}

interface Holder {
  readonly pid: number;
  /** What its owner calls it, as far as it may be seen. */
  readonly application_name: string | null;
  readonly usename: string | null;
  readonly state: string | null;
}

interface Look extends Wait {
  /** Of CREATE INDEX: what it is doing. */
  readonly phase: string | null;
  readonly percent: number | null;
}

export interface Watcher {
  /** From now on it is this session that is watched. */
  watch(session: pg.ClientBase): Promise<void>;
  /** Runs one statement of the watched session, and tells how it goes where that takes long. */
  during<Result>(file: string, statement: () => Promise<Result>): Promise<Result>;
  /** What the last statement was last seen waiting for. */
  lastWait(): Wait | undefined;
  /** Ends the statement that runs, as Ctrl-C in psql does. */
  cancel(): Promise<void>;
  end(): Promise<void>;
}

/** Before a wait for a lock ends by lock_timeout, with time to connect. */
const FIRST_LOOK_MS = 150;
const LOOK_EVERY_MS = 1_000;
const TELL_EVERY_MS = 3_000;

/** As another session it sees what the watched one waits for and how far it is. It never fails: then nothing is known. */
export function createWatcher(url: string, tell: (line: string) => void): Watcher {
  let pid: number | undefined;
  let opening: Promise<pg.Client | undefined> | undefined;
  let wait: Wait | undefined;
  // Opened when a statement first takes long, which for most databases is never.
  const connect = () => {
    opening ??= openClient(url, "stage1-lineage migrate (watching)").catch(() => undefined);
    return opening;
  };

  async function look(): Promise<Look | undefined> {
    const client = await connect();
    const result = await client?.query<Look>(LOOK, [pid]).catch(() => undefined);
    return result?.rows[0];
  }

  async function follow(file: string, over: AbortSignal): Promise<void> {
    const began = Date.now();
    let told = began;
    await delay(FIRST_LOOK_MS, undefined, { signal: over });
    for (;;) {
      const seen = await look();
      if (seen && seen.holders.length > 0) wait = seen;
      if (over.aborted) return;
      if (Date.now() - told >= TELL_EVERY_MS) {
        told = Date.now();
        tell(`${file}: ${Math.round((told - began) / 1000)} s${seen ? describe(seen) : ""}`);
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: over });
    }
  }

  return {
    async watch(session) {
      const { rows } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      pid = rows[0]?.pid;
    },
    async during(file, statement) {
      const over = new AbortController();
      wait = undefined;
      const following = follow(file, over.signal).catch(() => {}); // the delay that is cut short
      try {
        return await statement();
      } finally {
        over.abort();
        await following;
      }
    },
    lastWait: () => wait,
    async cancel() {
      const client = await connect();
      await client?.query("SELECT pg_cancel_backend($1)", [pid]).catch(() => {});
    },
    async end() {
      await (await opening)?.end();
    },
  };
}

/** One session as an operator can find it. */
export function nameOf({ pid, application_name, usename, state }: Holder): string {
  const known = [application_name, usename, state].filter((text) => text !== null && text !== "");
  return `pid ${pid}${known.length > 0 ? ` (${known.join(", ")})` : ""}`;
}

function describe({ phase, percent, holders }: Look): string {
  const told = [
    phase,
    percent === null ? null : `${percent} %`,
    holders.length === 0 ? null : `waiting for ${holders.map(nameOf).join(", ")}`,
  ].filter((text) => text !== null);
  return told.length > 0 ? `, ${told.join(", ")}` : "";
}

const LOOK = `
SELECT w.relation::regclass::text AS relation,
       coalesce((SELECT json_agg(json_build_object('pid', b.pid, 'application_name', a.application_name,
                                                   'usename', a.usename, 'state', a.state))
                 FROM unnest(pg_blocking_pids($1)) AS b (pid) LEFT JOIN pg_stat_activity a USING (pid)), '[]') AS holders,
       p.phase,
       coalesce(100 * p.tuples_done / nullif(p.tuples_total, 0), 100 * p.blocks_done / nullif(p.blocks_total, 0))::integer AS percent
FROM (SELECT) AS one
LEFT JOIN LATERAL (SELECT relation FROM pg_locks WHERE pid = $1 AND NOT granted LIMIT 1) AS w ON true
LEFT JOIN pg_stat_progress_create_index p ON p.pid = $1`;

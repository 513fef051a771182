import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { isConnectionError } from "../errors.ts";
import { bounded } from "./bounded.ts";
import { openClient } from "./client.ts";

/** Whether the database is there at all: one that is paused, or behind a network that was cut, says nothing. */
export interface Pulse {
  readonly alive: boolean;
  /** A statement is under way, or waits for a connection. */
  begin(): void;
  end(): void;
  /** The database has answered something. */
  heard(): void;
  /** Looks no more. */
  stop(): void;
}

export interface PulseTimes {
  /** Silence, with statements under way, after which it is asked; Infinity: never. Milliseconds, as all of these. */
  readonly patienceMs: number;
  /** How long it has to answer. */
  readonly answerMs: number;
  /** Between two questions. */
  readonly againMs: number;
}

export interface PulseOptions extends PulseTimes {
  readonly url: string;
  /** It is away: statements are to be given up, and new ones refused. */
  onAway(): void;
  onBack(): void;
}

/** Any answer is a sign of life: a statement may take as long as it takes, as long as somebody else gets one. */
export function createPulse({ url, patienceMs, answerMs, againMs, onAway, onBack }: PulseOptions): Pulse {
  const stopped = new AbortController();
  let alive = true;
  let underWay = 0;
  let busyAt = 0;
  let heardAt = 0;
  let looking = false;
  let timer: NodeJS.Timeout | undefined;

  const patience = () => Math.max(busyAt, heardAt) + patienceMs - performance.now();

  function wait(): void {
    if (underWay === 0 || patienceMs === Number.POSITIVE_INFINITY || looking || stopped.signal.aborted) return;
    timer = setTimeout(() => (patience() > 0 ? wait() : void look()), Math.max(0, patience())).unref();
  }

  /** Asks until there is an answer, and tells when it has been waited for long enough. */
  async function look(): Promise<void> {
    looking = true;
    const since = performance.now();
    const heardOther = () => alive && (heardAt > since || underWay === 0);
    while (!stopped.signal.aborted && !(await answers()) && !heardOther()) {
      if (alive && performance.now() - since >= answerMs) {
        alive = false;
        onAway();
      }
      await delay(againMs, undefined, { signal: stopped.signal, ref: false }).catch(() => {});
    }
    looking = false;
    if (stopped.signal.aborted) return;
    if (!alive) {
      alive = true;
      onBack();
    }
    heardAt = performance.now();
    wait();
  }

  async function answers(): Promise<boolean> {
    const late = new AbortController();
    const stop = () => late.abort();
    stopped.signal.addEventListener("abort", stop);
    try {
      await bounded(answerMs, stop, () => ask(url, late.signal));
      return true;
    } catch (error) {
      // Who refuses is there. What is this process's own fault (no file left to open) says nothing.
      return error instanceof pg.DatabaseError || !isConnectionError(error);
    } finally {
      stopped.signal.removeEventListener("abort", stop);
    }
  }

  return {
    get alive() {
      return alive;
    },
    begin() {
      underWay += 1;
      if (underWay > 1) return;
      busyAt = performance.now();
      wait();
    },
    end() {
      underWay -= 1;
      if (underWay === 0) clearTimeout(timer);
    },
    heard() {
      heardAt = performance.now();
    },
    stop() {
      stopped.abort();
      clearTimeout(timer);
    },
  };
}

/** Asks something on a connection of its own. Rejects once `late` is aborted. */
async function ask(url: string, late: AbortSignal): Promise<void> {
  const socket = new Socket();
  late.addEventListener("abort", () => socket.destroy());
  try {
    const client = await openClient(url, "stage1-lineage pulse", { stream: () => socket });
    await client.query("SELECT 1");
    await client.end();
  } finally {
    socket.destroy();
  }
}

import type { EventEmitter } from "node:events";
import { type NetConnectOpts, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { bounded } from "./bounded.ts";
import type { PooledClient } from "./pooled-client.ts";

/** A statement that is being cancelled. */
export interface Cancel {
  /**
   * To be called when the statement has ended. False: a request to cancel may still be on its way, and would end the next
   * statement of this connection, which must be closed.
   *
   * @param cancelled - it ended because it was cancelled
   */
  ended(cancelled: boolean): Promise<boolean>;
}

/** Most statements end by themselves sooner; a request to cancel costs two connections, its own and often the statement's. */
const GRACE_MS = 25;
const FIRST_PAUSE_MS = 50;

/**
 * Cancels what runs on a connection. Asked again and again, since a request that comes before the statement is read is
 * ignored. Where it has not ended within `withinMs`, the connection is lost, so that its place is free.
 */
export function beginCancel(client: PooledClient, withinMs: number): Cancel {
  const over = new AbortController();
  let asked = false;
  const sending = send();

  /** Whether each request is known to be done with. */
  async function send(): Promise<boolean> {
    const until = performance.now() + withinMs;
    const left = () => Math.max(1, until - performance.now());
    let certain = true;
    await delay(GRACE_MS, undefined, { signal: over.signal }).catch(() => {});
    for (let pause = FIRST_PAUSE_MS; !over.signal.aborted; pause *= 2) {
      asked = true;
      certain = (await deliver(client, left())) && certain;
      if (!over.signal.aborted && performance.now() >= until) client.socket.destroy();
      await delay(Math.min(pause, left()), undefined, { signal: over.signal }).catch(() => {});
    }
    return certain;
  }

  return {
    async ended(cancelled) {
      over.abort();
      return !asked || (cancelled && (await sending));
    },
  };
}

/** pg's Connection, as far as it is not declared. */
interface Wire extends EventEmitter {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * Sends a CancelRequest on a connection of its own, encrypted where the session is: who reads its key can cancel too. True:
 * PostgreSQL has signalled the session, since it closes the connection only afterwards. Never rejects.
 */
async function deliver(client: PooledClient, withinMs: number): Promise<boolean> {
  const { processID, secretKey, ssl, sslNegotiation, host, port } = client;
  const { remoteAddress, remotePort = port, destroyed } = client.socket;
  if (processID === null || secretKey === null || destroyed) return false;
  const file = { path: `${host}/.s.PGSQL.${port}` };
  const socket = new FixedSocket(remoteAddress === undefined ? file : { host: remoteAddress, port: remotePort });
  // pg's client.cancel would send it in the clear. The cast: @types/pg declares neither these options nor these methods.
  const wire = new pg.Connection({
    stream: () => socket,
    ssl,
    sslNegotiation,
  } as pg.ConnectionConfig) as unknown as Wire;
  const work = new Promise<boolean>((resolve) => {
    let sent = false;
    const request = () => {
      wire.cancel(processID, secretKey);
      sent = true;
    };
    if (!ssl) wire.on("connect", request);
    else if (sslNegotiation !== "direct") wire.on("connect", () => wire.requestSsl());
    wire.on("sslconnect", request);
    wire.on("error", () => resolve(false));
    wire.on("end", () => resolve(sent));
  });
  wire.connect(port, host);
  try {
    return await bounded(
      withinMs,
      () => socket.destroy(new Error("the request to cancel was not answered")),
      () => work,
    );
  } finally {
    socket.destroy();
  }
}

/** A socket that connects to one place, whatever it is told: a host's name may lead to several servers. */
class FixedSocket extends Socket {
  readonly #place: NetConnectOpts;

  constructor(place: NetConnectOpts) {
    super();
    this.#place = place;
  }

  override connect(): this {
    return super.connect(this.#place);
  }
}

import type { Socket } from "node:net";
import pg from "pg";

/** A connection of a pool, and what is known of its session. */
export class PooledClient extends pg.Client {
  /** Of pg, which does not declare them. Null: the server gave none. */
  declare readonly processID: number | null;
  declare readonly secretKey: number | null;
  declare readonly sslNegotiation: "postgres" | "direct";
  /** Of pg's pool. Call it once; anything but false closes the connection. */
  declare readonly release: (broken: Error | boolean) => void;

  /** The bare one, below TLS. */
  readonly socket = this.connection.stream as Socket;
  /** The session's statement_timeout in milliseconds. */
  timeoutMs: number | undefined;
  readonly #prepared = new Set<string>();
  #preparedLength = 0;

  /** Notes a statement that is prepared by its name. False: it is the last one that this session should keep. */
  keep(name: string, text: string): boolean {
    if (!this.#prepared.has(name)) this.#preparedLength += text.length;
    this.#prepared.add(name);
    return this.#preparedLength <= MAX_PREPARED;
  }

  /** Sets the session's statement_timeout, where it is another. */
  async limit(timeoutMs: number): Promise<void> {
    if (timeoutMs === this.timeoutMs) return;
    await this.query(`SET statement_timeout = ${Number(timeoutMs)}`);
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Characters of all statements that a connection keeps prepared, for each of which PostgreSQL holds some 50 bytes. One that
 * has more is closed after use, and another opened: clients decide how many there are, and how long.
 */
const MAX_PREPARED = 400_000;

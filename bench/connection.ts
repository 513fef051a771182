import { connect, type Socket } from "node:net";

/** What came back for a request. */
interface Received {
  /** Of HTTP. */
  readonly status: number;
  /** Of the body, bytes. */
  readonly length: number;
  /** Whether the body holds one of the marks. */
  marked: boolean;
}

/** Longer than any contender takes for an answer. Milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * A connection that asks one thing after the other, and knows only as much of HTTP as the contenders need: an answer says its
 * length, and its head arrives at once. A client that does all of it, undici, takes more than twice the processor time for a
 * request, and takes it from the servers: they share the machine.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #marks: readonly Buffer[];
  #settle: ((received: Received | Error) => void) | undefined;
  #received: Received | undefined;
  /** What is yet to come of the body, bytes. */
  #left = 0;

  /** @param marks - to be looked for in bodies; not found where one is cut in two on the way */
  constructor(origin: string, marks: readonly Buffer[]) {
    const { hostname, port } = new URL(origin);
    this.#marks = marks;
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(PATIENCE_MS, () => this.#fail(`no answer for ${PATIENCE_MS / 1000} s`));
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("error", (error) => this.#finish(error));
    this.#socket.on("close", () => this.#finish(new Error("the connection was closed")));
  }

  /** @param request - all of it, as `requestBytes` makes it. Rejects where the answer cannot be read. */
  ask(request: Buffer): Promise<Received> {
    return new Promise((resolve, reject) => {
      this.#settle = (received) => (received instanceof Error ? reject(received) : resolve(received));
      if (this.#socket.destroyed) this.#finish(new Error("the connection was closed"));
      else this.#socket.write(request);
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let body = chunk;
    if (!this.#received) {
      const end = chunk.indexOf("\r\n\r\n");
      if (end < 0 || !this.#settle) {
        this.#fail("the head of an answer in parts, or an answer to nothing");
        return;
      }
      const head = chunk.toString("latin1", 0, end);
      const status = Number(head.slice(9, 12));
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      if (length === undefined) {
        this.#fail(`status ${status}, and no content-length`);
        return;
      }
      this.#received = { status, length: Number(length), marked: false };
      this.#left = Number(length);
      body = chunk.subarray(end + 4);
    }
    this.#left -= body.length;
    if (this.#left < 0) {
      this.#fail("an answer longer than its content-length");
      return;
    }
    this.#received.marked ||= this.#marks.some((mark) => body.includes(mark));
    if (this.#left === 0) this.#finish(this.#received);
  }

  #fail(why: string): void {
    this.#socket.destroy(new Error(why));
  }

  #finish(received: Received | Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#received = undefined;
    settle?.(received);
  }
}

/** A POST, with its head. */
export function requestBytes(
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Buffer {
  const all = { host: new URL(origin).host, ...headers, "content-length": String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

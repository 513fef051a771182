import { connect, type Socket } from "node:net";

/** A connection, and how it ends. */
export interface Line {
  readonly socket: Socket;
  /** All that was received, once it is closed, in whatever way. */
  readonly closed: Promise<string>;
}

/** Opens a connection and sends the text, then nothing more. Resolves when it stands. */
export async function openLine(url: string, text = ""): Promise<Line> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = "";
  socket.setEncoding("latin1").on("data", (piece: string) => {
    received += piece;
  });
  socket.on("error", () => {}); // it closes
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received)));
  await Promise.race([closed, new Promise((resolve) => socket.once("connect", resolve))]);
  socket.write(text);
  return { socket, closed };
}

/** The text of a request. */
export function requestText(body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { host: "localhost", "content-type": "application/json", "content-length": body.length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /graphql HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** An answer that is read one byte a second. */
export interface SlowReader {
  readonly status: number;
  /** Of the body, as the answer says. */
  readonly length: number;
  /** Reads on as fast as it comes, to the end of the connection. How much of the body came in all. */
  rest(): Promise<number>;
  /** Goes away in the middle of the answer. */
  leave(): void;
}

const BETWEEN_BYTES_MS = 1_000;
const END_OF_HEAD = "\r\n\r\n";

/** Sends a request. Resolves when the answer's head is there. */
export function readSlowly(url: string, text: string): Promise<SlowReader> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let head = "";
    let read = 0;
    let fast = false;
    const oneByte = Buffer.alloc(1);
    const many = Buffer.alloc(65_536);
    const socket = connect({
      port: Number(port),
      host: hostname,
      // Into as much room as there is: what is not read stays in the system's buffers, and then with the server.
      onread: {
        buffer: () => (fast ? many : oneByte),
        callback(count, bytes) {
          if (!head.endsWith(END_OF_HEAD)) {
            head += Buffer.from(bytes).toString("latin1", 0, count);
            if (head.endsWith(END_OF_HEAD)) begin();
            return !head.endsWith(END_OF_HEAD);
          }
          read += count;
          return fast;
        },
      },
    });
    const timer = setInterval(() => socket.resume(), BETWEEN_BYTES_MS);
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {}); // it closes
    closed.then(() => {
      clearInterval(timer);
      reject(new Error(`the connection was closed after ${head}`));
    });
    socket.write(text);

    function begin(): void {
      resolve({
        status: Number(head.slice(9, 12)),
        length: Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]),
        async rest() {
          fast = true;
          socket.resume();
          await closed;
          return read;
        },
        leave: () => socket.destroy(),
      });
    }
  });
}

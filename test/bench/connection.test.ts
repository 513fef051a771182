// The bench's own reading of HTTP, against Node's server.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connection, requestBytes } from "../../bench/connection.ts";

const BODY = JSON.stringify({ data: "é".repeat(100_000), "a mark": true });
const server = createServer((request, response) => {
  request.resume();
  if (request.url === "/gone") request.socket.destroy();
  else if (request.url === "/chunked") response.writeHead(500).end("no length");
  else {
    response.writeHead(request.url === "/404" ? 404 : 200, { "content-length": Buffer.byteLength(BODY) });
    response.end(BODY);
  }
});
let origin: string;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test("an answer in many pieces is read to its end, and the next one after it", async () => {
  const connection = new Connection(origin, [Buffer.from('"a mark"')]);
  const length = Buffer.byteLength(BODY);
  for (const [path, status] of [
    ["/", 200],
    ["/404", 404],
  ] as const) {
    const received = await connection.ask(requestBytes(origin, path, { accept: "*/*" }, '{"sent":"é"}'));
    expect(received).toEqual({ status, length, marked: true });
  }
  connection.end();
});

test("what cannot be read is an error with its reason, and so is what is asked after it", async () => {
  for (const [path, reason] of [
    ["/chunked", "status 500, and no content-length"],
    ["/gone", /closed|ECONNRESET/],
  ] as const) {
    const connection = new Connection(origin, []);
    await expect(connection.ask(requestBytes(origin, path, {}, ""))).rejects.toThrow(reason);
    await expect(connection.ask(requestBytes(origin, "/", {}, ""))).rejects.toThrow("the connection was closed");
  }
});

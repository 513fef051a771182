import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { textSentTo } from "../../src/graphql/http-request.ts";

test("a body is handed on as something whose bytes are not counted one by one, which Yoga does", async () => {
  const seen: unknown[] = [];
  const server = createServer(async (request, response) => {
    seen.push(await textSentTo("/graphql", request, 1_000_000));
    const { body } = request as unknown as { body: AsyncIterable<Buffer> };
    seen.push(Object.keys(body).length);
    for await (const piece of body) seen.push(piece.toString());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const body = "x".repeat(100_000);
  await fetch(`http://127.0.0.1:${port}/graphql`, { method: "POST", body });
  expect(seen).toEqual([body, 1, body]);
});

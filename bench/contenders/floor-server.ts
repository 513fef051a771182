import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { ALL_SHAPES, type Shape, type Variant } from "../shapes.ts";
import { STATEMENTS } from "./floor-sql.ts";

const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"], max: 10 });

const server = createServer((request, response) => {
  answer(request).then(
    (text) => {
      const length = Buffer.byteLength(text); // else Node sends it in chunks, which the sender of requests does not read
      response.writeHead(200, { "content-type": "application/json", "content-length": length });
      response.end(text);
    },
    (error: unknown) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ errors: [{ message: String(error) }] }));
    },
  );
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));

async function answer(request: IncomingMessage): Promise<string> {
  const shape = request.url?.slice(1) as Shape;
  if (!ALL_SHAPES.includes(shape)) throw new Error(`There is no shape ${shape}.`);
  const { text, values } = STATEMENTS[shape];
  const variant = JSON.parse(await bodyOf(request)) as Variant;
  const { rows } = await pool.query<{ data: string }>({ name: shape, text, values: values(variant) });
  return `{"data":${rows[0]?.data ?? "null"}}`;
}

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => resolve(body));
    request.on("error", reject);
  });
}

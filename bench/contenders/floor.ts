import { fileURLToPath } from "node:url";
import { withClient } from "../database.ts";
import type { Contender } from "./contender.ts";

/** What a good hand makes without a framework: one statement for each shape, and its text written through. */
export function floor(node: string): Contender {
  return {
    name: "floor",
    command: [node, fileURLToPath(new URL("floor-server.ts", import.meta.url))],
    env: { NODE_ENV: "production" },
    headers: { "content-type": "application/json" },
    path: (shape) => `/${shape}`,
    body: (_, variant) => JSON.stringify(variant),
    positionAfter: (rows, datasetId, { databaseUrl }) =>
      withClient(databaseUrl, async (client) => {
        const found = await client.query<{ position: unknown }>(
          `SELECT json_build_object('createdAt', created_at::text, 'runId', run_id) AS position FROM walkforward_runs
           WHERE dataset_id = $1 ORDER BY created_at DESC, run_id DESC LIMIT 1 OFFSET $2`,
          [datasetId, rows - 1],
        );
        return found.rows[0]?.position;
      }),
  };
}

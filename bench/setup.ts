import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { OperatorError } from "../src/errors.ts";
import { canonical, difference } from "./canonical.ts";
import { ask, type Contender } from "./contenders/contender.ts";
import { restoreUpserted, withClient } from "./database.ts";
import type { Running } from "./measure.ts";
import { type Server, startServer } from "./processes.ts";
import { rowsBeforeDeep, type Shape, type Variant, variantsOf } from "./shapes.ts";
import { BIG_SLUG, type Size } from "./sizes.ts";

/** Starts a contender, and makes its requests: to begin at a page deep down, one must have been there. */
export async function prepare(
  contender: Contender,
  shapes: readonly Shape[],
  size: Size,
  databaseUrl: string,
  servers: Server[],
): Promise<Running> {
  const server = await startServer(contender, databaseUrl);
  servers.push(server);
  return {
    contender,
    server,
    variants: await variantsFor(contender, shapes, size, { origin: server.origin, databaseUrl }),
  };
}

async function variantsFor(
  contender: Contender,
  shapes: readonly Shape[],
  size: Size,
  at: { readonly origin: string; readonly databaseUrl: string },
): Promise<ReadonlyMap<Shape, readonly Variant[]>> {
  const after = shapes.includes("deep")
    ? await contender.positionAfter(rowsBeforeDeep(size), idOf(BIG_SLUG), at)
    : undefined;
  return new Map(shapes.map((shape) => [shape, variantsOf(shape, size, idOf, after)]));
}

/** Ids are hashed from slugs. */
function idOf(slug: string): string {
  const hash = createHash("md5").update(slug).digest("hex");
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Throws, naming the place, where two contenders do not give the same data, or write it. */
export async function requireSameAnswers(
  contenders: readonly Running[],
  shapes: readonly Shape[],
  url: string,
  stop: AbortSignal,
): Promise<void> {
  for (const shape of shapes) {
    const count = contenders[0]?.variants.get(shape)?.length ?? 0;
    let reference: unknown;
    for (const running of contenders) {
      stop.throwIfAborted();
      const answers: unknown[] = [];
      for (let i = 0; i < count; i += 1) answers.push(await answerOf(running, shape, i));
      const data = shape === "upsert" ? await written(url) : answers;
      reference ??= data;
      if (isDeepStrictEqual(reference, data)) continue;
      throw new OperatorError(
        `${running.contender.name} does not give the same data as ${contenders[0]?.contender.name} for ${shape}: ` +
          difference(reference, data),
      );
    }
  }
}

/** The answer to one variant, in canonical form. */
async function answerOf({ contender, server, variants }: Running, shape: Shape, i: number): Promise<unknown> {
  const variant = variants.get(shape)?.[i] ?? {};
  const data = await ask(server.origin + contender.path(shape), contender.headers, contender.body(shape, variant));
  return canonical(data);
}

/** What upserts have left in the database, which is then undone. */
async function written(url: string): Promise<unknown[]> {
  const rows = await withClient(url, (client) =>
    client.query(`
      SELECT to_jsonb(d) - 'updated_at' AS row, d.updated_at > k.updated_at AS touched
      FROM stage1_datasets d JOIN kept.upserted k USING (dataset_id) ORDER BY dataset_id`),
  );
  await restoreUpserted(url);
  return rows.rows;
}

import type { Shape, Variant } from "../shapes.ts";

/** A server to be measured: how it is started and asked. */
export interface Contender {
  readonly name: string;
  /** What to run: a program and its arguments. It writes its URL when it listens, and ends by SIGTERM. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Where a shape is asked, below the server's origin. */
  path(shape: Shape): string;
  body(shape: Shape, variant: Variant): string;
  /** The position after so many of a dataset's runs, newest first: what `Variant.after` is to this contender. */
  positionAfter(rows: number, datasetId: string, at: Started): Promise<unknown>;
}

export interface Started {
  /** Where the server listens: scheme, host and port. */
  readonly origin: string;
  readonly databaseUrl: string;
}

/** POSTs, and returns the parsed answer. Throws where it is not 200 or holds errors. */
export async function ask(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<unknown> {
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 500)}`);
  const answer = JSON.parse(text) as { data?: unknown; errors?: unknown };
  if (answer.errors !== undefined) throw new Error(`${url} answered with errors: ${text.slice(0, 500)}`);
  return answer.data;
}

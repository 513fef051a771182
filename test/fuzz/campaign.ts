import { type DocumentNode, type GraphQLSchema, parse, print, specifiedRules, validate } from "graphql";
import { Coverage } from "../graphql/coverage.ts";
import type { Pool } from "../graphql/random/values.ts";
import { reduce } from "../graphql/reduce.ts";
import { randomRequest } from "./requests.ts";
import { answerIn, cut, faultsOf } from "./verdict.ts";
import { Client, type Operation, postOperation, type Reply, type WireRequest } from "./wire.ts";

/** The server that is attacked. */
export interface Target {
  /** Of its GraphQL endpoint. */
  readonly url: string;
  /** What it said of itself that it should not have had to say, since the last call: failed statements, logged errors. */
  defects(): Promise<string[]>;
}

/** What was found, with the request that shows it. */
export interface Finding {
  readonly fault: string;
  /** For a person: the seed or the name, the request, and the least of it that still fails. */
  readonly report: string;
}

export interface Counts {
  sent: number;
  /** With `data`. */
  answered: number;
  /** With errors alone, by the code of the first. */
  readonly refused: Record<string, number>;
  /** With another HTTP status than 200. */
  readonly statuses: Record<string, number>;
}

/** No row can have the first; the others are for mutations to come. */
export const NEVER_SHOWN: readonly string[] = ["TradeSide.UNKNOWN", "UserErrorCode.NOT_FOUND", "UserError.field null"];

/** Requests that are under way at once. */
const AT_ONCE = 6;
/** Where a batch leaves a defect behind, each request of it is sent once more alone. */
const BATCH = 30;
const TRIES_TO_REDUCE = 150;
/** One kind of fault is enough to know of; and many make a run hopeless. */
const MAX_FINDINGS = 20;

/** A run of requests against one server, and what came of them. */
export class Campaign {
  readonly counts: Counts = { sent: 0, answered: 0, refused: {}, statuses: {} };
  readonly coverage: Coverage;
  /** Of `userErrors`: each code with its field, and `written` where there are none. */
  readonly written = new Set<string>();
  readonly #schema: GraphQLSchema;
  readonly #target: Target;
  readonly #client: Client;
  readonly #findings = new Map<string, Finding>();

  constructor(schema: GraphQLSchema, target: Target) {
    this.#schema = schema;
    this.#target = target;
    this.#client = new Client(target.url);
    this.coverage = new Coverage(schema, [schema.getQueryType(), schema.getMutationType()]);
  }

  get findings(): readonly Finding[] {
    return [...this.#findings.values()];
  }

  get isHopeless(): boolean {
    return this.#findings.size >= MAX_FINDINGS;
  }

  close(): void {
    this.#client.close();
  }

  /** Sends random requests: those of the seeds from `first` on. */
  async sendRandom(pool: Pool, first: number, count: number): Promise<void> {
    for (let seed = first; seed < first + count && !this.isHopeless; seed += BATCH) {
      const seeds = Array.from({ length: Math.min(BATCH, first + count - seed) }, (_, i) => seed + i);
      await this.#sendBatch(
        seeds.map((of) => {
          const request = randomRequest(this.#schema, of, pool);
          return { ...request, what: `seed ${of}: ${request.what}` };
        }),
      );
    }
  }

  /** Sends requests as they are. */
  async sendAll(requests: readonly WireRequest[]): Promise<void> {
    for (let i = 0; i < requests.length && !this.isHopeless; i += BATCH)
      await this.#sendBatch(requests.slice(i, i + BATCH));
  }

  async #sendBatch(requests: readonly WireRequest[]): Promise<void> {
    const waiting = [...requests];
    const found: [fault: string, request: WireRequest][] = [];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { faults, reply } = await this.#judge(next);
        this.#count(next, reply);
        for (const fault of faults) found.push([fault, next]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const defects = await this.#target.defects();
    // Not before, since what the server says is of whatever is under way.
    for (const [fault, request] of found) await this.#note(fault, request);
    if (defects.length === 0) return;
    let shown = 0;
    for (const request of requests) {
      for (const fault of await this.#faultsAlone(request)) {
        shown += 1;
        await this.#note(fault, request);
      }
    }
    // What depends on what was stored, or on what ran beside it.
    if (shown === 0) {
      for (const fault of defects) {
        this.#findings.set(signatureOf(fault), {
          fault,
          report: `${fault}\none of: ${requests.map(({ what }) => what).join("; ")}, which do not show it alone`,
        });
      }
    }
  }

  /** What comes of a request when nothing else is under way, the server's own words among it. */
  async #faultsAlone(request: WireRequest): Promise<string[]> {
    const { faults } = await this.#judge(request);
    return [...faults, ...(await this.#target.defects())];
  }

  async #judge(request: WireRequest): Promise<{ faults: string[]; reply: Reply | undefined }> {
    try {
      const reply = await this.#client.send(request);
      return { faults: faultsOf(request, reply), reply };
    } catch (error) {
      return { faults: [`hangs: ${error instanceof Error ? error.message : error}`], reply: undefined };
    }
  }

  #count(request: WireRequest, reply: Reply | undefined): void {
    const { counts } = this;
    counts.sent += 1;
    if (reply?.kind !== "answer") return;
    if (reply.status !== 200) counts.statuses[reply.status] = (counts.statuses[reply.status] ?? 0) + 1;
    const answer = answerIn(reply);
    const { data, errors } = answer ?? {};
    if (data != null) counts.answered += 1;
    else if (Array.isArray(errors)) {
      const code = String((errors[0] as { extensions?: { code?: unknown } })?.extensions?.code);
      counts.refused[code] = (counts.refused[code] ?? 0) + 1;
    }
    if (request.operation && answer) this.#cover(request.operation, data);
  }

  #cover({ query, operationName, variables }: Operation, data: unknown): void {
    const document = parsed(query);
    // Without the rules that compare fields with one another, which take long.
    const rules = specifiedRules.filter(({ name }) => name !== "OverlappingFieldsCanBeMergedRule");
    if (!document || query.length > 50_000 || validate(this.#schema, document, rules).length > 0) return;
    this.coverage.addDocument(document, isObject(variables) ? variables : {});
    if (!isObject(data)) return;
    this.coverage.addAnswer(document, typeof operationName === "string" ? operationName : undefined, data);
    for (const payload of Object.values(data)) {
      if (!isObject(payload) || !Array.isArray(payload["userErrors"])) continue;
      const errors = payload["userErrors"] as { code: string; field: string | null }[];
      if (errors.length === 0) this.written.add("written");
      for (const { code, field } of errors) this.written.add(`${code} ${field}`);
    }
  }

  async #note(fault: string, request: WireRequest): Promise<void> {
    const signature = signatureOf(fault);
    if (this.#findings.has(signature)) return;
    const smallest = await this.#reduced(signature, request);
    const least = smallest === undefined ? "" : `\nreduced: ${smallest}`;
    this.#findings.set(signature, { fault, report: `${fault}\n${shown(request)}${least}` });
  }

  /** The least of a document that shows the same; undefined where it is none, or the way it was sent matters. */
  async #reduced(signature: string, { operation }: WireRequest): Promise<string | undefined> {
    const document = operation && operation.query.length < 20_000 ? parsed(operation.query) : undefined;
    if (!operation || !document) return undefined;
    const fails = async (smaller: DocumentNode) => {
      const faults = await this.#faultsAlone(postOperation("", { ...operation, query: print(smaller) }));
      return faults.some((fault) => signatureOf(fault) === signature);
    };
    if (!(await fails(document))) return undefined;
    return print(await reduce(this.#schema, document, fails, TRIES_TO_REDUCE));
  }
}

/** Faults that differ in names and numbers alone are one. */
function signatureOf(fault: string): string {
  return cut(fault, 160).replaceAll(/[\da-f]{8}-[\da-f-]{27}|"[^"]*"|\d+(?!\d*:)/g, "…");
}

function shown({ what, raw, method, target, headers, body, operation }: WireRequest): string {
  if (raw) return `${what}\n${JSON.stringify(raw.toString("latin1").slice(0, 500))}`;
  const sent = operation
    ? `${cut(operation.query, 1500)}\noperationName: ${cut(JSON.stringify(operation.operationName))}\nvariables: ${cut(JSON.stringify(operation.variables), 1000)}`
    : cut(body?.toString(), 1000);
  return `${what}\n${method} ${cut(target)} ${cut(JSON.stringify(headers))}\n${sent}`;
}

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

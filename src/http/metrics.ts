import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { IncomingCall } from "./incoming-call.ts";

/** Names of operations are the clients' to choose: so many are told apart, since each takes memory here and in Prometheus. */
const MAX_OPERATIONS = 100;

/** How much is in use now, read when Prometheus asks. */
export interface Usage {
  readonly pool: { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly cacheBytes: number;
}

/** What the server does, for Prometheus. Names follow https://prometheus.io/docs/practices/naming/. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #operations = new Set<string>();
  readonly #requests = new Counter({
    name: "stage1_requests_total",
    help: "Requests by the name of their operation and their outcome: OK, the code of the first error, or CLIENT_GONE.",
    labelNames: ["operation", "outcome"] as const,
    registers: [this.#registry],
  });
  readonly #duration = new Histogram({
    name: "stage1_request_duration_seconds",
    help: "From a request's first byte to the last byte of its answer.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.#registry],
  });
  readonly #statements = new Histogram({
    name: "stage1_request_statements",
    help: "SQL statements of a request; 0: answered from memory, or refused.",
    buckets: [0, 1, 2, 5, 10, 20, 50],
    registers: [this.#registry],
  });
  readonly #cached = new Counter({
    name: "stage1_cached_answers_total",
    help: "Requests that were answered from memory.",
    registers: [this.#registry],
  });
  readonly #batches = new Histogram({
    name: "stage1_loader_batch_size",
    help: "Keys that a DataLoader loaded by one statement.",
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [this.#registry],
  });

  /** @param usage - undefined until the database is open */
  constructor(usage: () => Usage | undefined) {
    new Gauge({
      name: "stage1_pool_connections",
      help: "Connections to the database, by state; `waiting` are requests that wait for one.",
      labelNames: ["state"] as const,
      registers: [this.#registry],
      collect() {
        for (const [state, count] of Object.entries(usage()?.pool ?? {})) this.set({ state }, count);
      },
    });
    new Gauge({
      name: "stage1_cache_bytes",
      help: "Memory of the answers that are kept.",
      registers: [this.#registry],
      collect() {
        this.set(usage()?.cacheBytes ?? 0);
      },
    });
  }

  /** Also the process: memory, CPU, garbage collection, and the delay of the event loop. Goes on as long as the process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** What a DataLoader loads at once. */
  readonly batch = (keys: number): void => this.#batches.observe(keys);

  /** A request that is over. */
  count(call: IncomingCall): void {
    this.#requests.inc({ operation: this.#label(call.operation), outcome: call.outcome });
    this.#duration.observe((performance.now() - call.began) / 1000);
    this.#statements.observe(call.statements);
    if (call.isFromCache) this.#cached.inc();
  }

  /** In the text format of Prometheus. */
  async text(): Promise<{ type: string; body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #label(operation = ""): string {
    if (this.#operations.has(operation)) return operation;
    if (this.#operations.size >= MAX_OPERATIONS || operation.length > 64) return "(other)";
    this.#operations.add(operation);
    return operation;
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { CLI, type RunOptions, ready, runNode, type Serving } from "../commands/cli.ts";
import { type Asking, get } from "./client.ts";

/** A line that is one of the log. */
const COLLECTED = JSON.stringify({ level: 20, msg: "collected" });
/** Makes the process collect its garbage whenever it is told to, so that what it holds can be told from what it left behind. */
const ON_SIGNAL = `process.on("SIGUSR2", () => { gc(); gc(); console.log('${COLLECTED}'); })`;
const COLLECTABLE = ["--expose-gc", "--import", `data:text/javascript,${encodeURIComponent(ON_SIGNAL)}`];

/** Starts `serve` on a free port as `figuresOf` needs it. The caller ends it. */
export async function serveCollectable(args: readonly string[], options: RunOptions = {}): Promise<Serving> {
  return ready(runNode([...COLLECTABLE, CLI, "serve", "--port", "0", ...args], { ...options, outlivesTest: true }));
}

/** What a server holds. Memory in bytes. */
export interface Figures {
  readonly heap: number;
  /** Outside of the heap: what Buffers hold. */
  readonly external: number;
  readonly resident: number;
  /** Connections, but for those of the pool. */
  readonly sockets: number;
  /** Of the pool. */
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** As it is now. The one who asks is among the sockets. */
export async function figuresOf(url: string, asking: Asking = {}): Promise<Figures> {
  const { status, body } = await get(url, "/metrics", asking);
  if (status !== 200) throw new Error(`/metrics answered with ${status}: ${body}`);
  return figuresIn(body);
}

/** After its garbage is collected. */
export async function figuresAfterCollection(server: Serving, asking: Asking = {}): Promise<Figures> {
  const collections = () => server.output().split(COLLECTED).length;
  const before = collections();
  server.kill("SIGUSR2");
  while (collections() === before) await delay(10);
  return figuresOf(server.url, asking);
}

function figuresIn(metrics: string): Figures {
  const pool = (state: string) => numberAt(metrics, `stage1_pool_connections{state="${state}"}`);
  return {
    heap: numberAt(metrics, "nodejs_heap_size_used_bytes"),
    external: numberAt(metrics, "nodejs_external_memory_bytes"),
    resident: numberAt(metrics, "process_resident_memory_bytes"),
    sockets: numberAt(metrics, 'nodejs_active_resources{type="TCPSocketWrap"}') - pool("total"),
    total: pool("total"),
    idle: pool("idle"),
    waiting: pool("waiting"),
  };
}

/** 0 where there is no such line: of what has not come about, there is none. */
function numberAt(metrics: string, name: string): number {
  const line = metrics.split("\n").find((line) => line.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

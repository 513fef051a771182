// Loads one server for a while, in a process of its own. Messages come in and go out by IPC, one job at a time.
import { Client } from "undici";
import type { Job, Outcome } from "./load.ts";
import { percentile } from "./statistics.ts";

/** What an answer with errors holds, by whichever server. */
const ERRORS = [Buffer.from('"errors":[{'), Buffer.from('"userErrors":[{')];
const SHOWN_FAILURES = 3;

process.on("message", (job: Job) => {
  work(job).then((outcome) => process.send?.(outcome));
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C is for the one who started this, and who still wants the answer.
process.on("SIGINT", () => {});

async function work(job: Job): Promise<Outcome> {
  const bodies = job.requests.map(({ body }) => Buffer.from(body));
  const lengths: number[] = [];
  const latencies: number[] = [];
  const failures: string[] = [];
  let failed = 0;
  let next = 0;
  const from = performance.now();
  const until = from + job.milliseconds;

  const connection = (client: Client): Promise<void> =>
    new Promise((resolve) => {
      const send = (): void => {
        const at = next++ % bodies.length;
        const request = job.requests[at];
        const body = bodies[at];
        if (!request || !body || performance.now() >= until) return resolve();
        let status = 0;
        let length = 0;
        let wrong = false;
        const sent = performance.now();
        const done = (error?: Error): void => {
          latencies.push(performance.now() - sent);
          lengths[at] ??= length;
          const changed = !job.varies && lengths[at] !== length;
          if (error || status !== 200 || wrong || changed) {
            failed += 1;
            const why = error?.message ?? (changed ? `${length} bytes instead of ${lengths[at]}` : `status ${status}`);
            if (failures.length < SHOWN_FAILURES) failures.push(`${request.path}: ${wrong ? "errors in the answer" : why}`);
          }
          send();
        };
        client.dispatch(
          { method: "POST", path: request.path, headers: job.headers, body },
          {
            onRequestStart() {},
            onResponseStart(_, code) {
              status = code;
            },
            onResponseData(_, chunk) {
              length += chunk.length;
              wrong ||= ERRORS.some((mark) => chunk.includes(mark));
            },
            onResponseEnd: () => done(),
            onResponseError: (_, error) => done(error),
          },
        );
      };
      send();
    });

  const clients = Array.from({ length: job.connections }, () => new Client(job.origin, { pipelining: 1 }));
  await Promise.all(clients.map(connection));
  const seconds = (performance.now() - from) / 1000;
  await Promise.all(clients.map((client) => client.close()));
  const sorted = Float64Array.from(latencies).sort();
  return {
    requests: latencies.length,
    seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    failed,
    failures,
  };
}

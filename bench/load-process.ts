// Loads one server for a while, in a process of its own. Messages come in and go out by IPC, one job at a time.
import { Connection, requestBytes } from "./connection.ts";
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
  const requests = job.requests.map(({ path, body }) => requestBytes(job.origin, path, job.headers, body));
  const lengths: number[] = [];
  const latencies: number[] = [];
  const failures: string[] = [];
  let failed = 0;
  let next = 0;
  const from = performance.now();
  const until = from + job.milliseconds;

  const fail = (at: number, why: string): void => {
    failed += 1;
    if (failures.length < SHOWN_FAILURES) failures.push(`${job.requests[at]?.path}: ${why}`);
  };
  const askInTurn = async (connection: Connection): Promise<void> => {
    while (performance.now() < until) {
      const at = next++ % requests.length;
      const request = requests[at];
      if (!request) return; // there are none
      const sent = performance.now();
      const received = await connection.ask(request).catch((error: Error) => error);
      latencies.push(performance.now() - sent);
      if (received instanceof Error) return fail(at, received.message);
      const { status, length, marked } = received;
      lengths[at] ??= length;
      if (status !== 200) fail(at, `status ${status}`);
      else if (marked) fail(at, "errors in the answer");
      else if (!job.varies && length !== lengths[at]) fail(at, `${length} bytes instead of ${lengths[at]}`);
    }
  };

  const connections = Array.from({ length: job.connections }, () => new Connection(job.origin, ERRORS));
  await Promise.all(connections.map(askInTurn));
  const seconds = (performance.now() - from) / 1000;
  for (const connection of connections) connection.end();
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

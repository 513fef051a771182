/** Time in which this process stood still is one step at most: an answer may have arrived meanwhile, and lie there unread. */
const STEPS = 4;

/** Does `work`, and calls `late` where that takes longer than `ms` milliseconds; `late` is to make it reject. */
export async function bounded<Result>(ms: number, late: () => void, work: () => Promise<Result>): Promise<Result> {
  let steps = 0;
  let last: NodeJS.Immediate | undefined;
  const timer = setInterval(() => {
    steps += 1;
    if (steps < STEPS) return;
    clearInterval(timer);
    last = setImmediate(late); // what has arrived is read right after the timers
  }, ms / STEPS).unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    clearImmediate(last);
  }
}

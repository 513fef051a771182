const PAUSE_MS = 10_000;

/** Calls `tell` at most every ten seconds: what happens to a thousand clients is one line for whoever reads the log. */
export function seldom<Args extends unknown[]>(tell: (...args: Args) => void): (...args: Args) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (...args) => {
    if (performance.now() - toldAt < PAUSE_MS) return;
    toldAt = performance.now();
    tell(...args);
  };
}

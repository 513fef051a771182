const PAUSE_MS = 10_000;

/** Calls `tell` at most every ten seconds: what happens to a thousand clients is one line for whoever reads the log. */
export function seldom(tell: () => void): () => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - toldAt < PAUSE_MS) return;
    toldAt = performance.now();
    tell();
  };
}

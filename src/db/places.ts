/** A statement's work, as far as its caller can call it off. */
export interface Work {
  /** What that means at the moment: to leave the line, to be cancelled, or nothing. */
  abort: (reason: unknown) => void;
}

/** As many places as there may be connections. Who finds none free stands in line, and so does who holds many already. */
export interface Places {
  /** How many stand in line. */
  readonly waiting: number;
  /**
   * Takes a place; undefined: there was one that this owner may have. Rejects with what `late` makes after the time that a
   * statement may wait, or as `work` is aborted.
   */
  take(work: Work | undefined, owner: string | undefined): Promise<void> | undefined;
  /** Gives a place back, to who waits longest of those who may hold it. */
  give(owner: string | undefined): void;
  /** Sends away all who stand in line. */
  refuse(error: Error): void;
}

interface Waiter {
  readonly owner: string | undefined;
  come(): void;
  leave(reason: unknown): void;
}

/**
 * Not pg's own line: there a statement whose caller has left would go on standing.
 *
 * @param waitMs - how long a statement may wait
 * @param late - what it is refused with then
 */
export function createPlaces(count: number, waitMs: number, late: () => Error): Places {
  let free = count;
  /** How many places each owner holds. */
  const held = new Map<string, number>();
  /** A fifth is left for others, so that the long statements of one keep nobody out. */
  const share = count > 2 ? count - Math.max(1, Math.floor(count / 5)) : count;

  const mayHold = (owner: string | undefined) => owner === undefined || (held.get(owner) ?? 0) < share;
  const hold = (owner: string | undefined, change: 1 | -1): void => {
    if (owner === undefined) return;
    const now = (held.get(owner) ?? 0) + change;
    if (now > 0) held.set(owner, now);
    else held.delete(owner);
  };
  const line = new Set<Waiter>();

  function wait(work: Work | undefined, owner: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const out = (): void => {
        clearTimeout(timer);
        line.delete(waiter);
        if (work) work.abort = () => {};
      };
      const waiter: Waiter = {
        owner,
        come() {
          out();
          hold(owner, 1);
          resolve();
        },
        leave(reason) {
          out();
          reject(reason);
        },
      };
      const timer = setTimeout(() => waiter.leave(late()), waitMs).unref();
      if (work) work.abort = waiter.leave;
      line.add(waiter);
    });
  }

  return {
    get waiting() {
      return line.size;
    },
    take(work, owner) {
      if (free === 0 || !mayHold(owner)) return wait(work, owner);
      free -= 1;
      hold(owner, 1);
      return undefined;
    },
    give(owner) {
      hold(owner, -1);
      for (const next of line) {
        if (!mayHold(next.owner)) continue;
        next.come();
        return;
      }
      free += 1;
    },
    refuse(error) {
      for (const waiter of line) waiter.leave(error);
    },
  };
}

/** A statement's work, as far as its caller can call it off. */
export interface Work {
  /** What that means at the moment: to leave the line, to be cancelled, or nothing. */
  abort: (reason: unknown) => void;
}

/** As many places as there may be connections. Who finds none free stands in line. */
export interface Places {
  /** How many stand in line. */
  readonly waiting: number;
  /** Takes a place; undefined: there was one. Rejects after the time that a statement may wait, or as `work` is aborted. */
  take(work: Work | undefined): Promise<void> | undefined;
  /** Gives a place back, to who waits longest. */
  give(): void;
  /** Sends away all who stand in line. */
  refuse(error: Error): void;
}

interface Waiter {
  come(): void;
  leave(reason: unknown): void;
}

/**
 * Not pg's own line: there a statement whose caller has left would go on standing.
 *
 * @param waitMs - how long a statement may wait
 */
export function createPlaces(count: number, waitMs: number): Places {
  let free = count;
  const line = new Set<Waiter>();

  function wait(work: Work | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const out = (): void => {
        clearTimeout(timer);
        line.delete(waiter);
        if (work) work.abort = () => {};
      };
      const waiter: Waiter = {
        come() {
          out();
          resolve();
        },
        leave(reason) {
          out();
          reject(reason);
        },
      };
      // pg's words, by which it is known as no fault of the statement.
      const timer = setTimeout(
        () => waiter.leave(new Error("timeout exceeded when trying to connect")),
        waitMs,
      ).unref();
      if (work) work.abort = waiter.leave;
      line.add(waiter);
    });
  }

  return {
    get waiting() {
      return line.size;
    },
    take(work) {
      if (free === 0) return wait(work);
      free -= 1;
      return undefined;
    },
    give() {
      const [next] = line;
      if (next) next.come();
      else free += 1;
    },
    refuse(error) {
      for (const waiter of line) waiter.leave(error);
    },
  };
}

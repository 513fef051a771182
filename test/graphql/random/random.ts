/** Choices that a seed decides: the same seed makes the same choices on every machine. */
export interface Random {
  /** A whole number from 0 to `below` − 1. */
  int(below: number): number;
  chance(probability: number): boolean;
  /** Throws RangeError where there is nothing to pick. */
  pick<T>(items: readonly T[]): T;
  shuffled<T>(items: readonly T[]): T[];
}

/** Mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0; // neighbouring seeds shall not begin alike
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number) => Math.floor(fraction() * below);
  return {
    int,
    chance: (probability) => fraction() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError("nothing to pick from");
      return items[int(items.length)] as T;
    },
    shuffled<T>(items: readonly T[]): T[] {
      return items
        .map((item) => ({ item, place: fraction() }))
        .sort((a, b) => a.place - b.place)
        .map(({ item }) => item);
    },
  };
}

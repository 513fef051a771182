import fc from "fast-check";
import { expect, test } from "vitest";
import { AnswerCache } from "../../src/graphql/answer-cache.ts";

const TABLES = ["datasets", "runs", "simulations"];

function liveCache(maxBytes = 1_000_000): AnswerCache {
  const cache = new AnswerCache({ maxBytes, tables: TABLES });
  cache.live = true;
  return cache;
}

const answer = (text: string) => ({ body: Buffer.from(text), etag: `"${text.length}"` });

function store(cache: AnswerCache, key: string, tables: readonly string[], text = key): void {
  cache.set(key, answer(text), new Set(tables), cache.snapshot());
}

/** Which of the keys are there, without a word on which was used last. */
const held = (cache: AnswerCache, keys: readonly string[]) => keys.filter((key) => cache.get(key) !== undefined);

test("an answer is there until one of its tables changes, or any that is not known", () => {
  const cache = liveCache();
  const fill = () => {
    store(cache, "of one", ["datasets"]);
    store(cache, "of two", ["datasets", "runs"]);
    store(cache, "of none", []);
  };
  const keys = ["of one", "of two", "of none"];
  fill();
  expect(cache.get("of two")).toEqual(answer("of two"));
  cache.invalidate("simulations");
  expect(held(cache, keys)).toEqual(keys);
  cache.invalidate("runs");
  expect(held(cache, keys)).toEqual(["of one", "of none"]);
  fill();
  cache.invalidate("*");
  expect(held(cache, keys)).toEqual([]);
  expect(cache.bytes).toBe(0);
  // What was forgotten is nobody's any more.
  store(cache, "of two", ["datasets"]);
  cache.invalidate("runs");
  expect(held(cache, keys)).toEqual(["of two"]);
  store(cache, "of another", ["others"]);
  expect(held(cache, ["of another"])).toEqual([]);
});

test("an answer whose reading began before a change is not stored, one that began after it is", () => {
  const cache = liveCache();
  const before = cache.snapshot();
  cache.invalidate("runs");
  const between = cache.snapshot();
  cache.invalidate("simulations");
  const set = (key: string, tables: string[], snapshot: number) =>
    cache.set(key, answer(key), new Set(tables), snapshot);
  set("changed", ["datasets", "runs"], before);
  set("not changed", ["datasets"], before);
  set("changed before", ["runs"], between);
  set("changed since", ["runs", "simulations"], between);
  expect(held(cache, ["changed", "not changed", "changed before", "changed since"])).toEqual([
    "not changed",
    "changed before",
  ]);
  const beforeAll = cache.snapshot();
  cache.invalidateAll();
  set("of none", [], beforeAll);
  expect(held(cache, ["of none", "not changed"])).toEqual([]);
});

test("while changes may be missed nothing is served or stored, nor afterwards what was read then or before", () => {
  const cache = new AnswerCache({ maxBytes: 1_000_000, tables: TABLES });
  const deaf = cache.snapshot();
  store(cache, "at the start", ["runs"]);
  cache.live = true;
  cache.set("read at the start", answer("a"), new Set(["runs"]), deaf);
  store(cache, "heard", ["runs"]);
  expect(held(cache, ["at the start", "read at the start", "heard"])).toEqual(["heard"]);
  const heard = cache.snapshot();
  cache.live = false;
  expect(held(cache, ["heard"])).toEqual([]);
  const lost = cache.snapshot();
  cache.live = true;
  for (const snapshot of [heard, lost]) cache.set("heard", answer("a"), new Set(["datasets"]), snapshot);
  expect(held(cache, ["heard"])).toEqual([]);
});

test("the bound is kept by forgetting what was longest not asked for", () => {
  const cache = liveCache(200_000);
  const keys = Array.from({ length: 15 }, (_, i) => `key ${i}`);
  const large = "x".repeat(14_000);
  for (const key of keys) {
    if (key === "key 12") {
      expect(cache.get("key 0")).toBeDefined();
      store(cache, "key 1", ["runs"], large); // again
    }
    store(cache, key, ["runs"], large);
    expect(cache.bytes).toBeLessThanOrEqual(200_000);
  }
  expect(cache.bytes).toBeGreaterThan(180_000);
  const kept = ["key 0", "key 1", ...keys.slice(4)];
  expect(held(cache, keys)).toEqual(kept);

  // Larger than a tenth: not stored, and nothing goes for it.
  store(cache, "too large", ["runs"], "x".repeat(20_000));
  expect(held(cache, ["too large", ...keys])).toEqual(kept);
  // Keys count too, or many small answers would pass for little.
  const long = Array.from({ length: 100 }, (_, i) => `${i} ${"k".repeat(4_000)}`);
  for (const key of long) store(cache, key, [], "");
  expect(held(cache, [...keys, ...long]).length).toBeLessThanOrEqual(200_000 / 8_000);
});

test("a small body does not keep the memory that it was cut from", () => {
  const cache = liveCache();
  store(cache, "small", []);
  const body = cache.get("small")?.body;
  expect(body?.toString()).toBe("small");
  expect(body?.buffer.byteLength).toBe(5);
});

const KEYS = ["a", "b"];
const KEY = fc.constantFrom(...KEYS);
const ACTION = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant("begin" as const), key: KEY, tables: fc.subarray(TABLES) }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant("store" as const), key: KEY }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant("change" as const), table: fc.constantFrom(...TABLES, "others") }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("live" as const), value: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ does: "live" as const, value: true }) },
);

test("in any order of things, an answer is held where none of its tables changed since its reading began, and its bytes alone", () => {
  fc.assert(
    fc.property(fc.array(ACTION, { maxLength: 40 }), (actions) => {
      const cache = liveCache();
      const alone = (key: string, tables: readonly string[]) => {
        const other = liveCache();
        store(other, key, tables);
        return other.bytes;
      };
      // By key: what is being read, and what was stored; `tainted` once a table of it changed.
      const reading = new Map<string, { tables: readonly string[]; snapshot: number; tainted: boolean }>();
      const stored = new Map<string, readonly string[]>();
      for (const action of actions) {
        if (action.does === "begin") {
          const { key, tables } = action;
          reading.set(key, { tables, snapshot: cache.snapshot(), tainted: !cache.live });
        } else if (action.does === "store") {
          const read = reading.get(action.key);
          if (!read) continue;
          cache.set(action.key, answer(action.key), new Set(read.tables), read.snapshot);
          if (!read.tainted) stored.set(action.key, read.tables);
        } else {
          const hit = (tables: readonly string[]) =>
            action.does === "live" || !TABLES.includes(action.table) || tables.includes(action.table);
          if (action.does === "live") cache.live = action.value;
          else cache.invalidate(action.table);
          for (const read of reading.values()) read.tainted ||= hit(read.tables);
          for (const [key, tables] of stored) if (hit(tables)) stored.delete(key);
        }
        expect(held(cache, KEYS)).toEqual([...stored.keys()].sort());
        expect(cache.bytes).toBe([...stored].reduce((sum, [key, tables]) => sum + alone(key, tables), 0));
      }
    }),
    { numRuns: 500 },
  );
});

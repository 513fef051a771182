import { expect, test } from "vitest";
import { createPlaces } from "../../src/db/places.ts";

test("one owner's statements leave a fifth of the places to others, and go on as they end", async () => {
  const places = createPlaces(5, 60_000, () => new Error("too late"));
  const takes = (owner: string) => places.take(undefined, owner);
  for (const owner of ["a", "a", "a", "a"]) expect(takes(owner)).toBeUndefined();
  const waiting = takes("a");
  expect(places.waiting).toBe(1);
  expect(takes("b")).toBeUndefined();
  places.give("b");
  expect(places.waiting).toBe(1);
  places.give("a");
  await waiting;
  expect(places.waiting).toBe(0);
});

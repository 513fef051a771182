import { expect, test } from "vitest";
import { remembered } from "../src/remembered.ts";

test("a result is made once for a text, until the texts are too long together", () => {
  const made: string[] = [];
  const lengthOf = remembered((text) => made.push(text) && text.length, 10);
  for (const text of ["four", "four", "", "", "eleven char", "eleven char", "four"]) {
    expect(lengthOf(text)).toBe(text.length);
  }
  expect(made).toEqual(["four", "", "eleven char", "eleven char"]);
});

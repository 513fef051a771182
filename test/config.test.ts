import { expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { LIMITS, type Limits } from "../src/limits.ts";

test.each(Object.entries(LIMITS))(
  "%s is set by its variable, within its range",
  (name, { variable, min, max, fallback }) => {
    const limit = (text: string) => readConfig({}, { [variable]: text }).limits[name as keyof Limits];
    expect([limit(""), limit(String(min)), limit(String(max))]).toEqual([fallback, min, max]);
    for (const wrong of [String(min - 1), String(max + 1), "x", "1.5", "1e3"]) {
      expect(() => limit(wrong)).toThrow(`${variable} must be a whole number, ${min} to ${max}`);
    }
  },
);

test("origins are those that browsers name", () => {
  const origins = (text: string) => readConfig({}, { STAGE1_ORIGINS: text }).origins;
  expect(origins("https://lab.example:8443, http://127.0.0.1:1")).toEqual([
    "https://lab.example:8443",
    "http://127.0.0.1:1",
  ]);
  for (const wrong of ["*", "lab.example", "https://lab.example/", "https://lab.example:443", "null", "https://a,"]) {
    expect(() => origins(wrong)).toThrow("STAGE1_ORIGINS must be origins");
  }
});

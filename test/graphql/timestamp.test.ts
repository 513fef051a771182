import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatTimestamp, isStoredTimestamp, parseTimestamp } from "../../src/domain/timestamp.ts";
import { createDatabase, type TestDatabase } from "../harness.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** An instant with microseconds and any offset, and what PostgreSQL makes of it. */
const instants = fc
  .record({
    seconds: fc.integer({ min: -62_000_000_000, max: 253_000_000_000 }),
    micros: fc.option(fc.nat({ max: 999_999 })),
    offset: fc.option(fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 })),
  })
  .map(({ seconds, micros, offset }) => {
    const local = new Date((seconds + (offset ?? 0) * 60) * 1000).toISOString().slice(0, 19);
    const fraction = micros === null ? "" : `.${String(micros).padStart(6, "0")}`;
    const minutes = Math.abs(offset ?? 0);
    const pad = (value: number) => String(value).padStart(2, "0");
    const zone =
      offset === null ? "Z" : `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
    return `${local}${fraction}${zone}`;
  });

test("any RFC 3339 instant goes through PostgreSQL and back with all its microseconds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(instants, { minLength: 1, maxLength: 50 }), async (texts) => {
      const parsed = texts.map(parseTimestamp);
      const rows = await database.query<{ own: string; ours: string; json: string }>(
        // PostgreSQL takes offsets below 16 hours only: shift by hand
        "SELECT own, ours::timestamptz AS ours, stage1_timestamp_json(ours::timestamptz) AS json FROM unnest($1::timestamptz[], $2::text[]) AS t (own, ours)",
        [
          texts.map((text) => new Date(text).toISOString().replace(/\.\d+Z/, `${/\.\d+/.exec(text)?.[0] ?? ""}Z`)),
          parsed,
        ],
      );
      for (const [i, { own, ours, json }] of rows.entries()) {
        expect(ours).toBe(own);
        expect(parseTimestamp(formatTimestamp(ours))).toBe(parsed[i]);
        expect(JSON.parse(json)).toBe(formatTimestamp(ours));
        expect(isStoredTimestamp(ours)).toBe(true);
      }
    }),
    { numRuns: 20 },
  );
});

test("what is no instant is refused", () => {
  for (const text of [
    "",
    "2025-01-01",
    "2025-01-01T00:00:00",
    "2025-02-30T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-01-01T24:00:00Z",
    "2025-01-01T00:00:60Z",
    "2025-01-01T00:00:00.0000001Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "2025-01-01T00:00:00+24:00",
    "1735689600",
    "now",
  ]) {
    expect(parseTimestamp(text), text).toBeUndefined();
  }
  expect(parseTimestamp("2025-01-01t00:00:00.1000000z")).toBe("2025-01-01T00:00:00.1Z");
});

test("PostgreSQL accepts every stored timestamp that a cursor may hold, and stored oddities keep their meaning", async () => {
  const odd = {
    "57216-05-12 01:02:03+00": "+057216-05-12T01:02:03Z",
    "294276-12-31 23:59:59.999999+00": "+294276-12-31T23:59:59.999999Z",
    "0044-03-15 00:00:00+00 BC": "-000043-03-15T00:00:00Z",
    "0001-01-01 00:00:00+00 BC": "0000-01-01T00:00:00Z",
    "4714-11-24 00:00:00+00 BC": "-004713-11-24T00:00:00Z",
    infinity: "infinity",
    "-infinity": "-infinity",
  };
  for (const [stored, shown] of Object.entries(odd)) {
    const [row] = await database.query<{ back: string; json: string }>(
      "SELECT $1::timestamptz AS back, stage1_timestamp_json($1) AS json",
      [stored],
    );
    expect(row).toEqual({ back: stored, json: JSON.stringify(shown) });
    expect(isStoredTimestamp(stored)).toBe(true);
    expect(formatTimestamp(stored)).toBe(shown);
  }
  // One step outside what PostgreSQL knows, it would refuse the statement.
  for (const beyond of [
    "4714-11-23 00:00:00+00 BC",
    "4715-01-01 00:00:00+00 BC",
    "294277-01-01 00:00:00+00",
    "0000-01-01 00:00:00+00",
  ]) {
    expect(isStoredTimestamp(beyond), beyond).toBe(false);
    await expect(database.query("SELECT $1::timestamptz", [beyond]), beyond).rejects.toThrow();
  }
});

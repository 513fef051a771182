// What the bench computes and draws. That it runs is seen by running it: `npm run bench -- --quick`.
import { describe, expect, test } from "vitest";
import { canonical, difference } from "../../bench/canonical.ts";
import { type Figures, mixed, type Turn } from "../../bench/measure.ts";
import { readOptions } from "../../bench/options.ts";
import { picture } from "../../bench/picture.ts";
import { plansIn } from "../../bench/plans.ts";
import { selfTimes } from "../../bench/profile.ts";
import { AGAIN, FLOOR, multiple, OURS, POSTGRAPHILE, type Report } from "../../bench/report.ts";
import { rowsBeforeDeep } from "../../bench/shapes.ts";
import { median, percentile } from "../../bench/statistics.ts";
import { shapeTables, table, verdictTable } from "../../bench/table.ts";
import { verdicts } from "../../bench/verdict.ts";

const turn = (requestsPerSecond: number, p50 = 1): Turn => ({
  ...{ requestsPerSecond, p50, p99: 2, cpuServer: 0.5, cpuDatabase: Number.NaN, megabytes: 100 },
});
const figures = (requestsPerSecond: number, p50?: number): Figures => {
  const seen = turn(requestsPerSecond, p50);
  return { ...seen, turns: [seen] };
};
const report: Report = {
  ...{ machine: "a machine", node: "v24.0.0", machineNode: "v20.0.0", size: "full", connections: 16, rounds: 5 },
  shapes: {
    page: { [OURS]: figures(150), [AGAIN]: figures(799), [POSTGRAPHILE]: figures(100), [FLOOR]: figures(240) },
    upsert: { [OURS]: figures(50), [POSTGRAPHILE]: figures(100), [FLOOR]: figures(200) },
  },
  growth: { page: { full: figures(1, 5), tenth: figures(1, 4) } },
  start: { [OURS]: 1001 },
};

test("the median is of what is known, and a percentile is a value that was seen", () => {
  expect(median([3, 1, Number.NaN, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  expect([0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 99, 100]);
  expect(percentile([], 0.5)).toBeNaN();
});

test("a multiple is that of the median round, not of rounds that lie apart", () => {
  const of = (...seen: number[]) => ({
    ...figures(2),
    turns: seen.map((requestsPerSecond) => turn(requestsPerSecond)),
  });
  // The machine was slow in the second round and fast in the third.
  expect(multiple(of(200, 90, 300), of(100, 50, 160), "requestsPerSecond")).toBe(1.875);
  expect(multiple(of(1), undefined, "requestsPerSecond")).toBeNaN();
});

describe("answers are compared in one form", () => {
  const ours = {
    datasets: {
      nodes: [{ runCount: 2, updatedAt: "2025-01-01T00:00:00.12Z", status: "COMPLETED", summaryMetrics: { f1: 0.5 } }],
    },
  };
  const theirs = {
    datasets: [
      {
        ...{ summaryMetrics: { f1: 0.5 }, status: "completed", updatedAt: "2025-01-01T00:00:00.120000+00:00" },
        runCount: { totalCount: "2" },
      },
    ],
  };

  test("which leaves out how each server says it", () => {
    expect(canonical(ours)).toEqual(canonical(theirs));
    expect(difference(canonical(ours), canonical(theirs))).toBeUndefined();
  });

  test("and shows where data differs, to the microsecond", () => {
    const later = structuredClone(ours);
    later.datasets.nodes = later.datasets.nodes.map((node) => ({ ...node, updatedAt: "2025-01-01T00:00:00.120001Z" }));
    expect(difference(canonical(ours), canonical(later))).toBe(
      'data.datasets[0].updatedAt: "2025-01-01T00:00:00.120000Z" is not "2025-01-01T00:00:00.120001Z"',
    );
    expect(difference([1], [1, 2])).toBe("data[1]: nothing is not 2");
  });
});

test("requests of several shapes are mixed evenly", () => {
  expect(mixed([["a"], ["b", "c", "d"]])).toEqual(["a", "b", "a", "c", "a", "d"]);
});

test("page 500 of all runs is page 50 of a tenth", () => {
  expect([rowsBeforeDeep("full"), rowsBeforeDeep("tenth")]).toEqual([9980, 1000]);
});

test("a target is met at its limit, and what was not measured is not judged", () => {
  const found = verdicts(report).map(({ target, subject, met }) => [target, subject, met]);
  expect(found).toEqual([
    ["of PostGraphile", "page", true],
    ["of the floor", "page", true],
    ["of PostGraphile, read again", "page", false],
    ["p50 of a tenth of the data", "page", true],
    ["start until ready", "", false],
  ]);
  expect(verdictTable(verdicts(report))).toMatch(/read again +page +≥ 8 × +7\.99 × +MISSED/);
});

test("tables have columns, and a dash for what the system does not tell", () => {
  expect(
    table(
      ["", "n"],
      [
        ["long name", "1"],
        ["b", "1,000"],
      ],
    ),
  ).toBe("               n\n────────────────\nlong name      1\nb          1,000");
  expect(shapeTables(report)).toMatch(/^ours +150 +1\.00 +2\.00 +0\.50 +– +100 +1\.50 +0\.63$/m);
});

test("the picture is well-formed, with a bar for each ratio of a reading shape", () => {
  const svg = picture(report);
  const open: string[] = [];
  for (const [, closing, name = "", , selfClosing] of svg.matchAll(/<(\/?)(\w+)((?: [\w:-]+="[^"<&]*")*)(\/?)>/g)) {
    if (closing) expect(open.pop()).toBe(name);
    else if (!selfClosing) open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg.replaceAll(/<\/?\w+(?: [\w:-]+="[^"<&]*")*\/?>/g, "")).not.toMatch(/[<>]/);
  expect([...svg.matchAll(/font-size="9"[^>]*>([\d.]+)</g)].map((match) => match[1])).toEqual(["2.40", "1.50", "7.99"]);
});

test("a profile's time is its functions' own, between two instants, without idling", () => {
  const frame = (id: number, functionName: string, url: string) => ({
    id,
    callFrame: { functionName, url, lineNumber: 9 },
  });
  const { functions, places } = selfTimes(
    {
      nodes: [
        frame(1, "(idle)", ""),
        frame(2, "parse", "file:///x/node_modules/@a/b/lib/c.js"),
        frame(3, "", "file:///x/dist/db/pool.js"),
      ],
      ...{ samples: [2, 1, 2, 3, 3], timeDeltas: [10, 10, 10, 10, 10] },
    },
    15,
    45,
  );
  expect([...functions]).toEqual([
    ["parse  @a/b/lib/c.js:10", 10],
    ["(anonymous)  dist/db/pool.js:10", 10],
  ]);
  expect([...places.keys()]).toEqual(["@a/b", "dist/db/pool.js"]);
});

test("plans are taken out of PostgreSQL's log", () => {
  const log =
    "2025-01-01 00:00:00.000 UTC [1] LOG:  checkpoint starting: time\n" +
    "2025-01-01 00:00:00.000 UTC [2] LOG:  duration: 0.123 ms  plan:\n\tQuery Text: SELECT 1\n\tResult  (cost=0.00)\n" +
    "2025-01-01 00:00:00.000 UTC [1] LOG:  checkpoint complete\n";
  expect(plansIn(log)).toBe("── 0.123 ms  plan:\nQuery Text: SELECT 1\nResult  (cost=0.00)");
});

test("a mistake on the command line is named with its remedy", () => {
  expect(readOptions(["--shape", "tree", "--shape", "page", "--rounds", "3"])).toMatchObject({
    ...{ shapes: ["page", "tree"], rounds: 3, connections: 16, quick: false },
  });
  for (const [args, message] of [
    [["--shape", "pages"], /no shape "pages": choose of page, tree/],
    [["--rounds", "0"], /--rounds must be a whole number/],
    [["--fast"], /--fast.*--help/s],
  ] as const) {
    expect(() => readOptions(args)).toThrow(message);
  }
});

import { BIG_SLUG, SIZES, type Size, UPSERTED } from "./sizes.ts";

/** What is asked, in the order of the tables. `first` is what `deep` is compared with. */
export const SHAPES = {
  page: "50 datasets with both counts, newest first",
  tree: "20 datasets × 10 runs × 5 simulations with counts",
  runs: "1,000 runs of the large dataset",
  deep: "page 500 of its runs, 20 a page, by cursor",
  first: "page 1 of its runs, 20 a page",
  hierarchy: "500 rows of the flat view",
  one: "one dataset with its newest 20 runs",
  search: "a substring over all datasets, 50 rows",
  upsert: "one dataset written",
} as const;
export type Shape = keyof typeof SHAPES;

export const ALL_SHAPES = Object.keys(SHAPES) as Shape[];
export const READING: readonly Shape[] = ALL_SHAPES.filter((shape) => shape !== "upsert");

/** What a request of a shape is about, in nobody's language. A contender makes its own request of it. */
export interface Variant {
  readonly datasetId?: string;
  readonly slug?: string;
  readonly text?: string;
  readonly dataset?: Upsert;
  /** Where the page begins, in the contender's own words. */
  readonly after?: unknown;
}

/** Every column of a dataset that a client writes. */
export interface Upsert {
  readonly datasetId: string;
  readonly datasetSlug: string;
  readonly symbol: string;
  readonly granularity: string;
  readonly source: string;
  readonly ohlcvMeasurement: string;
  readonly indicatorMeasurement: string;
  readonly ohlcvRowCount: number;
  readonly indicatorRowCount: number;
  readonly ohlcvFirstTs: string;
  readonly ohlcvLastTs: string;
  readonly indicatorFirstTs: string;
  readonly indicatorLastTs: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** So that more than one hot row is read, shapes that name something name each of these in turn. */
const VARIANTS = 50;

/** How many rows of the large dataset come before the `deep` page: page 500 of all, page 50 of a tenth. */
export function rowsBeforeDeep(size: Size): number {
  return Math.round((499 * 20 * SIZES[size].big) / SIZES.full.big / 20) * 20;
}

/**
 * @param idOf - the id of the dataset with a slug
 * @param after - the position that `deep` begins at
 */
export function variantsOf(shape: Shape, size: Size, idOf: (slug: string) => string, after: unknown): Variant[] {
  const numbers = Array.from({ length: VARIANTS }, (_, i) => i + 1);
  switch (shape) {
    case "page":
    case "tree":
    case "hierarchy":
      return [{}];
    case "runs":
    case "first":
      return [{ datasetId: idOf(BIG_SLUG) }];
    case "deep":
      return [{ datasetId: idOf(BIG_SLUG), after }];
    case "one":
      return numbers.map((n) => ({ slug: `load_${(n * SIZES[size].datasets) / 100}` }));
    case "search":
      // `load_42` is in 111 of 10,000 slugs, and `load_4` in 111 of 1,000.
      return size === "full"
        ? numbers.map((n) => ({ text: `load_${n + 9}` }))
        : Array.from({ length: 9 }, (_, i) => ({ text: `load_${i + 1}` }));
    case "upsert":
      return Array.from({ length: UPSERTED }, (_, i) => ({ dataset: upsertOf(`load_${i + 1}`, idOf) }));
  }
}

function upsertOf(datasetSlug: string, idOf: (slug: string) => string): Upsert {
  return {
    datasetId: idOf(datasetSlug),
    datasetSlug,
    symbol: "BTCUSDT",
    granularity: "4h",
    source: "bench",
    ohlcvMeasurement: `${datasetSlug}_ohlcv`,
    indicatorMeasurement: `${datasetSlug}_ind`,
    ohlcvRowCount: 8761,
    indicatorRowCount: 8761,
    ohlcvFirstTs: "2023-01-01T00:00:00.000001Z",
    ohlcvLastTs: "2024-01-01T00:00:00Z",
    indicatorFirstTs: "2023-01-02T00:00:00Z",
    indicatorLastTs: "2024-01-01T00:00:00Z",
    metadata: { bench: true },
  };
}

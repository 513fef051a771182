/** The databases of the bench, and how many rows each holds. `big`: so many of the runs belong to one dataset. */
export const SIZES = {
  full: { datasets: 10_000, runs: 223_525, simulations: 1_000_000, big: 23_525 },
  tenth: { datasets: 1_000, runs: 22_352, simulations: 100_000, big: 2_352 },
} as const;
export type Size = keyof typeof SIZES;

/** The dataset with many runs. By its slug it comes last in the flat view; by its age it stands in the middle. */
export const BIG_SLUG = "load_big";

/** So many datasets are upserted: `load_1` and those after it. */
export const UPSERTED = 50;

import { defineConfig } from "vitest/config";

/** Measurements, not tests: run by hand, one at a time, on a machine that does nothing else. */
export default defineConfig({
  test: {
    include: ["test/bench/*.bench.ts"],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
    reporters: ["verbose"],
  },
});

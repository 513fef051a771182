import { defineConfig } from "vitest/config";

/** The long run of the fuzzer, which test/fuzz/start.mjs starts. */
export default defineConfig({
  // As in vitest.config.ts.
  resolve: { alias: [{ find: /^graphql$/, replacement: "graphql/index.js" }] },
  test: {
    include: ["test/fuzz/*.fuzz.ts"],
    pool: "forks",
    testTimeout: 0,
    disableConsoleIntercept: true,
    reporters: ["default"],
  },
});

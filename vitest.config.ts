import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, the longest first: one that was begun last would run on alone. */
const LONG = [
  "commands/takeover",
  "fuzz/fuzz",
  "sql/half-migrated",
  "spool/generations",
  "commands/replay",
  "faults/clients",
  "docker",
  "commands/stop",
  "pack",
  "seed-million",
  "commands/refusals",
  "graphiql",
  "spool/replay",
  "sql/lossless-types",
  "faults/database",
  "commands/first-start",
  "graphql/executor",
  "graphql/pages",
  "seed",
  "commands/external-database",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return index < 0 ? LONG.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  // Node and Vite would each pick another build of graphql, and graphql refuses to meet itself.
  resolve: { alias: [{ find: /^graphql$/, replacement: "graphql/index.js" }] },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    pool: "forks",
    // A worker keeps the modules that its files share: loading GraphQL takes longer than most of them run.
    isolate: false,
    // One more than there are cores: many tests wait for processes.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default"],
  },
});

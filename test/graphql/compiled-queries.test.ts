import { expect, test } from "vitest";
import { CompiledQueries } from "../../src/graphql/compiled-queries.ts";
import { schema } from "../../src/graphql/schema.ts";
import { LIMITS } from "../harness.ts";

/** 500 fields in 400 characters. */
const heavy = (i: number) => `
  { datasets { nodes { ${["a", "b", "c", "d", "e"].map((alias) => `${alias}: runs { nodes { ...Run } }`).join(" ")} } } }
  fragment Run on WalkforwardRun { run${i}: runId ${["a", "b", "c"].map((alias) => `${alias}: simulations { nodes { ...Simulation } }`).join(" ")} }
  fragment Simulation on Simulation { ${Array.from({ length: 35 }, (_, n) => `f${n}: mode`).join(" ")} }`;
const light = (i: number) => `{ datasets { nodes { d${i}: datasetSlug ${" ".repeat(heavy(0).length)} } } }`;

test("compiled queries are kept by the fields that they select, not by their length alone", () => {
  for (const [make, isKept] of [
    [light, true],
    [heavy, false],
  ] as const) {
    const queries = new CompiledQueries(schema, { ...LIMITS, aliases: 1_000 });
    const first = queries.get(make(0), undefined);
    expect(first).toBeDefined();
    expect(queries.get(make(0), undefined)).toBe(first);
    for (let i = 1; i < 40; i += 1) queries.get(make(i), undefined);
    expect(queries.get(make(0), undefined) === first, make(0)).toBe(isKept);
  }
});

import type { Random } from "../graphql/random/random.ts";
import type { Operation } from "./wire.ts";

/** Queries that are large in one way or another: deep, wide, in circles, with many of something. */
export class Shapes {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  operation(): Operation {
    const { int, pick } = this.#random;
    const size = pick([2, 10, 15, 16, 30, 50, 100, 101, 200, 500]);
    return pick([
      () => deep(1 + int(30)),
      () => ({ query: aliases(size, "__typename") }),
      () => ({ query: aliases(size, "datasets(first: 1) { totalCount }") }),
      () => ({ query: `{ datasets(first: 2) { nodes ${aliases(size, "runCount")} } }` }),
      () => ({ query: `{ datasets(first: 2) { nodes ${aliases(size, "runs(first: 1) { totalCount }")} } }` }),
      () => ({ query: `{ __typename ${"@skip(if: false) ".repeat(size)} }` }),
      () => ({ query: fragments(Math.min(size, 20), 1 + int(3)) }),
      () => ({ query: circle(1 + int(5)) }),
      () => manyVariables(size),
      () => ({
        query: "query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        variables: { ids: Array.from({ length: pick([0, 1, 999, 1000, 1001, 5000]) }, () => "RGF0YXNldDp4") },
      }),
      () => ({ query: `{ measurement(name: ${"[".repeat(size)}"x"${"]".repeat(size)}) { role } }` }),
      () => ({ query: `{ __schema { types { fields { ${"type { ofType { ".repeat(1)} name } } } } } }` }),
      () => ({ query: `{ datasets(filter: { ${'search: "x" '.repeat(size)} }) { totalCount } }` }),
      () => ({ query: `{ ${"__typename ".repeat(size * 10)} }` }),
    ])();
  }
}

/** Down the lineage and up again. */
export function deep(levels: number): Operation {
  let inner = "datasetSlug";
  for (let level = 0; level < levels; level++) {
    inner = `runs(first: 1) { nodes { dataset { ${inner} } } }`;
  }
  return { query: `{ datasets(first: 1) { nodes { ${inner} } } }` };
}

export function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(" ")} }`;
}

/** Fragments that each spread the next one `times` times. */
export function fragments(count: number, times: number): string {
  const all = Array.from({ length: count }, (_, i) => {
    const next = i + 1 < count ? `...F${i + 1} `.repeat(times) : "__typename";
    return `fragment F${i} on Query { ${next} }`;
  });
  return `{ ...F0 } ${all.join(" ")}`;
}

/** Fragments that spread each other in a circle. */
export function circle(count: number): string {
  const all = Array.from({ length: count }, (_, i) => `fragment F${i} on Query { ...F${(i + 1) % count} __typename }`);
  return `{ ...F0 } ${all.join(" ")}`;
}

export function manyVariables(count: number): Operation {
  const names = Array.from({ length: count }, (_, i) => `v${i}`);
  const declared = names.map((name) => `$${name}: Int = 1`).join(", ");
  const used = names.map((name) => `${name}: datasets(first: $${name}) { totalCount }`).join(" ");
  return {
    query: `query Many(${declared}) { ${used} }`,
    variables: Object.fromEntries(names.map((name) => [name, 1])),
  };
}

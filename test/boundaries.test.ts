import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src/", import.meta.url));

interface Import {
  readonly from: string;
  /** A file below src, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Where a file stands: the folder below src, or the name of a file directly in src. */
const layerOf = (file: string) => file.split("/")[0]?.replace(/\.ts$/, "") ?? "";

function readImports(): Import[] {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return files.flatMap((from) => {
    const text = readFileSync(join(SRC, from), "utf8");
    // `verbatimModuleSyntax` keeps types apart from values, in `import type` or in each name.
    const statements = text.matchAll(
      /(?:^(?:import|export)\s+(type\s)?([^;'"]*?from\s+)?|\bimport\()["']([^"']+)["']/gm,
    );
    return [...statements].map(([, type, names = "", target = ""]) => ({
      from,
      to: target.startsWith(".") ? relative(SRC, normalize(join(SRC, dirname(from), target))) : target,
      typeOnly: type !== undefined || /^\{(?:\s*type [^,}]+,?)+\s*\}/.test(names),
    }));
  });
}

const imports = readImports();
const own = imports.filter(({ to }) => to.endsWith(".ts"));

/** Which layer may import which: the arrows run cli → commands → http → graphql → domain → db. */
const ALLOWED: Record<string, readonly string[]> = {
  cli: ["commands", "config", "errors", "version"],
  commands: ["http", "graphql", "domain", "db", "config", "errors", "version"],
  http: ["graphql", "domain", "errors", "version"],
  graphql: ["domain", "errors"],
  domain: ["db", "errors"],
  db: ["errors", "version"],
  config: ["errors", "limits"],
  limits: [],
  errors: [],
  version: [],
};

test("imports run one way: cli → commands → http → graphql → domain → db", () => {
  expect(own.length).toBeGreaterThan(100);
  const wrong = own.filter(({ from, to, typeOnly }) => {
    const [source, target] = [layerOf(from), layerOf(to)];
    if (source === target) return false;
    return !(
      ALLOWED[source]?.includes(target) ||
      (["http", "graphql"].includes(source) && target === "db" && typeOnly)
    );
  });
  expect(wrong).toEqual([]);
});

test("only db speaks to PostgreSQL, and the domain knows nothing of GraphQL", () => {
  const of = (...packages: string[]) =>
    imports.filter(
      ({ to }) => !to.endsWith(".ts") && packages.some((name) => to === name || to.startsWith(`${name}/`)),
    );
  expect(of("pg").filter(({ from }) => layerOf(from) !== "db")).toEqual([]);
  expect(
    of("graphql", "graphql-yoga", "@pothos", "dataloader").filter(({ from }) => layerOf(from) !== "graphql"),
  ).toEqual([]);
});

test("no imports go in a circle", () => {
  const targets = (file: string) => own.filter(({ from }) => from === file).map(({ to }) => to);
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (path.includes(file) || done.has(file)) return;
    for (const target of targets(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const { from } of own) visit(from, []);
  expect(circles).toEqual([]);
});

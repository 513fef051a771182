import { copyFile, mkdir, rm, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { Copy, DockerfileParser, Env, From, Healthcheck, type Instruction, JSONInstruction } from "dockerfile-ast";
import { CHECKOUT } from "./checkout.ts";
import { copyFolder } from "./copy-folder.ts";
import { shellEnvironment, start } from "./process.ts";

/** What building a stage leaves: a folder in place of the image's file system, and how to run it. */
export interface Image {
  readonly root: string;
  workdir: string;
  user: string;
  readonly env: Record<string, string>;
  command: string[];
  healthcheck: string[];
}

/**
 * Builds a Dockerfile without Docker: each stage is a folder, and base images are this machine. Knows the instructions
 * and forms that ours uses, and throws for any other.
 *
 * @param context - the folder that COPY takes from
 * @param folder - an empty one, for the stages
 * @returns the last stage
 */
export async function buildImage(dockerfile: string, context: string, folder: string): Promise<Image> {
  const stages: (Image & { name: string | null })[] = [];
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    if (instruction instanceof From) {
      const root = join(folder, `stage-${stages.length}`);
      await mkdir(root);
      const name = instruction.getBuildStage();
      stages.push({ name, root, workdir: "/", user: "root", env: {}, command: [], healthcheck: [] });
      continue;
    }
    const image = stages.at(-1);
    if (!image) throw unknown(instruction);
    if (instruction instanceof Copy) {
      const from = instruction.getFromFlag()?.getValue();
      const source = from === undefined ? context : stages.find(({ name }) => name === from)?.root;
      if (source === undefined || instruction.getFlags().length > (from ? 1 : 0)) throw unknown(instruction);
      await copy(source, valuesOf(instruction), image);
    } else await apply(instruction, image);
  }
  const last = stages.at(-1);
  if (!last) throw new Error("the Dockerfile has no FROM");
  return last;
}

async function apply(instruction: Instruction, image: Image): Promise<void> {
  const text = instruction.getArgumentsContent() ?? "";
  switch (instruction.getKeyword()) {
    case "WORKDIR":
      image.workdir = posix.resolve(image.workdir, text);
      await mkdir(join(image.root, image.workdir), { recursive: true });
      return;
    case "ENV":
      if (!(instruction instanceof Env)) break;
      for (const property of instruction.getProperties()) image.env[property.getName()] = property.getValue() ?? "";
      return;
    case "RUN":
      return text === "npm ci" ? install(image) : run(text, image);
    case "USER":
      image.user = text;
      return;
    case "HEALTHCHECK":
      if (!(instruction instanceof Healthcheck) || instruction.getSubcommand()?.getValue() !== "CMD") break;
      image.healthcheck = JSON.parse(text.slice(text.indexOf("[")));
      return;
    case "CMD":
      // The shell form would put a shell between Docker's SIGTERM and node.
      if (!(instruction instanceof JSONInstruction) || !instruction.getOpeningBracket()) break;
      image.command = JSON.parse(text);
      return;
    case "EXPOSE":
      return;
  }
  throw unknown(instruction);
}

async function run(command: string, image: Image): Promise<void> {
  const env = { ...shellEnvironment(), npm_config_prefer_offline: "true", ...image.env };
  const shell = start("/bin/sh", ["-c", command], { cwd: join(image.root, image.workdir), env });
  const { code } = await shell.exit;
  if (code !== 0) throw new Error(`RUN ${command} ended with ${code}:\n${shell.output()}`);
}

/**
 * `npm ci`: npm says what it would do, and that the lock file fits. What it would put there is what it put into this
 * checkout, from the same lock file: that is copied, without the test runner's cache.
 */
async function install(image: Image): Promise<void> {
  await run("npm ci --dry-run", image);
  const modules = join(image.root, image.workdir, "node_modules");
  await copyFolder(join(CHECKOUT, "node_modules"), modules);
  await rm(join(modules, ".vite"), { recursive: true, force: true });
}

/** A folder is copied as its contents, a file into a folder where the destination ends in a slash. */
async function copy(from: string, paths: readonly string[], image: Image): Promise<void> {
  const destination = paths.at(-1) ?? "";
  const target = join(image.root, posix.resolve(image.workdir, destination));
  for (const path of paths.slice(0, -1)) {
    const source = join(from, path);
    if ((await stat(source)).isDirectory()) await copyFolder(source, target);
    else await copyFile(source, destination.endsWith("/") ? join(target, basename(path)) : target);
  }
}

function valuesOf(instruction: Instruction): string[] {
  return instruction.getArguments().map((argument) => argument.getValue());
}

function unknown(instruction: Instruction): Error {
  return new Error(`this builder does not know: ${instruction.toString()} ${instruction.getArgumentsContent() ?? ""}`);
}

// What `npm run fuzz` runs: reads its flags, which Vitest would refuse, and starts Vitest. Plain JavaScript, since Node 20
// runs nothing else.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `npm run fuzz -- [--minutes 60] [--seed N]

Sends a server random requests, valid and not, and says what it should not have answered. Exits with 1 where it found
something. The same seed sends the same requests; without one, another each time.
`;

function fail(message) {
  process.stderr.write(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function flags() {
  try {
    const options = { minutes: { type: "string" }, seed: { type: "string" }, help: { type: "boolean" } };
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(error.message);
  }
}

const { minutes = "60", seed = String(Date.now() % 1_000_000), help } = flags();
if (help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (!(Number(minutes) > 0)) fail(`--minutes ${minutes}: a number above 0`);
if (!/^\d{1,9}$/.test(seed)) fail(`--seed ${seed}: a whole number of at most nine digits`);

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [path("node_modules/vitest/vitest.mjs"), "run", "--config", path("vitest.fuzz.config.ts")],
  { cwd: path("."), stdio: "inherit", env: { ...process.env, FUZZ_MINUTES: minutes, FUZZ_SEED: seed } },
);
process.exit(status ?? 1);

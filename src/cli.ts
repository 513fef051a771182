#!/usr/bin/env node
import { closeSync, openSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Command, Option } from "commander";
import type { MigrateFlags } from "./commands/migrate.ts";
import type { ReplayFlags } from "./commands/replay.ts";
import type { SeedFlags } from "./commands/seed.ts";
import type { ServeOptions, Signals } from "./commands/serve.ts";
import type { TokenCreateFlags } from "./commands/token.ts";
import type { ValidateFlags } from "./commands/validate.ts";
import { type Config, readConfig, type Settings } from "./config.ts";
import { messageOf, OperatorError } from "./errors.ts";
import { VERSION } from "./version.ts";

const dataDir = () =>
  new Option("--data-dir <folder>", "where the embedded database lives (STAGE1_DATA_DIR; default .stage1)");
const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join("")}`;

/** What the process ends with when its command returned, and when it threw. */
const exitCodes = { done: 0, failed: 1 };
const COULD_NOT_RUN = 2;

// A command's code is loaded when it is chosen: GraphQL and the page of GraphiQL would make --help wait for a second.
const program = new Command("stage1-lineage")
  .description(
    "GraphQL lineage of quantitative research over PostgreSQL.\nDATABASE_URL names the database; without it, one is embedded.",
  )
  .version(VERSION)
  .showHelpAfterError()
  .addHelpText(
    "after",
    examples("stage1-lineage serve", "DATABASE_URL=postgres://me@db/stage1_trading stage1-lineage migrate"),
  );

program
  .command("serve")
  .description("Serve GraphQL, with GraphiQL for browsers.")
  .option("--port <number>", "port to listen on, 0 for any (PORT; default 4000)")
  .option("--host <address>", "address to listen on (HOST; default 127.0.0.1)")
  .addOption(dataDir())
  .option("--migrate", "migrate the database of DATABASE_URL first", false)
  .option("--no-demo", "do not load the demo lineage into a new embedded database")
  .option(
    "--open",
    "listen on other addresses than loopback although there are no tokens: whoever gets there may write",
    false,
  )
  .addHelpText(
    "after",
    examples(
      "stage1-lineage serve --port 4001",
      "DATABASE_URL=postgres://me@db/stage1_trading stage1-lineage serve --migrate",
    ),
  )
  .action(async (flags: ServeOptions & { port?: string; host?: string; dataDir?: string }) => {
    const config = configure({ PORT: flags.port, HOST: flags.host, STAGE1_DATA_DIR: flags.dataDir });
    const signals = serverSignals();
    // Answers are large texts, and garbage at once: left to itself V8 lets them pile up to twice the memory, and takes more time.
    setFlagsFromString("--semi-space-growth-factor=1");
    setFlagsFromString("--heap-growing-percent=120");
    const [{ serve }, { createLogger }] = await Promise.all([
      import("./commands/serve.ts"),
      import("./commands/logger.ts"),
    ]);
    await serve(config, flags, await createLogger(config.logLevel), signals);
  });

program
  .command("migrate")
  .description("Bring the database to this version's schema. Again, it changes nothing.")
  .option("--dry-run", "only say what would be done, and what stands in the way", false)
  .option("--yes", "do not ask for the backup of a database that holds rows and was never migrated", false)
  .option("--assume-utc", "times that are stored without a zone (timestamp, date) are times in UTC", false)
  .addOption(dataDir())
  .addHelpText(
    "after",
    examples("stage1-lineage migrate --dry-run", "DATABASE_URL=postgres://me@db/stage1_trading stage1-lineage migrate"),
  )
  .action(async (flags: MigrateFlags & { dataDir?: string }) => {
    const config = configure({ STAGE1_DATA_DIR: flags.dataDir });
    const stop = stopSignal();
    const { runMigrate } = await import("./commands/migrate.ts");
    await runMigrate(config, flags, stop);
  });

program
  .command("seed")
  .description(
    "Load the demo lineage. With a number, a large lineage for measuring instead: rows without folds, trades and buckets, children spread evenly over their parents.",
  )
  .option("--datasets <n>", "how many datasets, in all")
  .option("--runs <n>", "how many runs, in all (default: 10 for each dataset)")
  .option("--simulations <n>", "how many simulations, in all (default: 5 for each run)")
  .option("--force", "also where the database holds other rows", false)
  .addOption(dataDir())
  .addHelpText(
    "after",
    examples(
      "stage1-lineage seed",
      "stage1-lineage seed --datasets 10000 --runs 200000 --simulations 1000000 --data-dir /tmp/large",
    ),
  )
  .action(async (flags: SeedFlags & { dataDir?: string }) => {
    const config = configure({ STAGE1_DATA_DIR: flags.dataDir });
    const stop = stopSignal();
    const { runSeed } = await import("./commands/seed.ts");
    await runSeed(config, flags, stop);
  });

answering(
  program
    .command("validate")
    .description(
      "Look for rows that cannot be right. Exit code 0: sound, 1: there are errors, 2: it could not be found out.",
    )
    .option("--json", "print the report as JSON", false)
    .option("--sql", "only print the checks, as a script for psql", false)
    .addOption(dataDir())
    .addHelpText(
      "after",
      examples(
        "stage1-lineage validate",
        "DATABASE_URL=postgres://me@db/stage1_trading stage1-lineage validate --json",
      ),
    ),
  async (flags: ValidateFlags & { dataDir?: string }) => {
    const config = configure({ STAGE1_DATA_DIR: flags.dataDir });
    const stop = stopSignal();
    const { runValidate } = await import("./commands/validate.ts");
    return runValidate(config, flags, stop);
  },
);

answering(
  program
    .command("replay")
    .description(
      "Replay spools of pending inserts, which the desktop wrote while the database was away. Exit code 0: all is written, 1: some is rejected, 2: it could not run.",
    )
    .argument("<file...>", "spools, replayed in this order; - is standard input")
    .option("--again", "also what was replayed before", false)
    .option("--no-placeholders", "reject what belongs to a dataset, run or simulation that is not stored")
    .addOption(dataDir())
    .addHelpText(
      "after",
      examples("stage1-lineage replay pending_postgres_inserts.sql", "zcat spool.sql.gz | stage1-lineage replay -"),
    ),
  async (files: string[], flags: ReplayFlags & { dataDir?: string }) => {
    const config = configure({ STAGE1_DATA_DIR: flags.dataDir });
    const stop = stopSignal();
    // What a statement leaves behind is garbage soon. A young generation that grows with it costs 40 MB and gains no time.
    setFlagsFromString("--semi-space-growth-factor=1");
    const { runReplay } = await import("./commands/replay.ts");
    return runReplay(config, files, flags, stop);
  },
);

const tokensFile = () =>
  new Option("--file <file>", "the file of tokens (STAGE1_TOKENS_FILE; default: tokens in the data directory)");
type TokenFlags = { file?: string; dataDir?: string };
const configureTokens = ({ file, dataDir }: TokenFlags) =>
  configure({ STAGE1_TOKENS_FILE: file, STAGE1_DATA_DIR: dataDir });

const token = program
  .command("token")
  .description("Say who is let in. A running server reads the file again on SIGHUP.")
  .addHelpText("after", examples("stage1-lineage token create desktop --role write", "stage1-lineage token list"));

token
  .command("create")
  .description("Make a token and print it, this once: the file keeps only its hash.")
  .argument("<name>", "whose it is: letters, digits, _, . and -")
  .requiredOption("--role <role>", "read, write or admin: each may do what those before it may")
  .option("--print", "write no file: print the token, and on a second line its entry for STAGE1_TOKENS", false)
  .addOption(tokensFile())
  .addOption(dataDir())
  .addHelpText("after", examples("TOKEN=$(stage1-lineage token create desktop --role write)"))
  .action(async (name: string, flags: TokenCreateFlags & TokenFlags) => {
    const config = configureTokens(flags);
    const stop = stopSignal();
    const { runTokenCreate } = await import("./commands/token.ts");
    await runTokenCreate(config, name, flags, stop);
  });

token
  .command("revoke")
  .description("Take a token out of the file.")
  .argument("<name>", "whose it is")
  .addOption(tokensFile())
  .addOption(dataDir())
  .addHelpText("after", examples("stage1-lineage token revoke desktop"))
  .action(async (name: string, flags: TokenFlags) => {
    const config = configureTokens(flags);
    const stop = stopSignal();
    const { runTokenRevoke } = await import("./commands/token.ts");
    await runTokenRevoke(config, name, stop);
  });

token
  .command("list")
  .description("Print the name and role of each token, those of STAGE1_TOKENS too.")
  .addOption(tokensFile())
  .addOption(dataDir())
  .addHelpText("after", examples("stage1-lineage token list"))
  .action(async (flags: TokenFlags) => {
    const { runTokenList } = await import("./commands/token.ts");
    runTokenList(configureTokens(flags));
  });

program
  .command("schema")
  .description("Print the GraphQL schema.")
  .option("--out <file>", "write it to a file instead")
  .addHelpText("after", examples("stage1-lineage schema --out schema.graphql"))
  .action(async (flags: { out?: string }) => {
    const { runSchema } = await import("./commands/schema.ts");
    await runSchema(flags);
  });

/**
 * For a command that answers with its exit code, the one that `work` returns: 1 is an answer then, so whatever keeps the
 * command from answering is 2, a wrong flag included.
 */
function answering<Given extends unknown[]>(command: Command, work: (...given: Given) => Promise<number>): void {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : COULD_NOT_RUN));
  command.action(async (...given: Given) => {
    exitCodes.failed = COULD_NOT_RUN;
    exitCodes.done = await work(...given);
  });
}

/** Aborted by Ctrl-C and SIGTERM: the command then ends in order. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

/** For a server also SIGHUP: a terminal that is closed sends it too, and then the server ends. */
function serverSignals(): Signals {
  const hangup = new AbortController();
  const onTerminal = hasTerminal();
  let work = () => {};
  process.on("SIGHUP", () => (onTerminal && !hasTerminal() ? hangup.abort() : work()));
  return {
    stop: AbortSignal.any([stopSignal(), hangup.signal]),
    onHangup(given) {
      work = given;
    },
  };
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

function configure(flags: Settings): Config {
  return readConfig(flags, process.env);
}

try {
  await program.parseAsync();
  // A request cut off at the end may leave a statement's promise behind; nothing more is to be waited for.
  process.exit(exitCodes.done);
} catch (error) {
  // What an operator can mend is one clear line; a defect shows where it is.
  const stack = error instanceof Error ? error.stack : undefined;
  process.stderr.write(
    `stage1-lineage: ${error instanceof OperatorError ? messageOf(error) : (stack ?? messageOf(error))}\n`,
  );
  process.exit(exitCodes.failed);
}

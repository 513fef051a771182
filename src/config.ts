import { isIP } from "node:net";
import { join } from "node:path";
import { customCleanEnv, makeExactValidator, type RequiredValidatorSpec, str } from "envalid";
import { OperatorError } from "./errors.ts";
import { LIMITS, type Limits, type Range } from "./limits.ts";

/** Everything that can be set, with flags before environment and environment before defaults. */
export interface Config {
  /** The database to use; undefined: an embedded one in `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** How much memory the answers may take that are kept; 0: none is kept. */
  readonly cacheBytes: number;
  readonly logLevel: LogLevel;
  /** The file of tokens. One that was `named` must be there; another counts where it is. */
  readonly tokensFile: { readonly path: string; readonly named: boolean };
  /** Tokens in the environment itself: the entries of such a file. */
  readonly tokens: string | undefined;
  /** Origins whose pages may ask: `https://lab.example:8443`. */
  readonly origins: readonly string[];
  readonly limits: Limits;
  /** Variables that are named like ours, and are none: typing errors. */
  readonly unknown: readonly string[];
}

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** What a variable must be. What it is not is thrown as the rest of a sentence that its name begins. */
const textThat = (isRight: (text: string) => boolean, rule: string) =>
  makeExactValidator((text) => {
    if (!isRight(text)) throw new Error(rule);
    return text;
  });
const wholeNumber = (min: number, max: number, rule = `must be a whole number, ${min} to ${max}`) =>
  makeExactValidator((text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < min || value > max) throw new Error(rule);
    return value;
  });

const databaseUrl = textThat(
  (url) => /^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url),
  "must look like postgres://user@host:5432/database",
);
const host = textThat(
  (host) => isIP(host) > 0 || /^(?!\d+$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host),
  "must be an address or a host name, without scheme or port",
);
const folder = textThat((path) => path !== "", "must name a folder");
const file = textThat((path) => path !== "", "must name a file");
const port = wholeNumber(0, 65_535, "must be a port number, 0 to 65535 (0: any that is free)");
const megabytes = wholeNumber(0, 99_999, "must be a whole number of megabytes, 0 to 99999 (0: no cache)");
const logLevel = makeExactValidator((text) => {
  const level = LOG_LEVELS.find((level) => level === text);
  if (level === undefined) throw new Error(`must be one of ${LOG_LEVELS.join(", ")}`);
  return level;
});
const origins = makeExactValidator((text): readonly string[] => {
  const list = text.split(",").map((origin) => origin.trim());
  if (list.every(isOrigin)) return list;
  throw new Error(
    "must be origins such as https://lab.example:8443, with commas between: no path, no slash at the end, no default port, no *",
  );
});

const limitVariables = Object.fromEntries(
  Object.values<Range>(LIMITS).map(({ variable, min, max, fallback }) => [
    variable,
    wholeNumber(min, max)({ default: fallback }),
  ]),
) as Record<(typeof LIMITS)[keyof Limits]["variable"], RequiredValidatorSpec<number>>;
const VARIABLES = {
  DATABASE_URL: databaseUrl({ default: undefined }),
  STAGE1_DATA_DIR: folder({ default: ".stage1" }),
  HOST: host({ default: "127.0.0.1" }),
  PORT: port({ default: 4000 }),
  STAGE1_CACHE_MB: megabytes({ default: 64 }),
  STAGE1_ORIGINS: origins({ default: [] }),
  STAGE1_TOKENS_FILE: file({ default: undefined }),
  STAGE1_TOKENS: str({ default: undefined }),
  STAGE1_LOG_LEVEL: logLevel({ default: "info" }),
  ...limitVariables,
};

/** What flags can set. */
export type Settings = Partial<Record<keyof typeof VARIABLES, string | undefined>>;

/**
 * Reads the configuration. A variable that is empty counts as not set. Throws OperatorError that names every mistake at
 * once; no message repeats a value, which may hold a password.
 *
 * @param flags - values given on the command line, by the name of the variable that they stand before
 */
export function readConfig(flags: Settings, env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    Object.keys(VARIABLES).map((name) => [
      name,
      flags[name as keyof Settings] ?? (env[name] === "" ? undefined : env[name]),
    ]),
  );
  const data = customCleanEnv(given, VARIABLES, (cleaned) => cleaned, { reporter: refuseMistakes });
  return Object.freeze({
    databaseUrl: data.DATABASE_URL,
    dataDir: data.STAGE1_DATA_DIR,
    host: data.HOST,
    port: data.PORT,
    cacheBytes: data.STAGE1_CACHE_MB * 1_000_000,
    logLevel: data.STAGE1_LOG_LEVEL,
    tokensFile: {
      path: data.STAGE1_TOKENS_FILE ?? join(data.STAGE1_DATA_DIR, "tokens"),
      named: data.STAGE1_TOKENS_FILE !== undefined,
    },
    tokens: data.STAGE1_TOKENS,
    origins: data.STAGE1_ORIGINS,
    limits: limitsIn(data),
    unknown: Object.keys(env).filter((name) => name.startsWith("STAGE1_") && !(name in given)),
  });
}

function refuseMistakes({ errors }: { readonly errors: Readonly<Record<string, Error>> }): void {
  const mistakes = Object.entries(errors).map(([name, { message }]) => `${name} ${message}`);
  if (mistakes.length > 0) throw new OperatorError(`The configuration is wrong: ${mistakes.join("; ")}.`);
}

function limitsIn(data: Readonly<Record<keyof typeof limitVariables, number>>): Limits {
  return Object.fromEntries(Object.entries(LIMITS).map(([name, { variable }]) => [name, data[variable]])) as Limits;
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

import { isIP } from "node:net";
import { join } from "node:path";
import { z } from "zod";
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

const schema = z.object({
  DATABASE_URL: z
    .string()
    .refine(
      (url) => /^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url),
      "must look like postgres://user@host:5432/database",
    )
    .optional(),
  STAGE1_DATA_DIR: z.string().min(1, "must name a folder").default(".stage1"),
  HOST: z
    .string()
    .refine(
      (host) => isIP(host) > 0 || /^(?!\d+$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host),
      "must be an address or a host name, without scheme or port",
    )
    .default("127.0.0.1"),
  PORT: z
    .string()
    .regex(/^\d+$/, "must be a port number, 0 to 65535 (0: any that is free)")
    .transform(Number)
    .refine((port) => port <= 65_535, "must be a port number, 0 to 65535 (0: any that is free)")
    .default(4000),
  STAGE1_CACHE_MB: z
    .string()
    .regex(/^\d{1,5}$/, "must be a whole number of megabytes, 0 to 99999 (0: no cache)")
    .transform(Number)
    .default(64),
  STAGE1_ORIGINS: z
    .string()
    .transform((list) => list.split(",").map((origin) => origin.trim()))
    .refine(
      (origins) => origins.every(isOrigin),
      "must be origins such as https://lab.example:8443, with commas between: no path, no slash at the end, no default port, no *",
    )
    .default([]),
  STAGE1_TOKENS_FILE: z.string().min(1, "must name a file").optional(),
  STAGE1_TOKENS: z.string().optional(),
  STAGE1_LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`).default("info"),
});

const wholeNumber = ({ min, max, fallback }: Range) => {
  const rule = `must be a whole number, ${min} to ${max}`;
  const isWithin = (value: number) => value >= min && value <= max;
  return z
    .string()
    .regex(/^\d{1,15}$/, rule)
    .transform(Number)
    .refine(isWithin, rule)
    .default(fallback);
};
const limitsSchema = z.object(
  Object.fromEntries(Object.values(LIMITS).map((range) => [range.variable, wholeNumber(range)])),
);

/** What flags can set. */
export type Settings = Partial<Record<keyof z.infer<typeof schema>, string | undefined>>;

/**
 * Reads the configuration. A variable that is empty counts as not set. Throws OperatorError that names every mistake at
 * once; no message repeats a value, which may hold a password.
 *
 * @param flags - values given on the command line, by the name of the variable that they stand before
 */
export function readConfig(flags: Settings, env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    [...Object.keys(schema.shape), ...Object.keys(limitsSchema.shape)].map((name) => [
      name,
      flags[name as keyof Settings] ?? (env[name] === "" ? undefined : env[name]),
    ]),
  );
  const [result, limits] = [schema.safeParse(given), limitsSchema.safeParse(given)];
  if (!result.success || !limits.success) {
    const issues = [...(result.error?.issues ?? []), ...(limits.error?.issues ?? [])];
    const mistakes = issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
    throw new OperatorError(`The configuration is wrong: ${mistakes.join("; ")}.`);
  }
  const { data } = result;
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
    limits: limitsIn(limits.data),
    unknown: Object.keys(env).filter((name) => name.startsWith("STAGE1_") && !(name in given)),
  });
}

function limitsIn(data: Readonly<Record<string, number>>): Limits {
  return Object.fromEntries(Object.entries(LIMITS).map(([name, { variable }]) => [name, data[variable]])) as Limits;
}

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** A limit's variable, and the whole numbers that it may be set to. */
export interface Range {
  readonly variable: string;
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** What may be asked of the server at most. docs/limits.md says what each is for; a test holds the two together. */
export const LIMITS = {
  bodyBytes: { variable: "STAGE1_MAX_BODY_BYTES", min: 1_000, max: 100_000_000, fallback: 1_000_000 },
  variablesBytes: { variable: "STAGE1_MAX_VARIABLES_BYTES", min: 1_000, max: 100_000_000, fallback: 500_000 },
  queryTokens: { variable: "STAGE1_MAX_QUERY_TOKENS", min: 100, max: 20_000, fallback: 1_000 },
  depth: { variable: "STAGE1_MAX_DEPTH", min: 1, max: 1_000, fallback: 20 },
  aliases: { variable: "STAGE1_MAX_ALIASES", min: 0, max: 10_000, fallback: 50 },
  directives: { variable: "STAGE1_MAX_DIRECTIVES", min: 0, max: 10_000, fallback: 50 },
  rootFields: { variable: "STAGE1_MAX_ROOT_FIELDS", min: 1, max: 1_000, fallback: 20 },
  cost: { variable: "STAGE1_MAX_COST", min: 1_000, max: 1_000_000_000, fallback: 2_500_000 },
  slowCost: { variable: "STAGE1_MAX_SLOW_COST", min: 1_000, max: 1_000_000_000, fallback: 100_000 },
  pageSize: { variable: "STAGE1_MAX_PAGE", min: 50, max: 1_000, fallback: 1_000 },
  deadlineMs: { variable: "STAGE1_DEADLINE_MS", min: 100, max: 3_600_000, fallback: 30_000 },
  sendMs: { variable: "STAGE1_SEND_MS", min: 1_000, max: 3_600_000, fallback: 60_000 },
  /** Of one token; 0: any number. */
  concurrent: { variable: "STAGE1_MAX_CONCURRENT", min: 0, max: 10_000, fallback: 64 },
  /** Of one token in a second; 0: any number. */
  rate: { variable: "STAGE1_MAX_RATE", min: 0, max: 1_000_000, fallback: 1_000 },
  connections: { variable: "STAGE1_MAX_CONNECTIONS", min: 1, max: 100_000, fallback: 1_000 },
  databaseConnections: { variable: "STAGE1_DATABASE_CONNECTIONS", min: 1, max: 1_000, fallback: 10 },
} as const satisfies Record<string, Range>;

export type Limits = { readonly [Name in keyof typeof LIMITS]: number };

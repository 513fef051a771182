import { dirname } from "node:path";
import type { Config } from "../config.ts";
import { makeFolders } from "../db/files.ts";
import { codeOf, OperatorError } from "../errors.ts";
import { changeTokenFile, readTokenFile } from "../http/token-file.ts";
import { createToken, openTokens, parseTokens, ROLES, withoutToken } from "../http/tokens.ts";

/** The flags of `token create`, as they stand on the command line. */
export interface TokenCreateFlags {
  readonly role: string;
  /** Only print the token and its entry. */
  readonly print: boolean;
  readonly file?: string;
}

const HEADER =
  "# name role sha256:hash, written by `stage1-lineage token`. A running server reads it again on SIGHUP.\n";
const TELL_SERVER = "A running server is to be told: send it SIGHUP (kill -HUP and its process id).";

/**
 * Lets in one more client. Standard output gets its token, and with `print` also the entry for STAGE1_TOKENS, on a line of
 * its own; all else goes to standard error. Throws OperatorError where the name is taken or the file cannot be written.
 */
export async function runTokenCreate(
  config: Config,
  name: string,
  flags: TokenCreateFlags,
  stop: AbortSignal,
): Promise<void> {
  const role = ROLES.find((known) => known === flags.role);
  if (role === undefined) throw new OperatorError(`--role must be one of ${ROLES.join(", ")}.`);
  if (flags.print && flags.file !== undefined) {
    throw new OperatorError("--print and --file exclude each other: choose one.");
  }
  const { secret, line } = createToken(name, role);
  const about = `the token of ${name}, with the role ${role}. It is shown this once`;
  if (flags.print) {
    process.stdout.write(`${secret}\n${line}\n`);
    tell(`First, ${about}; then its entry for STAGE1_TOKENS, where commas stand between several.`);
    tell("A running server is to be started again with it.");
    return;
  }
  const { path } = config.tokensFile;
  const requireFree = (text = HEADER) => {
    const holder = holderOf(config, text, name);
    if (holder === undefined) return text;
    throw new OperatorError(`${holder} has a token ${name} already: choose another name, or revoke that one first.`);
  };
  requireFree(readTokenFile(path)); // before a folder is made
  await change(config, stop, (text) => `${endLine(requireFree(text))}${line}\n`);
  process.stdout.write(`${secret}\n`);
  tell(`This is ${about}: ${path} keeps only its hash.`);
  tell("A client sends it in each request: `Authorization: Bearer` and the token.");
  tell(TELL_SERVER);
}

/** Lets a client in no more. Throws OperatorError where the file has no token of that name, or cannot be written. */
export async function runTokenRevoke(config: Config, name: string, stop: AbortSignal): Promise<void> {
  const { path } = config.tokensFile;
  const requireToken = (text = "") => {
    const holder = holderOf(config, text, name);
    if (holder === undefined) {
      throw new OperatorError(
        `${path} has no token ${name}: \`stage1-lineage token list\` names those that there are.`,
      );
    }
    if (holder !== path) throw new OperatorError(`The token ${name} stands in ${holder}: take it out there.`);
    return text;
  };
  requireToken(readTokenFile(path)); // where there is no file, none is made
  let left = 0;
  await change(config, stop, (text) => {
    const rest = withoutToken(requireToken(text), name);
    left = parseTokens(rest, path).length;
    return rest;
  });
  tell(`The token ${name} is revoked. ${TELL_SERVER}`);
  if (left === 0 && config.tokens === undefined) {
    tell("No token is left: the server then lets nobody in, and does not start again before there is one.");
  }
}

/** Prints name and role of each token that a server with this configuration lets in. Throws OperatorError as that would. */
export function runTokenList(config: Config): void {
  const { tokens } = openTokens({ file: config.tokensFile, text: config.tokens });
  const width = Math.max(...tokens.map(({ name }) => name.length));
  for (const { name, role } of tokens) process.stdout.write(`${name.padEnd(width)}  ${role}\n`);
  if (tokens.length === 0) tell(`There are no tokens: there is no ${config.tokensFile.path}, and no STAGE1_TOKENS.`);
}

/** What holds a token of that name already: the file with that text, or the variable. */
function holderOf({ tokensFile, tokens }: Config, text: string, name: string): string | undefined {
  const sources = [
    [tokensFile.path, text],
    ["STAGE1_TOKENS", tokens ?? ""],
  ] as const;
  return sources.find(([source, entries]) => parseTokens(entries, source).some((token) => token.name === name))?.[0];
}

async function change(
  { tokensFile: { path } }: Config,
  stop: AbortSignal,
  how: (text: string | undefined) => string,
): Promise<void> {
  try {
    await makeFolders(dirname(path));
    await changeTokenFile(path, how, stop);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new OperatorError(
      `Cannot write ${path} (${code}): run this as its owner, or name another file with --file or STAGE1_TOKENS_FILE.`,
    );
  }
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** On standard error, since standard output is the token's alone. */
function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

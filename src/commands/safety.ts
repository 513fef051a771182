import { isIPv4 } from "node:net";
import { messageOf, OperatorError } from "../errors.ts";
import type { Front } from "../http/front.ts";
import type { TokenStore } from "../http/tokens.ts";
import type { Logger } from "./logger.ts";

/**
 * Throws OperatorError where strangers could reach a server that asks for no token.
 *
 * @param open - whether the operator says that this is meant
 */
export function requireSafety(host: string, tokens: TokenStore, open: boolean): void {
  if (open || tokens.required || isLoopback(host)) return;
  throw new OperatorError(
    `HOST is ${host}, and there are no tokens, so whoever reaches this machine could read and write: make a token with ` +
      "`stage1-lineage token create <name> --role <role>`, or say with --open that this is meant.",
  );
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** Counts the tokens that stand in the file now, and ends what goes on for those that do not. */
export function rereadTokens(tokens: TokenStore, front: Front, log: Logger): void {
  try {
    const gone = tokens.reload();
    front.cutRevoked();
    const figures = { tokens: tokens.tokens.length, gone: gone.map(({ name }) => name) };
    if (tokens.required && figures.tokens === 0) log.warn(figures, "no token is left: nobody is let in");
    else log.info(figures, "the tokens are read again");
  } catch (error) {
    log.error(`the tokens are as they were, since they cannot be read again: ${messageOf(error)}`);
  }
}

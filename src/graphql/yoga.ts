import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type * as GraphiQL from "@graphql-yoga/render-graphiql";
import { execute, getOperationAST } from "graphql";
import { createYoga, type Plugin, type YogaServerInstance } from "graphql-yoga";
import type { Context } from "./context.ts";
import { ENDPOINT } from "./endpoint.ts";
import { graphiqlTabs, keepToThisHost } from "./graphiql.ts";
import { createMaskError, type LogInternalError } from "./mask-error.ts";
import { schema } from "./schema.ts";

// GraphiQL from the package, not from the CDN that is Yoga's default: an office without internet has it too. Its 9 MB are
// read when a browser first asks, not at the start.
const require = createRequire(import.meta.url);

export interface GraphQLOptions {
  readonly logInternalError: LogInternalError;
  /** Called after each mutation, before it is answered. */
  onWritten(): void;
}

/** GraphQL over HTTP at `ENDPOINT`, and GraphiQL there for a browser. */
export function createGraphQL({
  logInternalError,
  onWritten,
}: GraphQLOptions): YogaServerInstance<Context, Record<never, never>> {
  const maskError = createMaskError(logInternalError);
  return createYoga<Context>({
    schema,
    graphqlEndpoint: ENDPOINT,
    landingPage: false,
    // Yoga answers any URL that ends like this, as /graphql?x=/health: a path that nobody can ask for switches it off.
    healthCheckEndpoint: `/${randomUUID()}`,
    cors: false,
    multipart: false,
    logging: false,
    maskedErrors: { maskError, isDev: false },
    plugins: [graphqlJs(maskError), afterMutation(onWritten), keepToThisHost],
    renderGraphiQL: (options) =>
      (require("@graphql-yoga/render-graphiql") as typeof GraphiQL).renderGraphiQL(options ?? {}),
    graphiql: { title: "stage1-lineage", defaultTabs: [...graphiqlTabs] },
  });
}

function afterMutation(onWritten: () => void): Plugin {
  return {
    onExecute: ({ args }) => ({
      onExecuteDone() {
        if (getOperationAST(args.document, args.operationName)?.operation === "mutation") onWritten();
      },
    }),
  };
}

/**
 * Executes with graphql-js, which answers fields in the order they were asked for; Yoga's own executor puts those that
 * wait for the database last. Also gives errors of validation, which Yoga does not mask, one of our codes.
 */
function graphqlJs(maskError: ReturnType<typeof createMaskError>): Plugin {
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onValidate:
      () =>
      ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map(maskError));
      },
  };
}

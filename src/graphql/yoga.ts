import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type * as GraphiQL from "@graphql-yoga/render-graphiql";
import {
  type DocumentNode,
  type ExecutionArgs,
  execute,
  getOperationAST,
  getVariableValues,
  type Source,
} from "graphql";
import { createYoga, type Plugin, type YogaServerInstance } from "graphql-yoga";
import { ClientError, ERROR_CODES, type ErrorCode } from "../errors.ts";
import type { Context } from "./context.ts";
import { checkCost } from "./cost.ts";
import { DocumentCache } from "./document-cache.ts";
import { ENDPOINT } from "./endpoint.ts";
import { graphiqlTabs, keepToThisHost } from "./graphiql.ts";
import { createMaskError, type LogInternalError } from "./mask-error.ts";
import { checkVariables, fragmentsOf, parseWithin, type QueryLimits } from "./query-limits.ts";
import { schema } from "./schema.ts";

// GraphiQL from the package, not from the CDN that is Yoga's default: an office without internet has it too. Its 9 MB are
// read when a browser first asks, not at the start.
const require = createRequire(import.meta.url);

export interface GraphQLOptions {
  readonly limits: QueryLimits;
  readonly logInternalError: LogInternalError;
  /** Called after each mutation, before it is answered. */
  onWritten(): void;
}

/** GraphQL over HTTP at `ENDPOINT`, and GraphiQL there for a browser. */
export function createGraphQL({
  limits,
  logInternalError,
  onWritten,
}: GraphQLOptions): YogaServerInstance<Context, Record<never, never>> {
  const maskError = createMaskError(logInternalError);
  let page: Buffer<ArrayBuffer> | undefined; // the same for all: each would take 45 MB to be made, and sixty at once ended the process
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
    parserAndValidationCache: {
      documentCache: new DocumentCache(),
      errorCache: { get: () => undefined, set() {} },
      validationCache: false, // of graphqlJs
    },
    plugins: [
      graphqlJs(maskError),
      within(limits, maskError),
      afterMutation(onWritten),
      noteOutcome,
      unacceptable,
      keepToThisHost,
    ],
    renderGraphiQL: (options) => {
      page ??= Buffer.from((require("@graphql-yoga/render-graphiql") as typeof GraphiQL).renderGraphiQL(options ?? {}));
      return page;
    },
    graphiql: { title: "stage1-lineage", defaultTabs: [...graphiqlTabs] },
  });
}

/** Keeps to the limits, and to what the caller may do, before anything is asked of the database. */
function within(limits: QueryLimits, maskError: ReturnType<typeof createMaskError>): Plugin<Context> {
  const refusal = ({ document, operationName, variableValues }: ExecutionArgs, { call }: Context) => {
    const operation = getOperationAST(document, operationName);
    if (!operation) return undefined; // which graphql-js explains, as it does variables that are wrong
    call.operation = operation.name?.value;
    if (operation.operation !== "query" && !call.mayWrite) {
      return new ClientError("FORBIDDEN", "The token may only read: use one of the role `write`.", 403);
    }
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {});
    return caught(() => {
      checkVariables(limits, variableValues);
      if (coerced) checkCost(schema, operation, fragmentsOf(document), limits, coerced, true);
    });
  };
  return {
    onParse: ({ setParseFn }) => setParseFn((source: string | Source) => parseWithin(limits, textOf(source))),
    onExecute({ args, setResultAndStopExecution }) {
      const error = refusal(args, args.contextValue);
      if (error) setResultAndStopExecution({ errors: [maskError(error)] });
    },
  };
}

function caught(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

function textOf(source: string | Source): string {
  return typeof source === "string" ? source : source.body;
}

/** For the log and the metrics. */
const noteOutcome: Plugin<object, Context> = {
  onResultProcess({ result, serverContext: { call } }) {
    const [error] = ("errors" in result && result.errors) || [];
    const code = ERROR_CODES.find((known) => known === error?.extensions?.["code"]);
    if (error) call.outcome = code ?? "BAD_USER_INPUT";
  },
};

/** Yoga says it without a body, and in a header that grows with the square of how many types were asked for. */
const unacceptable: Plugin<object, Context> = {
  onResponse({ response, setResponse, fetchAPI, serverContext }) {
    if (response.status !== 406) return;
    const code = "BAD_USER_INPUT" satisfies ErrorCode;
    serverContext.call.outcome = code;
    const message = "Nothing that the Accept header names can be sent: let it name `application/json`.";
    const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
    setResponse(new fetchAPI.Response(body, { status: 406, headers: { "content-type": "application/json" } }));
  },
};

function afterMutation(onWritten: () => void): Plugin<Context> {
  return {
    onExecute: ({ args }) => ({
      onExecuteDone() {
        if (getOperationAST(args.document, args.operationName)?.operation === "mutation") onWritten();
      },
    }),
  };
}

/** graphql-js's words where fields of one name are too many to be compared each with each. */
const ABORTED = "Validation aborted.";
const TOO_REPETITIVE = new ClientError("QUERY_TOO_EXPENSIVE", "The query asks for a field too many times: ask once.");

/**
 * Executes with graphql-js, which answers fields in the order they were asked for; Yoga's own executor puts those that
 * wait for the database last. Also gives errors of validation, which Yoga does not mask, one of our codes. A document that is
 * kept is validated once.
 */
function graphqlJs(maskError: ReturnType<typeof createMaskError>): Plugin {
  const sound = new WeakSet<DocumentNode>();
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onValidate({ params: { documentAST }, setResult: skipWith }) {
      if (sound.has(documentAST)) skipWith([]);
      return ({ valid, result, setResult }) => {
        if (valid) sound.add(documentAST);
        else setResult(result.map((error) => maskError(error.message === ABORTED ? TOO_REPETITIVE : error)));
      };
    },
  };
}

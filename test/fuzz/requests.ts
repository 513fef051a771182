import { gzipSync } from "node:zlib";
import { type GraphQLSchema, getIntrospectionQuery, parse, print, visit } from "graphql";
import { createRandom, type Random } from "../graphql/random/random.ts";
import type { Json, JsonObject, Pool } from "../graphql/random/values.ts";
import { randomQuery } from "../graphql/random-query.ts";
import { damagedPage } from "./damaged-pages.ts";
import { OddValues } from "./odd-values.ts";
import { Shapes } from "./shapes.ts";
import { Upserts } from "./upsert.ts";
import { get, getOperation, type Operation, post, postOperation, type WireRequest } from "./wire.ts";

/** A random request of any kind, the same for the same schema, seed and pool. */
export function randomRequest(schema: GraphQLSchema, seed: number, pool: Pool): WireRequest {
  return new Requests(schema, seed, pool).request();
}

const ACCEPTED: readonly string[] = [
  ...["application/json", "application/graphql-response+json", "*/*", "", "image/png", "text/html", "a/b;q=x", ","],
  ...["text/event-stream", "multipart/mixed", "application/json;q=0", "application/*", "x".repeat(3000)],
];
const SENT_AS: readonly string[] = [
  ...["application/json; charset=utf-8", "application/json; charset=utf-16", "application/json;", "APPLICATION/JSON"],
  ...["application/graphql+json", "text/plain", "application/x-www-form-urlencoded", "application/graphql", ""],
  ...["multipart/form-data; boundary=x", "application/jsonp", "application/json, text/plain"],
];

class Requests {
  readonly #schema: GraphQLSchema;
  readonly #seed: number;
  readonly #pool: Pool;
  readonly #random: Random;
  readonly #odd: OddValues;

  constructor(schema: GraphQLSchema, seed: number, pool: Pool) {
    this.#schema = schema;
    this.#seed = seed;
    this.#pool = pool;
    this.#random = createRandom(seed ^ 0x5eed);
    this.#odd = new OddValues(this.#random, pool);
  }

  request(): WireRequest {
    const kind = this.#random.int(100);
    if (kind < 32) return this.#sent("a query", this.#query());
    if (kind < 50) return this.#sent("a query with odd values", this.#withOddValues(this.#query()));
    if (kind < 60) return this.#sent("a page", damagedPage(this.#schema, this.#random, this.#pool, this.#odd));
    if (kind < 75) return this.#sent("a mutation", this.#mutation());
    if (kind < 79) return this.#sent("a mutation with odd values", this.#withOddValues(this.#mutation()));
    if (kind < 85) return this.#sent("a text that is damaged", this.#damagedText(this.#query()));
    if (kind < 90) return this.#oddBody(this.#query());
    if (kind < 94) return this.#damagedBytes(this.#query());
    if (kind < 98) return this.#sent("a large query", new Shapes(this.#random).operation());
    return this.#sent("introspection", { query: getIntrospectionQuery() });
  }

  #query(): Operation {
    const faults = (["none", "none", "refused", "none", "invalid"] as const)[this.#seed % 5] ?? "none";
    const { text, operationName, variables } = randomQuery(this.#schema, this.#seed, this.#pool, faults);
    return { query: text, operationName, variables };
  }

  #mutation(): Operation {
    return new Upserts(this.#schema, this.#random, this.#pool, this.#odd).operation();
  }

  /** One way or another over the wire; mostly plain. */
  #sent(what: string, operation: Operation): WireRequest {
    const { chance, pick } = this.#random;
    const headers = chance(0.85) ? {} : this.#oddHeaders();
    const isShort = operation.query.length + JSON.stringify(operation.variables ?? {}).length < 3000;
    if (isShort && chance(0.15)) return getOperation(`${what}, by GET`, wellFormed(operation), headers);
    if (chance(0.04)) {
      const zipped = gzipSync(JSON.stringify(operation));
      return {
        ...post(`${what}, zipped`, zipped, { ...headers, "content-encoding": pick(["gzip", "GZIP", "x"]) }),
        operation,
      };
    }
    return postOperation(what, operation, chance(0.05) ? { ...headers, "transfer-encoding": "chunked" } : headers);
  }

  #oddHeaders(): Record<string, string> {
    const { chance, pick } = this.#random;
    const headers: Record<string, string> = {};
    if (chance(0.5)) headers["accept"] = pick(ACCEPTED);
    if (chance(0.2)) headers["content-type"] = pick(SENT_AS);
    if (chance(0.3)) headers["if-none-match"] = pick(["*", '"x"', "", "W/", ",,,", '"'.repeat(500)]);
    if (chance(0.3)) headers["cache-control"] = pick(["no-store", "no-cache", "max-age=x", "", "NO-STORE"]);
    if (chance(0.2)) headers["accept-encoding"] = pick(["gzip", "br;q=0", "x", ""]);
    if (chance(0.1)) headers["cookie"] = "a=b; ".repeat(100);
    if (chance(0.1)) headers["authorization"] = pick(["Bearer x", "Basic eA==", ""]);
    if (chance(0.1)) headers["x-forwarded-for"] = pick(["::1", "1.2.3.4, x", "'"]);
    return headers;
  }

  /** Some of the values that a query holds, or its variables, are others. */
  #withOddValues(operation: Operation): Operation {
    const { chance } = this.#random;
    const share = chance(0.7) ? 0.04 : 0.4;
    const replace = () => chance(share);
    const document = visit(parse(operation.query), {
      StringValue: (node) =>
        replace() ? { ...node, block: false, value: this.#odd.inPlaceOf(node.value) } : undefined,
      IntValue: (node) => (replace() ? { ...node, value: String(this.#odd.number()) } : undefined),
    });
    const variables = this.#othersIn((operation.variables ?? {}) as Json, replace);
    return { ...operation, query: print(document), variables };
  }

  /** Down to a depth that a stack holds. */
  #othersIn(value: Json, replace: () => boolean, depth = 150): Json {
    if (depth === 0) return value;
    const inside = (of: Json) => this.#othersIn(of, replace, depth - 1);
    if (typeof value === "string") return replace() ? this.#odd.inPlaceOf(value) : value;
    if (typeof value === "number") return replace() ? this.#odd.number() : value;
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value as JsonObject).map(([key, inner]) => [key, inside(inner)]));
  }

  #damagedText(operation: Operation): Operation {
    const { int, pick } = this.#random;
    let { query } = operation;
    for (let i = 1 + int(3); i > 0; i--) {
      const [from, to] = [int(query.length + 1), int(query.length + 1)].sort((a, b) => a - b) as [number, number];
      const near = Math.min(to, from + 12);
      query = pick([
        () => query.slice(0, from) + query.slice(near),
        () => query.slice(0, from),
        () => query.slice(0, near) + query.slice(from),
        () => query.slice(0, from) + this.#odd.text() + query.slice(from),
        () => query.slice(0, from) + pick([...'{}()[]:!$@#"\\.,|&=\0\ud800']) + query.slice(from),
        () => query.replaceAll(/\w+/g, (word) => (int(40) === 0 ? pick(["on", "null", "__typename", "x", "7"]) : word)),
      ])();
    }
    return { ...operation, query };
  }

  /** JSON that is no GraphQL request, or an odd one. */
  #oddBody(operation: Operation): WireRequest {
    const { chance, pick } = this.#random;
    const key = pick(["query", "variables", "operationName", "extensions", "id", "__proto__", "constructor"]);
    const value = chance(0.5) ? this.#odd.any() : pick<Json>([[], {}, 0, "", true, [{}], "Nobody"]);
    const entries = Object.entries({ ...operation, [key]: undefined }).filter(([name]) => name !== key);
    // Not by an object, which would take `__proto__` for its own.
    const members = [...entries, [key, value] as const].map(
      ([name, of]) => `${JSON.stringify(name)}:${JSON.stringify(of ?? null)}`,
    );
    const text = `{${this.#random.shuffled(members).join()}}`;
    const body = pick([
      text,
      `[${text}]`,
      `[${text},${text}]`,
      `${text}${text}`,
      text,
      text,
      JSON.stringify(value ?? null),
    ]);
    return post(`a body with an odd ${key}`, body, chance(0.8) ? {} : this.#oddHeaders());
  }

  /** Some bytes of the body, or of the URL, are others. */
  #damagedBytes(operation: Operation): WireRequest {
    const { chance, int, pick } = this.#random;
    if (chance(0.3)) {
      const { target } = getOperation("", wellFormed(operation));
      const at = "/graphql?".length + int(target.length);
      const damaged =
        target.slice(0, at) + pick(["%", "%f", "%ff", "%00", "&", "=", "+", "&query=x"]) + target.slice(at);
      return get("a URL that is damaged", damaged.slice(0, 8000));
    }
    let body = Buffer.from(JSON.stringify(operation));
    for (let i = 1 + int(4); i > 0; i--) body[int(body.length)] = int(256);
    if (chance(0.2)) body = body.subarray(0, int(body.length));
    return post("a body that is damaged", body);
  }
}

/** A URL holds no half of a surrogate pair. */
function wellFormed({ query, ...rest }: Operation): Operation {
  return { ...rest, query: query.toWellFormed() };
}

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { OperatorError } from "../errors.ts";
import { readTokenFile } from "./token-file.ts";

/** What a token allows: each role may do what those before it may. */
export const ROLES = ["read", "write", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface Token {
  readonly name: string;
  readonly role: Role;
  /**
   * SHA-256 of the secret. Salt and a slow function are for what people choose: of 112 random bits and more, a plain hash
   * is enough (NIST SP 800-63B 5.1.2.2; OWASP ASVS 5.0, 6.5.2), and a secret has 256.
   */
  readonly hash: Buffer;
}

const NAME = /^[\w.-]{1,64}$/;
const SECRET = /^stage1_[\w-]{43}$/;
const HASH = /^sha256:([0-9a-f]{64})$/i;

/** How a token comes to be, for messages. */
const REMEDY = "make one with `stage1-lineage token create <name> --role <role>`";

/**
 * Reads `name role sha256:<64 hex digits>`, an entry a line, or several with commas or semicolons between them. `#` begins a
 * comment. Throws OperatorError that names source and line; no message repeats what stands there, which may be a secret.
 *
 * @param source - what holds the text: a file, or a variable
 */
export function parseTokens(text: string, source: string): Token[] {
  return distinct(parseEntries(text, source));
}

/** A new secret, and the line that lets it in. Throws OperatorError where no token can have that name. */
export function createToken(name: string, role: Role): { readonly secret: string; readonly line: string } {
  if (!NAME.test(name) || SECRET.test(name)) throw new OperatorError(`The name ${NAME_RULE}.`);
  const secret = `stage1_${randomBytes(32).toString("base64url")}`;
  return { secret, line: `${name} ${role} sha256:${hashOf(secret).toString("hex")}` };
}

/** The token of a secret; undefined where it has none, whatever its form. How long that takes tells nothing of the tokens. */
export function findToken(tokens: readonly Token[], secret: string): Token | undefined {
  // Whoever hashed a password by hand has no token: only what `createToken` makes is random enough for a plain hash.
  if (!SECRET.test(secret)) return undefined;
  const hash = hashOf(secret);
  let found: Token | undefined;
  for (const token of tokens) if (timingSafeEqual(token.hash, hash)) found = token;
  return found;
}

/** The text without the entry of that name. All else stays as it is, comments too. */
export function withoutToken(text: string, name: string): string {
  const lines = text.split("\n").flatMap((line) => {
    const { entries, comment } = splitLine(line);
    const kept = entries.filter((entry) => entry.split(/\s/)[0] !== name);
    if (kept.length === entries.length) return [line];
    return kept.length === 0 ? [] : [[kept.join(", "), comment].filter(Boolean).join(" ")];
  });
  return lines.join("\n");
}

/** Where tokens stand. */
export interface TokenSources {
  /** A file that was `named` must be there; another counts where it is. */
  readonly file?: { readonly path: string; readonly named: boolean };
  /** The entries of STAGE1_TOKENS. */
  readonly text?: string | undefined;
}

/**
 * The tokens of all sources together. Throws OperatorError, with the remedy, where one is wrong, a name stands twice, or
 * there are sources but no token in them: a server that was to be closed is never open.
 */
export function openTokens(sources: TokenSources): TokenStore {
  const store = new TokenStore(sources);
  store.reload();
  return store;
}

export class TokenStore {
  readonly #sources: TokenSources;
  #tokens: readonly Token[] = [];
  #required = false;
  #hadFile = false;

  constructor(sources: TokenSources) {
    this.#sources = sources;
  }

  /** Those that count now. */
  get tokens(): readonly Token[] {
    return this.#tokens;
  }

  /** Whether a request needs a token. It stays so when the last one is revoked: then nobody is let in. */
  get required(): boolean {
    return this.#required;
  }

  /** As `findToken`. A token that a reload leaves as it was stays the same object. */
  find(secret: string): Token | undefined {
    return findToken(this.#tokens, secret);
  }

  /**
   * Reads the file again. Returns the former tokens that count no more as they were: gone, or with another role or hash.
   * Throws OperatorError as `openTokens` does, and all former tokens go on counting.
   */
  reload(): readonly Token[] {
    const { file, text } = this.#sources;
    const fileText = file && readTokenFile(file.path);
    if (file && fileText === undefined && (file.named || this.#hadFile)) {
      throw new OperatorError(
        `There is no file ${file.path}: make one with \`stage1-lineage token create <name> --role <role> --file ${file.path}\`.`,
      );
    }
    const read = distinct([
      ...(file && fileText !== undefined ? parseEntries(fileText, file.path) : []),
      ...(text === undefined ? [] : parseEntries(text, "STAGE1_TOKENS")),
    ]);
    // Once there were some, none is an answer too: the last was revoked.
    if (read.length === 0 && !this.#required && (fileText !== undefined || text !== undefined)) {
      throw new OperatorError(`${fileText === undefined ? "STAGE1_TOKENS" : file?.path} holds no token: ${REMEDY}.`);
    }
    const former = this.#tokens;
    this.#tokens = read.map((token) => former.find((other) => isSame(token, other)) ?? token);
    this.#required ||= read.length > 0;
    this.#hadFile ||= fileText !== undefined;
    return former.filter((token) => !this.#tokens.includes(token));
  }
}

const NAME_RULE = "must be 1 to 64 of A–Z, a–z, 0–9, _, . and -, and no token itself";

interface Entry {
  readonly token: Token;
  /** Where it stands, for messages. */
  readonly where: string;
}

function splitLine(line: string): { entries: string[]; comment: string } {
  const end = line.search(/#|$/);
  const entries = line.slice(0, end).split(/[,;]/);
  return { entries: entries.map((entry) => entry.trim()).filter(Boolean), comment: line.slice(end) };
}

function parseEntries(text: string, source: string): Entry[] {
  return text.split("\n").flatMap((line, index) =>
    splitLine(line).entries.map((entry, at, { length }) => {
      const where = `${source}, line ${index + 1}${length > 1 ? `, entry ${at + 1}` : ""}`;
      return { token: parseEntry(entry, where), where };
    }),
  );
}

function parseEntry(entry: string, where: string): Token {
  const fields = entry.split(/\s+/);
  const [name = "", roleName, hash = ""] = fields;
  const role = ROLES.find((known) => known === roleName);
  const [, digits] = HASH.exec(hash) ?? [];
  const wrong = (what: string) => new OperatorError(`${where}: ${what}.`);
  if (fields.some((field) => SECRET.test(field))) {
    throw wrong(
      "the token itself stands there, where only its hash may: remove it, and make another with `stage1-lineage token create`",
    );
  }
  if (fields.length !== 3) throw wrong("an entry must be `name role sha256:<64 hex digits>`");
  if (!NAME.test(name)) throw wrong(`the name ${NAME_RULE}`);
  if (role === undefined) throw wrong(`the role must be one of ${ROLES.join(", ")}`);
  if (digits === undefined) throw wrong("the hash must be `sha256:` and 64 hex digits");
  return { name, role, hash: Buffer.from(digits, "hex") };
}

/** The tokens of the entries. Throws OperatorError for a name or a secret that stands twice: which role counts would be chance. */
function distinct(entries: readonly Entry[]): Token[] {
  const places = new Map<string, string>();
  for (const { token, where } of entries) {
    for (const [what, value] of [
      ["name", token.name],
      ["hash", token.hash.toString("hex")],
    ] as const) {
      const first = places.get(`${what} ${value}`);
      if (first !== undefined) throw new OperatorError(`${where}: the ${what} is the one of ${first}: remove either.`);
      places.set(`${what} ${value}`, where);
    }
  }
  return entries.map(({ token }) => token);
}

function isSame(token: Token, other: Token): boolean {
  return token.name === other.name && token.role === other.role && token.hash.equals(other.hash);
}

/** Of the text as a client sends it: `printf %s "$TOKEN" | sha256sum` shows the same. */
function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OperatorError } from "../../src/errors.ts";
import { changeTokenFile } from "../../src/http/token-file.ts";
import { createToken, findToken, openTokens, parseTokens, ROLES, withoutToken } from "../../src/http/tokens.ts";
import { testFolder } from "../commands/cli.ts";

const HASH = `sha256:${"0a".repeat(32)}`;
const OTHER = `sha256:${"0b".repeat(32)}`;
const never = new AbortController().signal;

/** A file of a folder of the test's own, with that text. */
async function tokensFile(text: string): Promise<string> {
  const path = join(await testFolder(), "tokens");
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError);
    return (error as OperatorError).message;
  }
  throw new Error("nothing was thrown");
}

test("a token is found by its secret alone, wherever it stands", () => {
  const made = ROLES.map((role) => createToken(`${role}.token_1-`, role));
  const tokens = parseTokens(made.map(({ line }) => line).join("\n"), "here");
  for (const [i, { secret, line }] of made.entries()) {
    expect(secret).toMatch(/^stage1_[\w-]{43}$/);
    expect(line).not.toContain(secret);
    expect(findToken(tokens, secret)).toBe(tokens[i]);
    expect(tokens[i]).toMatchObject({ name: `${ROLES[i]}.token_1-`, role: ROLES[i] });
    const others = [secret.slice(0, -1), `${secret}A`, ` ${secret}`, `Bearer ${secret}`, secret.toUpperCase(), line];
    for (const other of [...others, line.split(" ")[2] ?? "", "", "\0"])
      expect(findToken(tokens, other)).toBeUndefined();
  }
  expect(new Set(made.map(({ secret }) => secret)).size).toBe(3);
  expect(findToken(tokens, createToken("desktop", "read").secret)).toBeUndefined();

  const byHand = createHash("sha256").update("password").digest("hex");
  expect(findToken(parseTokens(`me admin sha256:${byHand}`, "here"), "password")).toBeUndefined();
});

test.each(["", "a b", "a,b", "é", "x".repeat(65), createToken("a", "read").secret])(
  "no token can be named %j",
  (name) => {
    const message = messageOf(() => createToken(name, "read"));
    expect(message).toMatch(/^The name must be 1 to 64 of A–Z/);
  },
);

test("tokens stand a line each, or several with commas or semicolons, with comments and blank lines", () => {
  const text = `\uFEFF# who\r\n\r\n  a\tread ${HASH.toUpperCase().replace("SHA", "sha")} # why, when\r\n;b write ${OTHER} ,c admin ${OTHER.replace("0b", "0c")};\n#d read ${HASH}`;
  const tokens = parseTokens(text, "here");
  expect(tokens.map(({ name, role }) => `${name} ${role}`)).toEqual(["a read", "b write", "c admin"]);
  expect(tokens[0]?.hash).toEqual(Buffer.alloc(32, 10));
  expect(parseTokens(" \n# nobody", "here")).toEqual([]);
});

const secret = createToken("a", "read").secret;
test.each([
  [
    "a field that is missing",
    `hidden ${HASH}`,
    /^here, line 2: an entry must be `name role sha256:<64 hex digits>`\.$/,
  ],
  ["a field too many", `hidden read ${HASH} x`, /^here, line 2: an entry must be /],
  ["a name that none has", `hidd/en read ${HASH}`, /^here, line 2: the name must be 1 to 64 of A–Z/],
  ["an unknown role", `hidden root ${HASH}`, /^here, line 2: the role must be one of read, write, admin\.$/],
  ["a role that every object has", `hidden constructor ${HASH}`, /^here, line 2: the role must be one of /],
  [
    "a hash that is too short",
    `hidden read ${HASH.slice(1)}`,
    /^here, line 2: the hash must be `sha256:` and 64 hex digits\.$/,
  ],
  ["a hash of another kind", `hidden read ${HASH.slice(7)}`, /^here, line 2: the hash must be /],
  ["the token itself", `hidden read ${secret}`, /^here, line 2: the token itself stands there, .* make another with/],
  ["a wrong entry among others", `b read ${OTHER}, hidden`, /^here, line 2, entry 2: an entry must be /],
  ["a name twice", `a write ${OTHER}`, /^here, line 2: the name is the one of here, line 1: remove either\.$/],
  ["a token twice", `hidden write ${HASH}`, /^here, line 2: the hash is the one of here, line 1: remove either\.$/],
])("%s is an error that names its place and not what stands there", (_, line, message) => {
  const text = messageOf(() => parseTokens(`a read ${HASH}\n${line}\n`, "here"));
  expect(text).toMatch(message);
  for (const told of ["hidd", "0a0a", secret]) expect(text).not.toContain(told);
});

test("to take one out leaves all others and every comment, however they stand", () => {
  const name = fc.stringMatching(/^[a-z.-]{1,3}$/);
  const layout = fc.record({ before: fc.constantFrom("\n", ",", ";", "\r\n", "\n# b read x, c\n"), name });
  fc.assert(
    fc.property(fc.uniqueArray(layout, { minLength: 1, selector: (entry) => entry.name }), (entries) => {
      const text = `${entries.map((entry) => `${entry.before}${createToken(entry.name, "read").line}`).join("")} # end`;
      const names = (of: string) => parseTokens(of, "here").map((token) => token.name);
      const comments = (of: string) => of.match(/#/g)?.length;
      const [first, ...rest] = entries.map((entry) => entry.name);
      expect(names(text)).toEqual([first, ...rest]);
      const without = withoutToken(text, first ?? "");
      expect(names(without)).toEqual(rest);
      // The one at the end belongs to the last entry.
      if (rest.length > 0) expect(comments(without)).toBe(comments(text));
    }),
  );
});

test("a server that was to be closed is not opened by a mistake", async () => {
  const path = await tokensFile(`a read ${HASH}\n`);
  const open = (text?: string, file = { path, named: true }) => openTokens({ file, text });
  const folder = join(path, "..", "folder");
  await mkdir(folder);
  expect(open().required).toBe(true);
  expect(open(`b admin ${OTHER}`).tokens.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(messageOf(() => open(`b read ${OTHER}, a admin ${OTHER}`))).toBe(
    `STAGE1_TOKENS, line 1, entry 2: the name is the one of ${path}, line 1: remove either.`,
  );
  expect(messageOf(() => open(undefined, { path: folder, named: false }))).toContain(`${folder} is not a file`);
  for (const mode of [0o620, 0o602]) {
    await chmod(path, mode);
    expect(messageOf(() => open())).toMatch(/^Others than its owner may write .*`chmod go-w`/);
  }
  await chmod(path, 0o644);
  expect(open().required).toBe(true);

  await writeFile(path, "# nobody\n");
  expect(messageOf(() => open())).toBe(
    `${path} holds no token: make one with \`stage1-lineage token create <name> --role <role>\`.`,
  );
  expect(open(`b admin ${OTHER}`).tokens).toHaveLength(1);
  await rm(path);
  expect(messageOf(() => open(`b admin ${OTHER}`))).toMatch(/^There is no file .*tokens: make one with `stage1-/);
  expect(messageOf(() => open(" # nobody", { path, named: false }))).toMatch(/^STAGE1_TOKENS holds no token: make/);
  expect(openTokens({ file: { path, named: false } })).toMatchObject({ required: false, tokens: [] });
});

test("a reload tells who is gone, and changes nothing where the file is wrong", async () => {
  const path = await tokensFile(`kept read ${HASH}\n`);
  await rm(path);
  const store = openTokens({ file: { path, named: false } });
  expect(store.required).toBe(false);

  const replace = async (text: string) => {
    await writeFile(path, text);
    return store.reload().map(({ name }) => name);
  };
  const { secret, line } = createToken("rotated", "read");
  const wider = `wider read ${OTHER}`;
  expect(await replace(`kept read ${HASH}\n${line}\n${wider}`)).toEqual([]);
  expect(store.required).toBe(true);
  const before = store.tokens;
  expect(store.find(secret)).toBe(before[1]);

  await expect(replace(`kept read ${HASH}\nbroken\n`)).rejects.toThrow(OperatorError);
  await chmod(path, 0o666);
  await expect(replace("")).rejects.toThrow("Others than its owner");
  await rm(path);
  expect(() => store.reload()).toThrow("There is no file");
  expect(store.tokens).toBe(before);

  expect(await replace(`${createToken("rotated", "read").line}\nwider admin ${OTHER}\nkept read ${HASH}`)).toEqual([
    "rotated",
    "wider",
  ]);
  expect(store.tokens.map((token) => before.indexOf(token))).toEqual([-1, -1, 0]);
  expect(store.find(secret)).toBeUndefined();

  // The last one is revoked: nobody is let in, and the server is not open.
  expect(await replace("")).toEqual(["rotated", "wider", "kept"]);
  expect(store).toMatchObject({ required: true, tokens: [] });
});

test("a file keeps its mode, its owner and its link when it is changed, and its text where that fails", async () => {
  const path = await tokensFile("old");
  await chmod(path, 0o640);
  if (process.getuid?.() === 0) await chown(path, 65_534, 65_534);
  const { uid, gid } = await stat(path);
  const link = join(path, "..", "link");
  await symlink("tokens", link);
  await changeTokenFile(link, (text) => `${text}, new`, never);
  expect(await readFile(path, "utf8")).toBe("old, new");
  const { mode, ...changed } = await stat(path);
  expect([mode & 0o777, changed.uid, changed.gid]).toEqual([0o640, uid, gid]);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);

  const fail = () => {
    throw new Error("no");
  };
  await expect(changeTokenFile(path, fail, never)).rejects.toThrow("no");
  expect((await readdir(join(path, ".."))).toSorted()).toEqual(["link", "tokens"]);
  await writeFile(`${path}.lock`, "half");
  await expect(changeTokenFile(path, () => "", AbortSignal.abort())).rejects.toThrow(
    "Interrupted: nothing was changed",
  );
  expect([await readFile(path, "utf8"), await readFile(`${path}.lock`, "utf8")]).toEqual(["old, new", "half"]);
});

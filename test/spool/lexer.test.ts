import fc from "fast-check";
import { loadModule, type Node, parseSync } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { type Lexed, Lexer, type Literal, MARK } from "../../src/domain/spool/lexer.ts";
import { jsonText, numberText } from "../../src/domain/spool/numbers.ts";
import { quoted } from "./statements.ts";

beforeAll(() => loadModule());

/** All statements of a text. */
function lex(text: string): Lexed[] {
  const bytes = Buffer.from(text);
  const lexer = new Lexer();
  const found: Lexed[] = [];
  for (let [at, line] = [0, 1]; ; ) {
    const lexed = lexer.next(bytes, at, line);
    if (lexed.state === "none") return found;
    found.push(lexed);
    if (lexed.state === "open") return found;
    [at, line] = [lexed.end, lexed.endLine];
  }
}

const readable = (shape: string) => shape.replaceAll(new RegExp(`${MARK}(.)`, "g"), "<$1>");

describe("what PostgreSQL's own parser reads is what the lexer cuts out", () => {
  // Texts made of what could be mistaken for something else.
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "'",
          "''",
          ";",
          "\n",
          "\\",
          "--",
          "/*",
          "*/",
          "$$",
          '"',
          "\r\n",
          "é😀",
          "nan",
          ");",
          "E",
          "\\'",
        ),
        fc.string({ maxLength: 5 }),
        fc.constant("\n\nINSERT INTO t (a) VALUES ('x');\n"),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join("").replaceAll("\0", ""));
  const literal = fc.oneof(
    text.map((value) => ({ sql: quoted(value), value: value as Literal })),
    fc
      .constantFrom("0", "-1", "42", "3.25", "-.5", "1e3", "2.5E-7", "1711924800", "-123456789012345678901")
      .map((value) => ({ sql: value, value })),
    fc.constantFrom("NULL", "null").map((sql) => ({ sql, value: null })),
  );
  const blank = fc.constantFrom(" ", "\n  ", " -- it's a comment; \n", "/* a /* ' */ comment */", "\t");
  const row = fc.array(fc.tuple(literal, blank, fc.constantFrom("", "::jsonb", "::text")), {
    minLength: 1,
    maxLength: 6,
  });

  /** The constants of the one row of VALUES, as the lexer gives them. */
  function constants(sql: string): Literal[] {
    const [statement] = parseSync(sql).stmts ?? [];
    const insert = statement?.stmt && "InsertStmt" in statement.stmt ? statement.stmt.InsertStmt : undefined;
    const select = insert?.selectStmt && "SelectStmt" in insert.selectStmt ? insert.selectStmt.SelectStmt : undefined;
    const [list] = select?.valuesLists ?? [];
    return (list && "List" in list ? (list.List.items ?? []) : []).map(constant);
  }
  function constant(node: Node): Literal {
    if ("TypeCast" in node && node.TypeCast.arg) return constant(node.TypeCast.arg);
    if ("A_Expr" in node && node.A_Expr.rexpr) return `-${constant(node.A_Expr.rexpr)}`; // of a number that is cast
    if (!("A_Const" in node)) throw new Error(`no constant: ${JSON.stringify(node)}`);
    const { isnull, sval, ival, fval } = node.A_Const;
    if (isnull) return null;
    if (sval) return sval.sval ?? "";
    return ival ? String(ival.ival ?? 0) : (fval?.fval ?? "");
  }
  const sameNumber = (value: Literal) => (value !== null && /^-?[\d.]/.test(value) ? String(Number(value)) : value);

  test("for any values, casts, blanks and comments, and several statements in a row", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (rows) => {
        const statements = rows.map(
          (values) =>
            `INSERT INTO t VALUES (${values.map(([{ sql }, space, cast]) => `${sql}${cast}${space}`).join(",")});`,
        );
        const found = lex(statements.join("\n\n"));
        expect(found.map(({ state }) => state)).toEqual(statements.map(() => "whole"));
        found.forEach((lexed, i) => {
          const values = rows[i]?.map(([{ value }]) => value) ?? [];
          expect(lexed.values).toEqual(values);
          expect(lexed.values.map(sameNumber)).toEqual(constants(statements[i] ?? "").map(sameNumber));
          expect(lexed.odd).toBeUndefined();
        });
      }),
      { numRuns: 300 },
    );
  });

  test("however the bytes are cut off, no statement comes out that was not there", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 3 }), fc.nat(), (rows, cut) => {
        const statements = rows.map((values) => `INSERT INTO t VALUES (${values.map(([{ sql }]) => sql).join(",")});`);
        const text = statements.join("\n");
        const whole = lex(text);
        const bytes = Buffer.from(text);
        const part = lex(bytes.subarray(0, cut % (bytes.length + 1)).toString());
        const ended = part.filter(({ state }) => state === "whole");
        expect(ended).toEqual(whole.slice(0, ended.length));
        expect(part.length - ended.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});

test("a shape tells nothing of its values, and values nothing of the shape", () => {
  const [one, other] = [
    "INSERT INTO t (a) VALUES ('x', 1, NULL);",
    "INSERT INTO t (a) VALUES\n('); DROP t; --', -2.5e3, null) ;",
  ];
  expect(lex(one ?? "").map(({ shape }) => readable(shape))).toEqual(["INSERT INTO t (a) VALUES (<t>, <n>, <0>)"]);
  expect(lex(other ?? "").map(({ shape, values }) => [readable(shape), ...values])).toEqual([
    ["INSERT INTO t (a) VALUES (<t>, <n>, <0>) ", "); DROP t; --", "-2.5e3", null],
  ]);
});

test.each([
  ["nan", "NaN"],
  ["-nan", "NaN"],
  ["NaN", "NaN"],
  ["-nan(ind)", "NaN"],
  ["nan(snan)", "NaN"],
  ["inf", "Infinity"],
  ["+inf", "Infinity"],
  ["-inf", "-Infinity"],
  ["-Infinity", "-Infinity"],
])("a bare %s is the number %s", (written, value) => {
  expect(lex(`VALUES (1, ${written}, ${written});`)).toMatchObject([{ values: ["1", value, value] }]);
  expect(numberText(written)).toBe(value);
});

test("words that only begin like such a number, and names, are no values", () => {
  expect(lex('SELECT nano, "nan", info, a_nan, t1, null_;').map(({ shape }) => shape)).toEqual([
    'SELECT nano, "nan", info, a_nan, t1, null_',
  ]);
});

test("lines are counted from the file's first, also through texts, comments and names", () => {
  const text = "-- head\n\nA 'x\n\n';\n/*\n*/ B;\n\"\n\" C $$\n$$;\nD;";
  expect(lex(text).map(({ line, endLine }) => [line, endLine])).toEqual([
    [3, 5],
    [7, 7],
    [8, 10],
    [11, 11],
  ]);
});

test.each([
  ["E'a\\'; DROP x; --'", "the prefix E"],
  ["U&'a'", "the prefix U&"],
  ["$$; DROP x; $$", "dollars"],
  ["$tag$ ; $$ ' $tag$", "dollars"],
  ["$1", "parameter"],
  ["\u0001", "control character"],
])("%s is odd, and ends where it ends", (value, what) => {
  expect(lex(`INSERT INTO t VALUES (${value});\nSELECT 1;`)).toMatchObject([
    { state: "whole", odd: expect.stringContaining(what) },
    { state: "whole", odd: undefined },
  ]);
});

test("what may hold any text as it is, is known by where it begins", () => {
  const upTo = (text: string) => lex(text).map(({ plainUpTo }) => plainUpTo);
  expect(upTo("A 'x -- $$';")).toEqual([12]);
  expect(upTo("A -- x\n;")).toEqual([2]);
  expect(upTo("A /* x */;")).toEqual([2]);
  expect(upTo("A $$ x $$;")).toEqual([2]);
  expect(upTo("-- x\n/* y */ A /* z")).toEqual([15]);
  expect(upTo("/* x ; A")).toEqual([0]);
});

test("a comment ends with its line, whichever way that is written", () => {
  expect(lex("-- it's\rA;\r-- b\r\nB;\n-- c").map(({ shape }) => shape)).toEqual(["A", "B"]);
});

test("numbers that JSON cannot say are null in it, and its strings stay", () => {
  const text = '{"nan": nan, "b": [-inf, +Infinity, -nan(ind), 1], "inf \\" nan": "-nan", "c": "\\\\", "d": NaN}';
  expect(JSON.parse(jsonText(text))).toEqual({
    nan: null,
    b: [null, null, null, 1],
    'inf " nan': "-nan",
    c: "\\",
    d: null,
  });
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const written = JSON.stringify(value);
      expect(jsonText(written)).toBe(written);
    }),
    { numRuns: 200 },
  );
});

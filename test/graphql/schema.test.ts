import { readFileSync } from "node:fs";
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
} from "graphql";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../src/errors.ts";
import { printedSchema, schema } from "../../src/graphql/schema.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("schema.graphql is what the code prints (`npm run schema` writes it)", () => {
  expect(read("../../schema.graphql")).toBe(printedSchema());
});

test("the schema has everything that the contract promises", () => {
  expect(findBreakingChanges(buildSchema(read("contract.graphql")), schema)).toEqual([]);
});

test("every type, field, argument and enum value has a description", () => {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith("__") && !isSpecifiedScalarType(type),
  );
  expect(types.length).toBeGreaterThan(40);
  expect(types.flatMap(undescribed)).toEqual([]);
});

test("docs/api.md explains exactly the error codes that the server uses", () => {
  const documented = [...read("../../docs/api.md").matchAll(/^\| `([A-Z_]+)` *\|/gm)].map((match) => match[1]);
  const userErrors = schema.getType("UserErrorCode");
  const names = isEnumType(userErrors) ? userErrors.getValues().map((value) => value.name) : [];
  expect(documented.sort()).toEqual([...ERROR_CODES, ...names].sort());
});

/** The names of all that lacks a description in a type, itself included. */
function undescribed(type: GraphQLNamedType): string[] {
  const elements: { name: string; description?: string | null | undefined }[] = [type];
  if (isEnumType(type)) elements.push(...type.getValues());
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) elements.push(field, ...("args" in field ? field.args : []));
  }
  return elements.filter(({ description }) => !description).map(({ name }) => `${type.name}: ${name}`);
}

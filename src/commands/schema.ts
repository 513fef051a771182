import { writeFile } from "node:fs/promises";
import { printedSchema } from "../graphql/schema.ts";

/** Prints the GraphQL schema, or writes it to a file. */
export async function runSchema(options: { out?: string }): Promise<void> {
  if (options.out === undefined) process.stdout.write(printedSchema());
  else await writeFile(options.out, printedSchema());
}

import { writeFile } from "node:fs/promises";
import { codeOf, OperatorError } from "../errors.ts";
import { printedSchema } from "../graphql/schema.ts";

/** Prints the GraphQL schema, or writes it to a file. */
export async function runSchema(options: { out?: string }): Promise<void> {
  if (options.out === undefined) process.stdout.write(printedSchema());
  else {
    await writeFile(options.out, printedSchema()).catch((error: unknown) => {
      throw new OperatorError(
        `Cannot write ${options.out} (${codeOf(error)}): name a file that can be written with --out.`,
      );
    });
  }
}

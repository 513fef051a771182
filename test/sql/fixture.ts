import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The schema files of this checkout. */
export const SQL_DIR = fileURLToPath(new URL("../../sql", import.meta.url));

/** The text of a fixture beside this file. */
export const fixture = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

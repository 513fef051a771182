import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { OperatorError } from "../src/errors.ts";
import { ALL_SHAPES, SHAPES, type Shape } from "./shapes.ts";

export interface Options {
  readonly quick: boolean;
  readonly shapes: readonly Shape[];
  readonly rounds: number | undefined;
  readonly connections: number;
  /** Files to write. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
  /** Instead of measuring. */
  readonly profile: Shape | undefined;
  readonly plans: Shape | undefined;
}

const HELP = `npm run bench -- [options]: this server, PostGraphile 5 and SQL by hand, measured beside each other.

  --quick            two minutes instead of twenty: a tenth of the rows, short turns
  --shape NAME       only this shape; may be given again
  --rounds N         turns for each contender and shape (10; with --quick 2)
  --connections N    requests under way at a time (16)
  --json FILE        write all figures there
  --svg FILE         draw the ratios there
  --profile NAME     instead: where this server's CPU time goes for a shape
  --plans NAME       instead: the statements that this server runs for a shape, with their plans

Shapes:
${Object.entries(SHAPES)
  .map(([name, what]) => `  ${name.padEnd(10)} ${what}\n`)
  .join("")}`;

/** Throws OperatorError; undefined where only help was asked for, which it prints. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  const file = (name: string | undefined) => name && writable(resolve(process.env["INIT_CWD"] ?? ".", name));
  return {
    quick: values.quick,
    shapes: values.shape ? ALL_SHAPES.filter((shape) => values.shape?.map(shapeNamed).includes(shape)) : ALL_SHAPES,
    rounds: values.rounds === undefined ? undefined : whole("--rounds", values.rounds),
    connections: values.connections === undefined ? 16 : whole("--connections", values.connections),
    json: file(values.json),
    svg: file(values.svg),
    profile: values.profile === undefined ? undefined : shapeNamed(values.profile),
    plans: values.plans === undefined ? undefined : shapeNamed(values.plans),
  };
}

/** Found out before twenty minutes are measured for it. */
function writable(path: string): string {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch {
    throw new OperatorError(`${path} cannot be written: name a file in a folder that is there.`);
  }
  return path;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        shape: { type: "string", multiple: true },
        rounds: { type: "string" },
        connections: { type: "string" },
        json: { type: "string" },
        svg: { type: "string" },
        profile: { type: "string" },
        plans: { type: "string" },
      },
    });
  } catch (error) {
    throw new OperatorError(`${error instanceof Error ? error.message : error} (--help lists the options)`);
  }
}

function shapeNamed(name: string): Shape {
  if (Object.hasOwn(SHAPES, name)) return name as Shape;
  throw new OperatorError(`There is no shape "${name}": choose of ${ALL_SHAPES.join(", ")}.`);
}

function whole(flag: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new OperatorError(`${flag} must be a whole number from 1 to 9999.`);
  return Number(text);
}

/** For the report: on what it was measured. */
export function machine(): string {
  return `${process.platform} ${process.arch}, ${availableParallelism()} cores`;
}

import { type GraphQLSchema, printSchema } from "graphql";
import { builder } from "./builder.ts";
import "./scalars.ts";
import "./nodes.ts";
import "./types/dataset.ts";
import "./types/run.ts";
import "./types/simulation.ts";
import "./types/hierarchy.ts";
import "./types/measurement.ts";
import "./types/validation.ts";
import "./types/upsert-dataset.ts";

builder.queryType({ description: "Everything that can be read." });
builder.mutationType({ description: "Everything that can be written." });

/** The schema that is served. */
export const schema: GraphQLSchema = builder.toSchema({ sortSchema: false });

/** The schema in its definition language: `schema.graphql`. */
export const printedSchema = (): string => `${printSchema(schema)}\n`;

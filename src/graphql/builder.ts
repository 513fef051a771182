import SchemaBuilder from "@pothos/core";
import type { Context } from "./context.ts";

/** Collects the schema. Types are defined in `types/`, one file each; nothing is null unless it says so. */
export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    UUID: { Input: string; Output: string };
    /** In: what `parseTimestamp` returns. Out: PostgreSQL's text in UTC. */
    DateTime: { Input: string; Output: string };
    SafeInt: { Input: number; Output: number };
    /** Out: JSON text, of anything. */
    JSONObject: { Input: Record<string, unknown>; Output: string };
  };
}>({ defaultFieldNullability: false });

/** The builder's settings as a type, for helpers that are generic over the types of the schema. */
export type Types = (typeof builder)["$inferSchemaTypes"];

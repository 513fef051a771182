import { type CheckResult, type Severity, type ValidationReport, validate } from "../../domain/checks.ts";
import { builder } from "../builder.ts";
import { batchLoader } from "../loader.ts";

const CheckSeverity = builder.enumType("CheckSeverity", {
  description: "What a finding of a check means.",
  values: {
    ERROR: { value: "error", description: "Data is wrong or lost." },
    WARNING: { value: "warning", description: "Data is incomplete, or free text that only a person understands." },
  } as const satisfies Record<Uppercase<Severity>, { value: Severity; description: string }>,
});

const ValidationCheck = builder.objectRef<CheckResult>("ValidationCheck").implement({
  description: "A check and what it found. What each means and what to do stands in its file in `sql/checks`.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name, for programs. Does not change." }),
    severity: t.expose("severity", { type: CheckSeverity, description: "What a finding of it means." }),
    title: t.exposeString("title", { description: "What it finds, for people." }),
    count: t.expose("count", { type: "SafeInt", description: "How many rows it found; 0: sound." }),
    sample: t.field({
      type: ["JSONObject"],
      description:
        "The first rows, at most 5: ids first, then the values that show it, by their names in the database. Long texts are cut.",
      resolve: (check) => check.sample.map((row) => JSON.stringify(row)),
    }),
  }),
});

const Validation = builder.objectRef<ValidationReport>("Validation").implement({
  description: "What the rows of the database were found to be like, all in one snapshot.",
  fields: (t) => ({
    checkedAt: t.expose("checkedAt", { type: "DateTime", description: "When the snapshot was taken." }),
    checks: t.field({
      type: [ValidationCheck],
      description: "Every check, also those that found nothing, always in the same order.",
      resolve: ({ checks }) => [...checks],
    }),
  }),
});

/** However often a request asks, it is checked once. */
const validation = batchLoader(async (db, keys) => {
  const report = await validate(db);
  return keys.map(() => report);
});

builder.queryField("validation", (t) =>
  t.field({
    type: Validation,
    description: "Looks for rows that cannot be right. Reads whole tables: seconds where there are millions of rows.",
    resolve: (_, _args, context) => validation(context, undefined).load(""),
  }),
);

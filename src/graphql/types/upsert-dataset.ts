import { type DatasetPatch, type PatchProblem, patchDataset } from "../../domain/upsert-dataset.ts";
import { builder } from "../builder.ts";
import { loadOrNull } from "../loader.ts";
import { Dataset, datasetById } from "../nodes.ts";

const UserErrorCode = builder.enumType("UserErrorCode", {
  description: "What is wrong with the data that was sent.",
  values: {
    SLUG_TAKEN: { description: "Another dataset has this slug." },
    INVALID_VALUE: {
      description:
        "The value breaks a rule, which the message states, or one that was added to this database, which its log names.",
    },
    NOT_FOUND: { description: "What the field names does not exist. For mutations to come: `upsertDataset` creates." },
  } satisfies Record<PatchProblem["code"] | "NOT_FOUND", { description: string }>,
});

const UserError = builder
  .objectRef<{ code: PatchProblem["code"]; field: string | null; message: string }>("UserError")
  .implement({
    description: "Why nothing was written, in a form that a program can show beside the field.",
    fields: (t) => ({
      code: t.field({ type: UserErrorCode, description: "The kind of mistake.", resolve: (error) => error.code }),
      field: t.exposeString("field", {
        nullable: true,
        description: "The input field; null where it is about none in particular.",
      }),
      message: t.exposeString("message", { description: "What is wrong and what to do, for a person." }),
    }),
  });

const UpsertDatasetInput = builder.inputType("UpsertDatasetInput", {
  description:
    "A dataset to create, or the fields of one to change. A field that is left out keeps its stored value, or takes its " +
    "default in a new dataset; null clears it.",
  fields: (t) => ({
    datasetId: t.field({ type: "UUID", required: true, description: "The key: which dataset this is." }),
    datasetSlug: t.string({
      required: true,
      description: "The name people use. Unique; 1–127 of A–Z a–z 0–9 _ - . as QuestDB allows it for a table.",
    }),
    ohlcvMeasurement: t.string({
      required: true,
      description: "QuestDB table of the OHLCV bars. Same characters as the slug.",
    }),
    indicatorMeasurement: t.string({
      required: true,
      description: "QuestDB table of the indicators. Same characters as the slug.",
    }),
    symbol: t.string({ description: "What is traded." }),
    granularity: t.string({ description: "The length of a bar." }),
    source: t.string({ description: "The program that made the dataset. Default: `laptop_imgui`." }),
    ohlcvRowCount: t.field({ type: "SafeInt", description: "Rows of the OHLCV table, not negative. Default: 0." }),
    indicatorRowCount: t.field({
      type: "SafeInt",
      description: "Rows of the indicator table, not negative. Default: 0.",
    }),
    ohlcvFirstTs: t.field({ type: "DateTime", description: "The first bar; not after the last." }),
    ohlcvLastTs: t.field({ type: "DateTime", description: "The last bar." }),
    indicatorFirstTs: t.field({
      type: "DateTime",
      description: "The first bar that has indicators; not after the last.",
    }),
    indicatorLastTs: t.field({ type: "DateTime", description: "The last bar that has indicators." }),
    metadata: t.field({
      type: "JSONObject",
      description: "Keys to add or replace; stored keys that are not named stay.",
    }),
  }),
});

/** Input field → column: what is left out of the input is left out of the patch. */
const COLUMNS = {
  datasetId: "dataset_id",
  datasetSlug: "dataset_slug",
  ohlcvMeasurement: "ohlcv_measurement",
  indicatorMeasurement: "indicator_measurement",
  symbol: "symbol",
  granularity: "granularity",
  source: "source",
  ohlcvRowCount: "ohlcv_row_count",
  indicatorRowCount: "indicator_row_count",
  ohlcvFirstTs: "ohlcv_first_ts",
  ohlcvLastTs: "ohlcv_last_ts",
  indicatorFirstTs: "indicator_first_ts",
  indicatorLastTs: "indicator_last_ts",
  metadata: "metadata",
} as const satisfies Record<keyof typeof UpsertDatasetInput.$inferInput, keyof DatasetPatch>;

const FIELDS = Object.fromEntries(Object.entries(COLUMNS).map(([field, column]) => [column, field])) as Record<
  keyof DatasetPatch,
  string
>;

const UpsertDatasetPayload = builder
  .objectRef<{ datasetId: string; problems: readonly PatchProblem[] }>("UpsertDatasetPayload")
  .implement({
    description: "What became of an upsert: the dataset, or the reasons why nothing was written.",
    fields: (t) => ({
      dataset: t.field({
        type: Dataset,
        nullable: true,
        description: "The dataset as it is stored now; null where nothing was written.",
        resolve: ({ datasetId, problems }, _, context) =>
          loadOrNull(datasetById, context, problems.length > 0 ? null : datasetId),
      }),
      userErrors: t.field({
        type: [UserError],
        description: "Empty where the dataset was written.",
        resolve: ({ problems }) =>
          problems.map(({ code, column, message }) => {
            const field = column && FIELDS[column];
            return { code, field, message: `${field === null ? "" : `${field} `}${message}.` };
          }),
      }),
    }),
  });

builder.mutationField("upsertDataset", (t) =>
  t.field({
    type: UpsertDatasetPayload,
    description:
      "Creates a dataset, or changes the given fields of the one that has this id. Sent again, it changes nothing more.",
    args: { input: t.arg({ type: UpsertDatasetInput, required: true, description: "The dataset." }) },
    async resolve(_, { input }, context) {
      const given = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).filter((field) => input[field] !== undefined);
      const patch: DatasetPatch = {
        ...Object.fromEntries(given.map((field) => [COLUMNS[field], input[field]])),
        dataset_id: input.datasetId,
        dataset_slug: input.datasetSlug,
        ohlcv_measurement: input.ohlcvMeasurement,
        indicator_measurement: input.indicatorMeasurement,
      };
      const problems = await patchDataset(context.db, patch, context.call);
      for (const { cause } of problems) if (cause !== undefined) context.logRefusal(cause);
      datasetById(context, undefined).clear(input.datasetId); // an alias before this one may have loaded it
      return { datasetId: input.datasetId, problems };
    },
  }),
);

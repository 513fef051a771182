import type { List } from "./page.ts";
import type { RunStatus } from "./run.ts";
import { containing, equal } from "./sql.ts";

/** A row of the view `dataset_hierarchy`: a leaf of the lineage with everything above it. */
export interface HierarchyRow {
  dataset_id: string;
  dataset_slug: string;
  ohlcv_measurement: string | null;
  indicator_measurement: string | null;
  run_id: string | null;
  prediction_measurement: string | null;
  serialized_config: string | null;
  simulation_id: string | null;
  questdb_namespace: string | null;
  status: RunStatus | null;
  run_status: RunStatus | null;
  simulation_status: RunStatus | null;
  simulation_serialized_config: string | null;
}

export interface HierarchyFilter {
  readonly datasetId?: string | null | undefined;
  readonly runId?: string | null | undefined;
  readonly simulationId?: string | null | undefined;
  readonly predictionMeasurement?: string | null | undefined;
  readonly questdbNamespace?: string | null | undefined;
  readonly status?: readonly RunStatus[] | null | undefined;
  readonly search?: string | null | undefined;
}

/** A status of a row that has none stays null; it is not UNKNOWN. */
const status = (column: string) => `CASE WHEN h.${column} IS NOT NULL THEN stage1_run_status(h.${column}) END`;
/** Sorts a leaf that lacks the id before those that have one. */
const idOrFirst = (column: string) => `coalesce(h.${column}, '00000000-0000-0000-0000-000000000000')`;

export const hierarchy: List<HierarchyRow, HierarchyFilter, "DATASET_SLUG"> = {
  from: "dataset_hierarchy h",
  columns: {
    dataset_id: "h.dataset_id",
    dataset_slug: "h.dataset_slug",
    ohlcv_measurement: "nullif(h.ohlcv_measurement, '')",
    indicator_measurement: "nullif(h.indicator_measurement, '')",
    run_id: "h.run_id",
    prediction_measurement: "h.prediction_measurement",
    serialized_config: "h.serialized_config",
    simulation_id: "h.simulation_id",
    questdb_namespace: "nullif(h.questdb_namespace, '')",
    status: status("status"),
    run_status: status("run_status"),
    simulation_status: status("simulation_status"),
    simulation_serialized_config: "h.simulation_serialized_config",
  },
  orders: {
    DATASET_SLUG: [
      { sql: "h.dataset_slug", type: "text" },
      { sql: idOrFirst("run_id"), type: "uuid" },
    ],
  },
  tiebreak: { sql: idOrFirst("simulation_id"), type: "uuid" },
  where: (filter, params) => [
    ...equal("h.dataset_id", filter.datasetId, "uuid", params),
    ...equal("h.run_id", filter.runId, "uuid", params),
    ...equal("h.simulation_id", filter.simulationId, "uuid", params),
    ...equal("h.prediction_measurement", filter.predictionMeasurement, "text", params),
    ...equal("h.questdb_namespace", filter.questdbNamespace, "text", params),
    ...(filter.status ? [`${status("status")} = ANY (${params.add(filter.status, "text[]")})`] : []),
    ...(filter.search
      ? [
          "concat_ws(E'\\n', h.dataset_slug, h.ohlcv_measurement, h.indicator_measurement, h.prediction_measurement, " +
            `h.questdb_namespace) ILIKE ${params.add(containing(filter.search))}`,
        ]
      : []),
  ],
};

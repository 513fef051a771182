import type { Db } from "../db/pool.ts";
import { readRows, type Table } from "./page.ts";
import type { Column } from "./sql.ts";

export const MEASUREMENT_ROLES = ["OHLCV", "INDICATOR", "PREDICTION", "SIMULATION"] as const;
export type MeasurementRole = (typeof MEASUREMENT_ROLES)[number];

/** One place where a QuestDB table's name stands. */
export interface MeasurementUseRow {
  role: MeasurementRole;
  dataset_id: string | null;
  run_id: string | null;
  simulation_id: string | null;
}

/** The uses of all tables; a table's come first by role. No name is no use: '' means "not exported yet". */
export const measurementUses: Table<MeasurementUseRow> = {
  from: `(
    SELECT 1 AS rank, 'OHLCV' AS role, d.ohlcv_measurement AS name, d.dataset_id, NULL::uuid AS run_id,
           NULL::uuid AS simulation_id
    FROM stage1_datasets d
    UNION ALL
    SELECT 2, 'INDICATOR', d.indicator_measurement, d.dataset_id, NULL, NULL FROM stage1_datasets d
    UNION ALL
    SELECT 3, 'PREDICTION', r.prediction_measurement, r.dataset_id, r.run_id, NULL FROM walkforward_runs r
    UNION ALL
    SELECT 4, 'SIMULATION', s.questdb_namespace, s.dataset_id, s.run_id, s.simulation_id FROM simulation_runs s
  ) AS u`,
  columns: {
    role: "u.role",
    dataset_id: "u.dataset_id",
    run_id: "u.run_id",
    simulation_id: "u.simulation_id",
  } satisfies Record<keyof MeasurementUseRow, Column>,
};

/** The uses of the table of this name, at most `limit`, as a condition. */
export function usesOf(name: string, limit: number): string {
  return `u.name = ${name} AND u.name <> '' ORDER BY u.rank, u.dataset_id, u.run_id, u.simulation_id LIMIT ${Number(limit)}`;
}

/** Every use of a QuestDB table's name, at most `limit`, by role. */
export function usesOfMeasurement(db: Db, name: string, limit: number): Promise<MeasurementUseRow[]> {
  return readRows(db, measurementUses, usesOf("$1", limit), [name]);
}

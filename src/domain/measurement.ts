import type { Db } from "../db/pool.ts";

export const MEASUREMENT_ROLES = ["OHLCV", "INDICATOR", "PREDICTION", "SIMULATION"] as const;
export type MeasurementRole = (typeof MEASUREMENT_ROLES)[number];

/** One place where a QuestDB table's name stands. */
export interface MeasurementUseRow {
  role: MeasurementRole;
  dataset_id: string | null;
  run_id: string | null;
  simulation_id: string | null;
}

/** Every use of a QuestDB table's name, at most `limit`, by role. No name is no use: '' means "not exported yet". */
export function usesOfMeasurement(db: Db, name: string, limit: number): Promise<MeasurementUseRow[]> {
  return db.query<MeasurementUseRow>(
    `SELECT role, dataset_id, run_id, simulation_id FROM (
       SELECT 1 AS rank, 'OHLCV' AS role, d.dataset_id, NULL::uuid AS run_id, NULL::uuid AS simulation_id
       FROM stage1_datasets d WHERE d.ohlcv_measurement = $1
       UNION ALL
       SELECT 2, 'INDICATOR', d.dataset_id, NULL, NULL FROM stage1_datasets d WHERE d.indicator_measurement = $1
       UNION ALL
       SELECT 3, 'PREDICTION', r.dataset_id, r.run_id, NULL FROM walkforward_runs r WHERE r.prediction_measurement = $1
       UNION ALL
       SELECT 4, 'SIMULATION', s.dataset_id, s.run_id, s.simulation_id FROM simulation_runs s WHERE s.questdb_namespace = $1
       LIMIT $2
     ) AS uses
     WHERE $1 <> '' ORDER BY rank, dataset_id, run_id, simulation_id`,
    [name, limit],
  );
}

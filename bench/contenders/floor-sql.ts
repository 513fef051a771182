import type { Shape, Variant } from "../shapes.ts";

interface Statement {
  /** Returns one row with one column, `data`: the answer's text. */
  readonly text: string;
  values(variant: Variant): unknown[];
}

const RUN = `
  json_build_object('runId', r.run_id, 'predictionMeasurement', r.prediction_measurement, 'status', upper(r.status),
                    'startedAt', r.started_at, 'completedAt', r.completed_at)`;

/** Runs of the dataset in $1, newest first. */
const runsOfDataset = (limit: number, condition = "true") => ({
  text: `
    SELECT json_build_object('dataset', json_build_object('datasetSlug', d.dataset_slug, 'runs', (
      SELECT coalesce(json_agg(${RUN}), '[]') FROM (
        SELECT * FROM walkforward_runs WHERE dataset_id = d.dataset_id AND ${condition}
        ORDER BY created_at DESC, run_id DESC LIMIT ${limit}) AS r)))::text AS data
    FROM stage1_datasets d WHERE d.dataset_id = $1::uuid`,
  values: ({ datasetId }: Variant) => [datasetId],
});

const UPSERT_COLUMNS = [
  ...(["datasetId", "datasetSlug", "symbol", "granularity", "source", "ohlcvMeasurement", "indicatorMeasurement"] as const),
  ...(["ohlcvRowCount", "indicatorRowCount"] as const),
  ...(["ohlcvFirstTs", "ohlcvLastTs", "indicatorFirstTs", "indicatorLastTs", "metadata"] as const),
];

export const STATEMENTS: Readonly<Record<Shape, Statement>> = {
  page: {
    text: `
      SELECT json_build_object('datasets', json_agg(json_build_object(
        'datasetId', d.dataset_id, 'datasetSlug', d.dataset_slug, 'symbol', d.symbol,
        'ohlcvMeasurement', d.ohlcv_measurement, 'indicatorMeasurement', d.indicator_measurement,
        'ohlcvRowCount', d.ohlcv_row_count, 'indicatorRowCount', d.indicator_row_count,
        'runCount', (SELECT count(*) FROM walkforward_runs r WHERE r.dataset_id = d.dataset_id),
        'simulationCount', (SELECT count(*) FROM simulation_runs s WHERE s.dataset_id = d.dataset_id),
        'updatedAt', d.updated_at)))::text AS data
      FROM (SELECT * FROM stage1_datasets ORDER BY updated_at DESC, dataset_id DESC LIMIT 50) AS d`,
    values: () => [],
  },
  tree: {
    text: `
      SELECT json_build_object('datasets', json_agg(json_build_object(
        'datasetId', d.dataset_id, 'datasetSlug', d.dataset_slug,
        'runCount', (SELECT count(*) FROM walkforward_runs r WHERE r.dataset_id = d.dataset_id),
        'simulationCount', (SELECT count(*) FROM simulation_runs s WHERE s.dataset_id = d.dataset_id),
        'runs', (
          SELECT coalesce(json_agg(json_build_object(
            'runId', r.run_id, 'predictionMeasurement', r.prediction_measurement, 'status', upper(r.status),
            'summaryMetrics', r.summary_metrics,
            'simulationCount', (SELECT count(*) FROM simulation_runs s WHERE s.run_id = r.run_id),
            'simulations', (
              SELECT coalesce(json_agg(json_build_object(
                'simulationId', s.simulation_id, 'questdbNamespace', s.questdb_namespace, 'mode', upper(s.mode),
                'status', upper(s.status), 'summaryMetrics', s.summary_metrics)), '[]')
              FROM (
                SELECT * FROM simulation_runs WHERE run_id = r.run_id
                ORDER BY created_at DESC, simulation_id DESC LIMIT 5) AS s))), '[]')
          FROM (
            SELECT * FROM walkforward_runs WHERE dataset_id = d.dataset_id
            ORDER BY created_at DESC, run_id DESC LIMIT 10) AS r))))::text AS data
      FROM (SELECT * FROM stage1_datasets ORDER BY updated_at DESC, dataset_id DESC LIMIT 20) AS d`,
    values: () => [],
  },
  runs: runsOfDataset(1000),
  first: runsOfDataset(20),
  deep: {
    ...runsOfDataset(20, "(created_at, run_id) < ($2::timestamptz, $3::uuid)"),
    values({ datasetId, after }) {
      const { createdAt, runId } = after as { createdAt: string; runId: string };
      return [datasetId, createdAt, runId];
    },
  },
  hierarchy: {
    text: `
      SELECT json_build_object('rows', json_agg(json_build_object(
        'datasetSlug', h.dataset_slug, 'ohlcvMeasurement', h.ohlcv_measurement,
        'indicatorMeasurement', h.indicator_measurement, 'runId', h.run_id,
        'predictionMeasurement', h.prediction_measurement, 'simulationId', h.simulation_id,
        'questdbNamespace', h.questdb_namespace, 'status', upper(h.status))))::text AS data
      FROM (SELECT * FROM dataset_hierarchy ORDER BY dataset_slug, run_id, simulation_id LIMIT 500) AS h`,
    values: () => [],
  },
  one: {
    text: `
      SELECT json_build_object('dataset', json_build_object(
        'datasetId', d.dataset_id, 'datasetSlug', d.dataset_slug, 'symbol', d.symbol, 'granularity', d.granularity,
        'source', d.source, 'ohlcvMeasurement', d.ohlcv_measurement, 'ohlcvRowCount', d.ohlcv_row_count,
        'ohlcvFirstTs', d.ohlcv_first_ts, 'ohlcvLastTs', d.ohlcv_last_ts,
        'indicatorMeasurement', d.indicator_measurement, 'indicatorRowCount', d.indicator_row_count,
        'indicatorFirstTs', d.indicator_first_ts, 'indicatorLastTs', d.indicator_last_ts, 'metadata', d.metadata,
        'createdAt', d.created_at, 'updatedAt', d.updated_at,
        'runCount', (SELECT count(*) FROM walkforward_runs r WHERE r.dataset_id = d.dataset_id),
        'simulationCount', (SELECT count(*) FROM simulation_runs s WHERE s.dataset_id = d.dataset_id),
        'runs', (
          SELECT coalesce(json_agg(${RUN}), '[]') FROM (
            SELECT * FROM walkforward_runs WHERE dataset_id = d.dataset_id
            ORDER BY created_at DESC, run_id DESC LIMIT 20) AS r)))::text AS data
      FROM stage1_datasets d WHERE d.dataset_slug = $1`,
    values: ({ slug }) => [slug],
  },
  search: {
    text: `
      SELECT json_build_object('datasets', coalesce(json_agg(json_build_object(
        'datasetId', d.dataset_id, 'datasetSlug', d.dataset_slug, 'symbol', d.symbol, 'granularity', d.granularity,
        'ohlcvMeasurement', d.ohlcv_measurement, 'indicatorMeasurement', d.indicator_measurement,
        'updatedAt', d.updated_at)), '[]'))::text AS data
      FROM (
        SELECT * FROM stage1_datasets
        WHERE stage1_dataset_search_text(dataset_slug, symbol, ohlcv_measurement, indicator_measurement) ILIKE $1
        ORDER BY updated_at DESC, dataset_id DESC LIMIT 50) AS d`,
    values: ({ text = "" }) => [`%${text.replaceAll(/[\\%_]/g, "\\$&")}%`],
  },
  upsert: {
    text: `
      SELECT '{"upserted":true}' AS data
      FROM upsert_stage1_dataset(${UPSERT_COLUMNS.map((_, i) => `$${i + 1}`).join(", ")})`,
    values: ({ dataset }) => UPSERT_COLUMNS.map((column) => dataset?.[column]),
  },
};

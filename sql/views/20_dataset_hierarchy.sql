-- The whole lineage, flat: one row for each simulation, for each run without one, and for each dataset without a run.
-- A simulation whose run was deleted, or leads to no dataset, still leads to its own, so it stands there.
CREATE VIEW dataset_hierarchy AS
SELECT d.dataset_id,
       d.dataset_slug,
       d.ohlcv_measurement,
       d.indicator_measurement,
       leaf.run_id,
       leaf.prediction_measurement,
       leaf.serialized_config,
       leaf.simulation_id,
       leaf.questdb_namespace,
       coalesce(leaf.simulation_status, leaf.run_status) AS status,
       leaf.run_status,
       leaf.simulation_status,
       leaf.simulation_serialized_config
FROM stage1_datasets d
LEFT JOIN LATERAL (
    SELECT r.run_id, r.prediction_measurement, r.serialized_config, r.status AS run_status,
           s.simulation_id, s.questdb_namespace, s.status AS simulation_status,
           s.serialized_config AS simulation_serialized_config
    FROM walkforward_runs r
    LEFT JOIN simulation_runs s ON s.run_id = r.run_id
    WHERE r.dataset_id = d.dataset_id
    UNION ALL
    SELECT r.run_id, r.prediction_measurement, r.serialized_config, r.status,
           s.simulation_id, s.questdb_namespace, s.status, s.serialized_config
    FROM simulation_runs s
    -- One by one, by the key: a plain join would read every run for each page.
    LEFT JOIN LATERAL (
        SELECT own.run_id, own.dataset_id, own.prediction_measurement, own.serialized_config, own.status
        FROM walkforward_runs own WHERE own.run_id = s.run_id LIMIT 1
    ) r ON true
    WHERE s.dataset_id = d.dataset_id AND r.dataset_id IS NULL
) leaf ON true;

COMMENT ON VIEW dataset_hierarchy IS
    'Dataset, run and simulation in one row. status is the simulation''s, or the run''s where there is none.';

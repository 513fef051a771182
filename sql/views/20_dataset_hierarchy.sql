-- The whole lineage, flat: one row for each simulation, for each run without one, and for each dataset without a run.
-- A simulation whose run was deleted, or leads to no dataset, still leads to its own, so it stands there.
--
-- Written as joins of tables and of plain UNION ALLs of tables, without LATERAL, so that the planner may begin at any of
-- them: at the dataset for a page by slug, at the run or at the simulation for a condition on one. A join or a WHERE
-- inside a UNION ALL would end that. So a branch names by `parent` what its simulations are found by, in the second UNION
-- ALL, and by `is_here` whether it counts. The parent's kind is a text, not a boolean: of a text, which it knows nothing of,
-- the planner expects many values, and so about as few simulations for each parent as there are. Two partial indexes (0012)
-- find the simulations that have lost their way up.
CREATE VIEW dataset_hierarchy AS
SELECT d.dataset_id,
       d.dataset_slug,
       d.ohlcv_measurement,
       d.indicator_measurement,
       r.run_id,
       r.prediction_measurement,
       r.serialized_config,
       s.simulation_id,
       s.questdb_namespace,
       coalesce(s.status, r.status) AS status,
       r.status AS run_status,
       s.status AS simulation_status,
       s.serialized_config AS simulation_serialized_config
FROM stage1_datasets d
LEFT JOIN (
    -- A run of the dataset.
    SELECT own.dataset_id, own.run_id, own.run_id AS parent, 'run' AS parent_kind, true AS is_here
    FROM walkforward_runs own
    UNION ALL
    -- A simulation of the dataset that has no run.
    SELECT stray.dataset_id, NULL, stray.simulation_id, 'simulation', stray.run_id IS NULL
    FROM simulation_runs stray
    UNION ALL
    -- A simulation of the dataset whose run leads to no dataset. No simulation is looked at where there is no such run.
    SELECT stray.dataset_id, stray.run_id, stray.simulation_id, 'simulation',
           (SELECT EXISTS (SELECT FROM walkforward_runs any_run WHERE any_run.dataset_id IS NULL))
           AND EXISTS (SELECT FROM walkforward_runs its WHERE its.run_id = stray.run_id AND its.dataset_id IS NULL)
    FROM simulation_runs stray
) AS branch ON branch.dataset_id = d.dataset_id AND branch.is_here
LEFT JOIN walkforward_runs r ON r.run_id = branch.run_id
LEFT JOIN (
    SELECT of_run.run_id AS parent, 'run' AS parent_kind,
           of_run.simulation_id, of_run.questdb_namespace, of_run.status, of_run.serialized_config
    FROM simulation_runs of_run
    UNION ALL
    SELECT itself.simulation_id, 'simulation',
           itself.simulation_id, itself.questdb_namespace, itself.status, itself.serialized_config
    FROM simulation_runs itself
) AS s ON s.parent = branch.parent AND s.parent_kind = branch.parent_kind;

COMMENT ON VIEW dataset_hierarchy IS
    'Dataset, run and simulation in one row. status is the simulation''s, or the run''s where there is none.';

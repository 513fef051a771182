-- severity: warning
-- title: Statuses and modes outside the vocabulary
-- The API shows them as UNKNOWN, and filters find them as such. functions/50_vocabulary.sql has the words, in any case. A
-- placeholder has none yet.
SELECT run_id AS id, 'walkforward_runs' AS "table", 'status' AS "column", left(status, 200) AS value
FROM walkforward_runs WHERE stage1_run_status(status) = 'UNKNOWN' AND NOT stage1_is_placeholder('run', run_id)
UNION ALL
SELECT simulation_id, 'simulation_runs', 'status', left(status, 200)
FROM simulation_runs WHERE stage1_run_status(status) = 'UNKNOWN' AND NOT stage1_is_placeholder('simulation', simulation_id)
UNION ALL
SELECT simulation_id, 'simulation_runs', 'mode', left(mode, 200)
FROM simulation_runs WHERE stage1_simulation_mode(mode) = 'UNKNOWN' AND NOT stage1_is_placeholder('simulation', simulation_id);

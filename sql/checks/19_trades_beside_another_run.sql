-- severity: error
-- title: Simulations that hold another one's trades
-- An id is made of a label and of a number that begins anew each session: the next day the same id was another simulation,
-- of another run, and its trades were added to the older one's. Found by trades of folds that the run has not, by more trades
-- than summary_metrics.total_trades, and by an input other than the run's predictions. Delete the simulation's trades and
-- export it again, each under an id of its own. A run that lost folds itself is another check's, and its trades are let pass.
SELECT s.simulation_id, s.run_id, s.input_run_measurement, r.prediction_measurement,
       coalesce(t.trades, 0) AS trades, stage1_json_count(s.summary_metrics, 'total_trades') AS expected_trades,
       coalesce(t.of_other_folds, 0) AS trades_of_other_folds, t.other_fold
FROM simulation_runs s
LEFT JOIN walkforward_runs r ON r.run_id = s.run_id
LEFT JOIN (
    SELECT made.simulation_id, count(*) AS trades,
           count(*) FILTER (WHERE is_elsewhere) AS of_other_folds,
           min(made.fold) FILTER (WHERE is_elsewhere) AS other_fold
    FROM (
        SELECT trade.simulation_id,
               -- Nearly all are plain numbers, which are read sooner.
               CASE WHEN trade.metadata ->> 'fold' ~ '^[0-9]{1,9}$' THEN (trade.metadata ->> 'fold')::bigint
                    WHEN trade.metadata ? 'fold' OR jsonb_typeof(trade.metadata) = 'string'
                    THEN stage1_json_count(trade.metadata, 'fold') END AS fold
        FROM simulation_trades trade
        OFFSET 0  -- read once for each trade, and not at each place where it stands below
    ) AS made
    JOIN simulation_runs its ON its.simulation_id = made.simulation_id
    LEFT JOIN (
        SELECT run_id
        FROM (SELECT run_id, count(*) AS folds FROM walkforward_folds GROUP BY run_id) AS stored
        JOIN walkforward_runs claiming USING (run_id)
        WHERE folds >= coalesce(stage1_claimed_folds(claiming.summary_metrics), 0)
    ) AS whole ON whole.run_id = its.run_id
    LEFT JOIN walkforward_folds f ON f.run_id = its.run_id AND f.fold_number = made.fold
    CROSS JOIN LATERAL (
        SELECT whole.run_id IS NOT NULL AND made.fold IS NOT NULL AND f.run_id IS NULL AS is_elsewhere
    ) AS compared
    GROUP BY made.simulation_id
) AS t ON t.simulation_id = s.simulation_id
WHERE t.of_other_folds > 0
   OR t.trades > stage1_json_count(s.summary_metrics, 'total_trades')
   OR lower(s.input_run_measurement) <> lower(r.prediction_measurement)
      AND s.input_run_measurement <> '' AND r.prediction_measurement NOT IN ('', 'run_' || r.run_id)
      AND NOT EXISTS (
        SELECT FROM stage1_placeholders p
        WHERE (p.object = 'run' AND p.id = r.run_id OR p.object = 'simulation' AND p.id = s.simulation_id)
          AND p.filled_at IS NULL);

-- severity: warning
-- title: Buckets of simulations whose trades are not stored
-- The exporter sends no trades, or they were lost on the way: the counts cannot be compared. Export the simulation again.
SELECT b.simulation_id, b.side, b.trade_count, b.win_count
FROM simulation_trade_buckets b
WHERE b.trade_count <> 0 AND NOT EXISTS (SELECT FROM simulation_trades t WHERE t.simulation_id = b.simulation_id);

-- severity: error
-- title: Bucket counts that disagree with the trades
-- Trades are missing, or the bucket is of another state of the simulation: export it again. Only simulations whose trades
-- are stored. The bucket "all" counts both sides. A trade that ends even, or whose pnl is not known, may be a win or not.
SELECT b.simulation_id, b.side, b.trade_count, c.trades, b.win_count, c.least_wins, c.most_wins
FROM simulation_trade_buckets b
JOIN (
    SELECT simulation_id,
           count(*) FILTER (WHERE side = 'long') AS long_trades,
           count(*) FILTER (WHERE side = 'long' AND pnl > 0 AND pnl <> 'NaN') AS least_long_wins,
           count(*) FILTER (WHERE side = 'long' AND coalesce(pnl, 0) >= 0) AS most_long_wins,  -- NaN is above all numbers
           count(*) FILTER (WHERE side = 'short') AS short_trades,
           count(*) FILTER (WHERE side = 'short' AND pnl > 0 AND pnl <> 'NaN') AS least_short_wins,
           count(*) FILTER (WHERE side = 'short' AND coalesce(pnl, 0) >= 0) AS most_short_wins
    FROM simulation_trades
    GROUP BY simulation_id
) AS t USING (simulation_id)
CROSS JOIN LATERAL (SELECT
    CASE WHEN b.side <> 'short' THEN long_trades ELSE 0 END
        + CASE WHEN b.side <> 'long' THEN short_trades ELSE 0 END AS trades,
    CASE WHEN b.side <> 'short' THEN least_long_wins ELSE 0 END
        + CASE WHEN b.side <> 'long' THEN least_short_wins ELSE 0 END AS least_wins,
    CASE WHEN b.side <> 'short' THEN most_long_wins ELSE 0 END
        + CASE WHEN b.side <> 'long' THEN most_short_wins ELSE 0 END AS most_wins
) AS c
WHERE b.trade_count <> c.trades OR b.win_count NOT BETWEEN c.least_wins AND c.most_wins;

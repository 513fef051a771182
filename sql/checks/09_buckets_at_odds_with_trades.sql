-- severity: error
-- title: Bucket counts that disagree with the trades
-- Trades are missing, or the bucket is of another state of the simulation: export it again. Only simulations whose trades
-- are stored. A bucket "dual", "both" or "all" counts all trades; one with another word is not compared. A trade that ends
-- even, or whose pnl is not known, may be a win or not.
SELECT b.simulation_id, b.side, b.trade_count, c.trades, b.win_count, c.least_wins, c.most_wins
FROM simulation_trade_buckets b
JOIN (
    SELECT simulation_id,
           count(*) AS all_trades,
           count(*) FILTER (WHERE is_win) AS least_wins,
           count(*) FILTER (WHERE may_be_win) AS most_wins,
           count(*) FILTER (WHERE side = 'long') AS long_trades,
           count(*) FILTER (WHERE side = 'long' AND is_win) AS least_long_wins,
           count(*) FILTER (WHERE side = 'long' AND may_be_win) AS most_long_wins,
           count(*) FILTER (WHERE side = 'short') AS short_trades,
           count(*) FILTER (WHERE side = 'short' AND is_win) AS least_short_wins,
           count(*) FILTER (WHERE side = 'short' AND may_be_win) AS most_short_wins
    FROM (
        SELECT simulation_id, lower(side) AS side,
               pnl > 0 AND pnl <> 'NaN' AS is_win, coalesce(pnl, 0) >= 0 AS may_be_win  -- NaN is above all numbers
        FROM simulation_trades
    ) AS trade
    GROUP BY simulation_id
) AS t USING (simulation_id)
CROSS JOIN LATERAL (
    SELECT all_trades, t.least_wins, t.most_wins WHERE lower(b.side) IN ('dual', 'both', 'all')
    UNION ALL
    SELECT long_trades, least_long_wins, most_long_wins WHERE lower(b.side) = 'long'
    UNION ALL
    SELECT short_trades, least_short_wins, most_short_wins WHERE lower(b.side) = 'short'
) AS c (trades, least_wins, most_wins)
WHERE b.trade_count <> c.trades OR b.win_count NOT BETWEEN c.least_wins AND c.most_wins;

import type { DatasetPlan, SimulationPlan, WalkPlan } from "./demo.ts";
import { testStart } from "./demo-folds.ts";
import { profitFactor, round, spread, sum } from "./numbers.ts";

interface Trade {
  readonly bar_timestamp: string;
  readonly side: "long" | "short";
  readonly size: number;
  readonly entry_price: number;
  readonly exit_price: number;
  readonly pnl: number;
  readonly return_pct: number;
  /** The fold whose prediction was traded on, and the predictions at entry and exit. */
  readonly metadata: { readonly fold: number; readonly entry_signal: number; readonly exit_signal: number };
}

interface Bucket {
  readonly side: "dual" | "long" | "short";
  readonly trade_count: number;
  readonly win_count: number;
  readonly profit_factor: number;
  /** The total, as the desktop has it. */
  readonly avg_return_pct: number;
  readonly max_drawdown_pct: number;
  readonly notes: string;
}

/** A simulation's `config`, in the desktop's words. No trade of the demo reaches its stop or target. */
export const SIMULATION_CONFIG = {
  position_size: 1000,
  use_signal_exit: true,
  honor_signal_reversal: false,
  use_stop_loss: true,
  stop_loss_pct: 3,
  use_take_profit: true,
  take_profit_pct: 5,
  use_time_exit: true,
  max_holding_bars: 24,
  threshold_choice: 0,
};

const PRICES = { BTCUSDT: 84_000, ETHUSDT: 1_900, SOLUSDT: 130 };
const BUY_AND_HOLD_PCT = { BTCUSDT: 12.0649, ETHUSDT: -4.318, SOLUSDT: 7.5512 };
const BAR_MS = { "1h": 3_600_000, "4h": 14_400_000 };

/** The trades of a simulation in the order of time, spread evenly over the folds' test windows. */
export function tradesOf(dataset: DatasetPlan, walk: WalkPlan, { mode, returns }: SimulationPlan): Trade[] {
  const [firstMs, barMs] = [Date.parse(dataset.first), BAR_MS[dataset.granularity]];
  const bars = (Date.parse(dataset.last) - firstMs) / barMs + 1;
  // Rows that the windows walk over. The first two datasets have fewer rows than that, and fewer bars.
  const rows = Math.max(dataset.rows, testStart(walk, walk.folds));
  return returns.map((basisPoints, i) => {
    const tested = Math.floor((walk.folds * walk.test * i) / returns.length);
    const bar = Math.floor((bars * (testStart(walk, 0) + tested)) / rows);
    const side = mode === "dual" ? (i % 2 === 0 ? "long" : "short") : mode;
    const sign = side === "long" ? 1 : -1;
    const entry = round(PRICES[dataset.symbol] * (1 + spread(i) / 200), 2);
    const exit = round(entry * (1 + (sign * basisPoints) / 10_000), 6);
    const size = round(SIMULATION_CONFIG.position_size / entry, 6);
    return {
      bar_timestamp: new Date(firstMs + bar * barMs).toISOString(),
      side,
      size,
      entry_price: entry,
      exit_price: exit,
      pnl: round(size * sign * (exit - entry), 4),
      return_pct: basisPoints / 100,
      metadata: {
        fold: Math.floor(tested / walk.test),
        entry_signal: round(sign * (0.68 + spread(i) / 200), 3),
        exit_signal: round(sign * (0.1 + spread(i + 3) / 100), 3),
      },
    };
  });
}

const NOTES = { dual: "Combined strategy", long: "Long-only slice", short: "Short-only slice" };

/** The sums of trades: over both sides and over each. None where nothing was traded. */
export function bucketsOf(trades: readonly Trade[]): Bucket[] {
  if (trades.length === 0) return [];
  return (["dual", "long", "short"] as const).map((side) => {
    const own = trades.filter((trade) => side === "dual" || trade.side === side);
    return {
      side,
      trade_count: own.length,
      win_count: own.filter(({ pnl }) => pnl > 0).length,
      profit_factor: profitFactor(
        sum(own.map(({ pnl }) => Math.max(pnl, 0))),
        sum(own.map(({ pnl }) => Math.max(-pnl, 0))),
      ),
      avg_return_pct: round(sum(own.map(({ return_pct }) => return_pct)), 4),
      max_drawdown_pct: drawdown(own),
      notes: NOTES[side],
    };
  });
}

/** What the simulation as a whole came to, in the desktop's words: what its buckets say, and more. */
export function resultsOf({ symbol }: DatasetPlan, trades: readonly Trade[]): Readonly<Record<string, number>> {
  const [dual, long, short] = bucketsOf(trades);
  if (!dual || !long || !short) return {};
  return {
    total_return_pct: dual.avg_return_pct,
    profit_factor: dual.profit_factor,
    sharpe_ratio: sharpe(trades.map(({ return_pct }) => return_pct)),
    total_trades: dual.trade_count,
    winning_trades: dual.win_count,
    max_drawdown_pct: dual.max_drawdown_pct,
    long_return_pct: long.avg_return_pct,
    long_profit_factor: long.profit_factor,
    long_trades: long.trade_count,
    short_return_pct: short.avg_return_pct,
    short_profit_factor: short.profit_factor,
    short_trades: short.trade_count,
    buy_hold_return_pct: BUY_AND_HOLD_PCT[symbol],
  };
}

/** Mean by standard deviation of the trades' returns, times the root of 252 whatever the bar. */
function sharpe(returns: readonly number[]): number {
  const mean = sum(returns) / returns.length;
  const variance = sum(returns.map((value) => (value - mean) ** 2)) / (returns.length - 1);
  return round((mean / Math.sqrt(variance)) * Math.sqrt(252), 4);
}

/** The deepest fall of the summed returns from a peak, in percent. */
function drawdown(trades: readonly Trade[]): number {
  let [total, peak, deepest] = [0, 0, 0];
  for (const { return_pct } of trades) {
    total += return_pct;
    peak = Math.max(peak, total);
    deepest = Math.max(deepest, peak - total);
  }
  return round(deepest, 4);
}

import type { DatasetPlan, SimulationPlan } from "./demo.ts";

interface Trade {
  readonly bar_timestamp: string;
  readonly side: "long" | "short";
  readonly size: number;
  readonly entry_price: number;
  readonly exit_price: number;
  readonly pnl: number;
  readonly return_pct: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

interface Bucket {
  readonly side: "all" | "long" | "short";
  readonly trade_count: number;
  readonly win_count: number;
  /** Infinite without a loss. */
  readonly profit_factor: number;
  readonly avg_return_pct: number;
  readonly max_drawdown_pct: number;
  readonly notes: string | null;
}

/** Every trade puts in as much, in the quote currency. */
const STAKE = 1000;
const PRICES = { BTCUSDT: 84_000, ETHUSDT: 1_900, SOLUSDT: 130 };
const BAR_MS = { "1h": 3_600_000, "4h": 14_400_000 };

/** The trades of a simulation in the order of time, on bars of the last part of the dataset. */
export function tradesOf(dataset: DatasetPlan, { mode, returns }: SimulationPlan): Trade[] {
  const firstMs = Date.parse(dataset.first);
  const bars = (Date.parse(dataset.last) - firstMs) / BAR_MS[dataset.granularity];
  return returns.map((basisPoints, i) => {
    const bar = Math.floor(bars * (0.6 + (0.4 * i) / returns.length));
    const side = mode === "dual" ? (i % 2 === 0 ? "long" : "short") : mode;
    const entry = round(PRICES[dataset.symbol] * (1 + spread(i) / 200), 2);
    const exit = round(entry * (1 + (side === "long" ? basisPoints : -basisPoints) / 10_000), 6);
    const size = round(STAKE / entry, 6);
    return {
      bar_timestamp: new Date(firstMs + bar * BAR_MS[dataset.granularity]).toISOString(),
      side,
      size,
      entry_price: entry,
      exit_price: exit,
      pnl: round(size * (side === "long" ? exit - entry : entry - exit), 4),
      return_pct: basisPoints / 100,
      metadata: { signal: round(side === "long" ? 0.68 + spread(i) / 200 : 0.32 - spread(i) / 200, 3) },
    };
  });
}

/** The sums of trades: over all, and over each side that the simulation trades. None where nothing was traded. */
export function bucketsOf(trades: readonly Trade[], { mode }: SimulationPlan): Bucket[] {
  if (trades.length === 0) return [];
  const sides = mode === "dual" ? (["all", "long", "short"] as const) : (["all", mode] as const);
  return sides.map((side) => {
    const own = trades.filter((trade) => side === "all" || trade.side === side);
    const gains = sum(own.map(({ pnl }) => Math.max(pnl, 0)));
    const losses = sum(own.map(({ pnl }) => Math.max(-pnl, 0)));
    return {
      side,
      trade_count: own.length,
      win_count: own.filter(({ pnl }) => pnl > 0).length,
      profit_factor: losses === 0 ? Number.POSITIVE_INFINITY : round(gains / losses, 4),
      avg_return_pct: round(sum(own.map(({ return_pct }) => return_pct)) / own.length, 4),
      max_drawdown_pct: drawdown(own),
      notes: losses === 0 ? "No trade lost." : null,
    };
  });
}

/** What the simulation as a whole came to, as fractions of the stake. */
export function summaryOf(trades: readonly Trade[]): { total_return: number; max_drawdown: number } {
  return {
    total_return: round(sum(trades.map(({ return_pct }) => return_pct)) / 100, 4),
    max_drawdown: round(drawdown(trades) / 100, 4),
  };
}

/** The deepest fall of the summed returns from a peak, in percent: zero or negative. */
function drawdown(trades: readonly Trade[]): number {
  let [total, peak, deepest] = [0, 0, 0];
  for (const { return_pct } of trades) {
    total += return_pct;
    peak = Math.max(peak, total);
    deepest = Math.min(deepest, total - peak);
  }
  return round(deepest, 4);
}

/** −10 to 10, by a fixed rule: neighbours differ, and nothing is left to chance. */
export function spread(i: number): number {
  return ((i * 37) % 21) - 10;
}

/** To so many decimal places. */
export function round(value: number, places: number): number {
  return Number(value.toFixed(places));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

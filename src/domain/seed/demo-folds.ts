import type { RunPlan, WalkPlan } from "./demo.ts";
import { profitFactor, round, spread, sum } from "./numbers.ts";

/** Bars before the first training window. */
const INITIAL_OFFSET = 240;
/** Bars between a training window and its test window: no target of the one reaches into the other. */
const TRAIN_TEST_GAP = 4;

/** A fold's own columns of `walkforward_folds`; a window ends before the bar of its end index. */
export interface Fold {
  readonly fold_number: number;
  readonly train_start_idx: number;
  readonly train_end_idx: number;
  readonly test_start_idx: number;
  readonly test_end_idx: number;
  readonly samples_train: number;
  readonly samples_test: number;
  readonly best_iteration: number;
  readonly best_score: number;
  readonly thresholds: Thresholds;
  readonly metrics: Metrics;
}

type Thresholds = ReturnType<typeof thresholdsOf>;
type Metrics = ReturnType<typeof metricsOf>[number];

/** `walk_config`, as the desktop writes it: sizes in bars, and all folds that there is room for. */
export function walkConfig({ train, test }: WalkPlan) {
  return {
    train_size: train,
    test_size: test,
    train_test_gap: TRAIN_TEST_GAP,
    fold_step: test,
    start_fold: 0,
    end_fold: -1,
    initial_offset: INITIAL_OFFSET,
  };
}

/** Index of the first bar of a fold's test window. Test windows follow each other without a gap. */
export function testStart({ train, test }: WalkPlan, fold: number): number {
  return INITIAL_OFFSET + fold * test + train + TRAIN_TEST_GAP;
}

/** The folds that the run has done. */
export function foldsOf({ name, walk, outcome }: RunPlan): Fold[] {
  const done = outcome.status === "QUEUED" ? 0 : outcome.status === "COMPLETED" ? walk.folds : outcome.foldsDone;
  const score = outcome.status === "COMPLETED" ? outcome.rocAuc : 0.65;
  return metricsOf(name, walk, done).map((metrics, fold) => {
    const start = testStart(walk, fold);
    return {
      fold_number: fold,
      train_start_idx: start - TRAIN_TEST_GAP - walk.train,
      train_end_idx: start - TRAIN_TEST_GAP,
      test_start_idx: start,
      test_end_idx: start + walk.test,
      samples_train: walk.train,
      samples_test: walk.test,
      best_iteration: 180 + 7 * spread(fold),
      best_score: round(score + spread(fold) / 400, 4),
      thresholds: thresholdsOf(fold),
      metrics,
    };
  });
}

/** From which prediction on a fold signals: long above, short below. They lie between -1 and 1. */
function thresholdsOf(fold: number) {
  const [long, short] = [round(0.6 + spread(fold) / 500, 3), round(-0.58 + spread(fold + 4) / 500, 3)];
  const inBars = (threshold: number) => round(threshold / 40, 5);
  return {
    long_optimal: long,
    short_optimal: short,
    prediction_scaled: long,
    prediction_original: inBars(long),
    dynamic_positive: round(long / 2, 3),
    short_scaled: short,
    short_original: inBars(short),
    long_percentile: round(long + 0.12, 3),
    short_percentile: round(short - 0.14, 3),
  };
}

/** The metrics of so many folds: each sums up the signals of its test window, and the running sums go on. */
function metricsOf(run: string, { test }: WalkPlan, count: number) {
  const seed = [...run].reduce((total, character) => total + character.charCodeAt(0), 0);
  let [runningLong, runningShort] = [0, 0];
  return Array.from({ length: count }, (_, fold) => {
    const [long, short] = [signalsOf(seed + 3 * fold), signalsOf(seed + 5 * fold + 11)];
    runningLong = round(runningLong + long.sum, 2);
    runningShort = round(runningShort + short.sum, 2);
    return {
      hit_rate: long.hitRate,
      short_hit_rate: short.hitRate,
      profit_factor_train: round(1.9 + spread(fold + 5) / 50, 2),
      profit_factor_test: long.profitFactor,
      profit_factor_short_train: round(1.7 + spread(fold + 8) / 50, 2),
      profit_factor_short_test: short.profitFactor,
      n_signals: long.count,
      n_short_signals: short.count,
      signal_sum: long.sum,
      short_signal_sum: short.sum,
      signal_rate: round(long.count / test, 6),
      short_signal_rate: round(short.count / test, 6),
      sum_wins: long.wins,
      sum_losses: long.losses,
      sum_short_wins: short.wins,
      sum_short_losses: short.losses,
      running_sum: runningLong,
      running_sum_short: runningShort,
      running_sum_dual: round(runningLong + runningShort, 2),
      model_learned_nothing: false,
      used_cached_model: false,
    };
  });
}

/** Up to seven signals of one side in one test window, with what each came to in the quote currency. */
function signalsOf(seed: number) {
  const count = (spread(seed) + 10) % 8;
  const profits = Array.from({ length: count }, (_, i) => round(1.1 * spread(seed + 2 * i + 1) + 1.6, 2));
  const wins = profits.filter((profit) => profit > 0);
  const [won, lost] = [round(sum(wins), 2), round(sum(wins) - sum(profits), 2)];
  return {
    count,
    hitRate: count === 0 ? 0 : round(wins.length / count, 6),
    wins: won,
    losses: lost,
    sum: round(won - lost, 2),
    profitFactor: profitFactor(won, lost),
  };
}

/** What the folds of a run come to, in the desktop's words: sums over folds, and rates of these sums. */
export function summaryOf(folds: readonly Fold[]) {
  const total = (of: (metrics: Metrics) => number) => round(sum(folds.map(({ metrics }) => of(metrics))), 2);
  const [long, short] = [total((m) => m.n_signals), total((m) => m.n_short_signals)];
  const hits = total((m) => m.hit_rate * m.n_signals + m.short_hit_rate * m.n_short_signals);
  const [wins, losses] = [total((m) => m.sum_wins), total((m) => m.sum_losses)];
  const [shortWins, shortLosses] = [total((m) => m.sum_short_wins), total((m) => m.sum_short_losses)];
  const dual = profitFactor(wins + shortWins, losses + shortLosses);
  return {
    folds: folds.length,
    pf_dual: dual,
    pf_long: profitFactor(wins, losses),
    pf_short: profitFactor(shortWins, shortLosses),
    hit_rate_overall: round(hits / Math.max(1, long + short), 4),
    total_profit_factor: dual,
    total_signals: long + short,
    total_long_signals: long,
    total_short_signals: short,
  };
}

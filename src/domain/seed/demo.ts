// The demo lineage: what there is, as plain data. demo-rows.ts makes the rows of the tables from it.

export interface DatasetPlan {
  readonly slug: string;
  readonly symbol: "BTCUSDT" | "ETHUSDT" | "SOLUSDT";
  readonly granularity: "1h" | "4h";
  readonly source: string;
  /** Names of its QuestDB tables; '' is not exported yet. */
  readonly ohlcv: string;
  readonly indicator: string;
  /** Of both halves. */
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  readonly created: string;
  readonly runs: readonly RunPlan[];
}

export interface RunPlan {
  readonly name: string;
  readonly features: readonly string[];
  readonly hyperparameters: { readonly eta: number; readonly max_depth: number };
  readonly walk: WalkPlan;
  readonly created: string;
  readonly outcome: RunOutcome;
  readonly simulations: readonly SimulationPlan[];
}

/** Each fold trains on `train` bars, tests on `test` bars, and starts `test` bars after the last. */
export interface WalkPlan {
  /** How many there are to be. */
  readonly folds: number;
  readonly train: number;
  readonly test: number;
}

type RunOutcome =
  | { readonly status: "QUEUED" }
  | { readonly status: "RUNNING"; readonly foldsDone: number }
  | { readonly status: "INCOMPLETE"; readonly foldsDone: number; readonly durationMs: number }
  | { readonly status: "FAILED"; readonly foldsDone: number; readonly durationMs: number; readonly error: string }
  | { readonly status: "COMPLETED"; readonly durationMs: number; readonly rocAuc: number; readonly f1: number };

export interface SimulationPlan {
  readonly name: string;
  /** `dual` trades long and short by turns. */
  readonly mode: "long" | "short" | "dual";
  readonly created: string;
  readonly status: "COMPLETED" | "RUNNING" | "FAILED";
  /** The return of each trade on its stake, in basis points; the sums of the simulation follow from them. */
  readonly returns: readonly number[];
}

const HOURLY_SINCE_2023 = {
  granularity: "1h",
  rows: 17_544,
  first: "2023-04-05T00:00:00Z",
  last: "2025-04-04T23:00:00Z",
} as const;
const HOURLY_SINCE_2022 = {
  granularity: "1h",
  rows: 28_560,
  first: "2022-01-01T00:00:00Z",
  last: "2025-04-04T23:00:00Z",
} as const;
const FOUR_HOURLY_SINCE_2022 = {
  granularity: "4h",
  rows: 6576,
  first: "2022-04-05T00:00:00Z",
  last: "2025-04-04T20:00:00Z",
} as const;

export const DEMO: readonly DatasetPlan[] = [
  {
    slug: "btc25_1",
    symbol: "BTCUSDT",
    granularity: "4h",
    source: "chronosflow",
    ohlcv: "btc25_1_ohlcv",
    indicator: "btc25_1_ind",
    rows: 4320,
    first: "2025-01-01T00:00:00Z",
    last: "2025-04-05T00:00:00Z",
    created: "2025-04-05T08:12:04.318205Z",
    runs: [
      {
        name: "btc25_run1",
        features: ["hma_55", "rsi_14"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 6, train: 5000, test: 500 },
        created: "2025-04-05T09:00:11.402117Z",
        outcome: { status: "COMPLETED", durationMs: 465_000, rocAuc: 0.71, f1: 0.62 },
        simulations: [
          {
            name: "btc25_sim1",
            mode: "dual",
            created: "2025-04-05T09:21:40.051834Z",
            status: "COMPLETED",
            returns: [210, -90, 240, -120, -100, -90, 150, 210, -110, 230, -80, 190, 180],
          },
        ],
      },
    ],
  },
  {
    slug: "eth25_1",
    symbol: "ETHUSDT",
    granularity: "1h",
    source: "chronosflow",
    ohlcv: "eth25_1_ohlcv",
    indicator: "eth25_1_ind",
    rows: 8640,
    first: "2025-01-15T00:00:00Z",
    last: "2025-04-05T00:00:00Z",
    created: "2025-04-05T10:02:57.660412Z",
    runs: [
      {
        name: "eth25_run1",
        features: ["hma_55", "rsi_14", "atr_14"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 6, train: 5000, test: 500 },
        created: "2025-04-05T10:30:02.913377Z",
        outcome: { status: "COMPLETED", durationMs: 560_000, rocAuc: 0.74, f1: 0.64 },
        simulations: [
          {
            name: "eth25_sim1",
            mode: "long",
            created: "2025-04-05T10:48:31.270095Z",
            status: "COMPLETED",
            returns: [160, 120, -140, 200, -150, -90, -40, 260, 180, -60, 310, 200],
          },
        ],
      },
    ],
  },
  {
    // Its tables have the names of an older exporter.
    slug: "btc25_2",
    symbol: "BTCUSDT",
    source: "laptop_imgui",
    ohlcv: "btc25_2",
    indicator: "btc25_2_hm",
    ...HOURLY_SINCE_2023,
    created: "2025-04-06T07:45:19.004871Z",
    runs: [
      {
        name: "btc25_run2",
        features: ["hma_55", "hma_200", "rsi_14", "atr_14"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 12, train: 8000, test: 750 },
        created: "2025-04-06T08:10:44.731906Z",
        outcome: { status: "COMPLETED", durationMs: 1_284_310, rocAuc: 0.69, f1: 0.6 },
        simulations: [
          {
            name: "btc25_sim2",
            mode: "long",
            created: "2025-04-06T08:40:05.118420Z",
            status: "COMPLETED",
            returns: [85, -60, 120, 40, -95, 150, -30, 70, -110, 95],
          },
          {
            name: "btc25_sim3",
            mode: "short",
            created: "2025-04-06T08:52:17.640033Z",
            status: "COMPLETED",
            returns: [-75, 60, -40, 110, -130, -55, 90, -20],
          },
        ],
      },
      {
        name: "btc25_run3",
        features: ["hma_55", "rsi_14"],
        hyperparameters: { eta: 0.03, max_depth: 8 },
        walk: { folds: 24, train: 5000, test: 500 },
        created: "2025-04-07T06:30:51.275560Z",
        outcome: { status: "COMPLETED", durationMs: 2_911_742, rocAuc: 0.72, f1: 0.63 },
        simulations: [
          {
            name: "btc25_sim4",
            mode: "dual",
            created: "2025-04-07T07:31:12.889214Z",
            status: "COMPLETED",
            returns: [140, 90, -70, 130, -45, -85, 160, 75, -120, 55, 180, -35],
          },
        ],
      },
    ],
  },
  {
    slug: "btc25_3",
    symbol: "BTCUSDT",
    source: "chronosflow",
    ohlcv: "btc25_3_ohlcv",
    indicator: "btc25_3_ind",
    ...HOURLY_SINCE_2022,
    created: "2025-04-07T18:20:33.517662Z",
    runs: [
      {
        // As many folds as once arrived truncated, unnoticed.
        name: "btc25_run4",
        features: ["hma_55", "hma_200", "rsi_14", "atr_14", "obv"],
        hyperparameters: { eta: 0.1, max_depth: 4 },
        walk: { folds: 312, train: 2000, test: 84 },
        created: "2025-04-07T19:00:08.206391Z",
        outcome: { status: "COMPLETED", durationMs: 18_402_655, rocAuc: 0.66, f1: 0.58 },
        simulations: [
          {
            name: "btc25_sim5",
            mode: "dual",
            created: "2025-04-08T05:40:22.034719Z",
            status: "COMPLETED",
            returns: [
              60, -45, 80, -30, 95, 20, -110, 70, -65, 130, 45, -85, 55, -25, 100, -90, 35, 75, -50, 110, -15, 65, -70,
              40,
            ],
          },
        ],
      },
      {
        // Stopped by hand.
        name: "btc25_run5",
        features: ["hma_55", "rsi_14", "obv"],
        hyperparameters: { eta: 0.1, max_depth: 4 },
        walk: { folds: 312, train: 2000, test: 84 },
        created: "2025-04-08T06:14:27.905530Z",
        outcome: { status: "INCOMPLETE", foldsDone: 47, durationMs: 2_771_038 },
        simulations: [],
      },
    ],
  },
  {
    slug: "eth25_2",
    symbol: "ETHUSDT",
    source: "chronosflow",
    ohlcv: "eth25_2_ohlcv",
    indicator: "eth25_2_ind",
    ...FOUR_HOURLY_SINCE_2022,
    created: "2025-04-08T09:14:26.150948Z",
    runs: [
      {
        name: "eth25_run2",
        features: ["hma_55", "rsi_14", "atr_14"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 8, train: 2000, test: 500 },
        created: "2025-04-08T09:40:00.771203Z",
        outcome: { status: "COMPLETED", durationMs: 702_118, rocAuc: 0.75, f1: 0.66 },
        simulations: [
          {
            // No trade loses: the profit factor is 999.
            name: "eth25_sim2",
            mode: "long",
            created: "2025-04-08T10:02:48.493056Z",
            status: "COMPLETED",
            returns: [140, 95, 210, 60, 175],
          },
        ],
      },
      {
        name: "eth25_run3",
        features: ["hma_55", "rsi_14", "funding_rate"],
        hyperparameters: { eta: 0.3, max_depth: 12 },
        walk: { folds: 8, train: 2000, test: 500 },
        created: "2025-04-08T11:05:37.380214Z",
        outcome: {
          status: "FAILED",
          foldsDone: 2,
          durationMs: 131_907,
          error: "fold 2: column 'funding_rate' is all NaN; nothing to train on",
        },
        simulations: [],
      },
    ],
  },
  {
    slug: "eth25_3",
    symbol: "ETHUSDT",
    source: "chronosflow",
    ohlcv: "eth25_3_ohlcv",
    indicator: "eth25_3_ind",
    ...HOURLY_SINCE_2023,
    created: "2025-04-09T06:55:41.927730Z",
    runs: [
      {
        name: "eth25_run4",
        features: ["hma_55", "rsi_14", "atr_14"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 18, train: 8000, test: 500 },
        created: "2025-04-09T07:20:15.602188Z",
        outcome: { status: "COMPLETED", durationMs: 1_930_446, rocAuc: 0.7, f1: 0.61 },
        simulations: [
          {
            name: "eth25_sim3",
            mode: "short",
            created: "2025-04-09T08:01:33.745120Z",
            status: "COMPLETED",
            returns: [120, -80, 65, 150, -95, 40, -35, 105, -60],
          },
          {
            name: "eth25_sim4",
            mode: "dual",
            created: "2025-04-09T08:15:02.118846Z",
            status: "FAILED",
            returns: [],
          },
          {
            name: "eth25_sim5",
            mode: "dual",
            created: "2025-04-09T08:19:58.330471Z",
            status: "RUNNING",
            returns: [],
          },
        ],
      },
      {
        name: "eth25_run5",
        features: ["hma_55", "hma_200", "rsi_14", "atr_14"],
        hyperparameters: { eta: 0.03, max_depth: 8 },
        walk: { folds: 18, train: 8000, test: 500 },
        created: "2025-04-11T16:04:29.518003Z",
        outcome: { status: "RUNNING", foldsDone: 5 },
        simulations: [],
      },
    ],
  },
  {
    slug: "sol25_1",
    symbol: "SOLUSDT",
    source: "laptop_imgui",
    ohlcv: "sol25_1_ohlcv",
    indicator: "sol25_1_ind",
    ...HOURLY_SINCE_2023,
    created: "2025-04-10T12:31:07.244590Z",
    runs: [
      {
        name: "sol25_run1",
        features: ["hma_55", "rsi_14"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 16, train: 9000, test: 500 },
        created: "2025-04-10T13:00:42.080617Z",
        outcome: { status: "COMPLETED", durationMs: 1_655_290, rocAuc: 0.68, f1: 0.59 },
        simulations: [
          {
            name: "sol25_sim1",
            mode: "dual",
            created: "2025-04-10T13:40:19.466253Z",
            status: "COMPLETED",
            returns: [190, -160, -140, 230, 85, -120, 260, -75, -105, 140],
          },
          {
            name: "sol25_sim2",
            mode: "long",
            created: "2025-04-10T13:51:55.901348Z",
            status: "COMPLETED",
            returns: [-130, -95, 180, -60, 75, -150, 40],
          },
        ],
      },
      {
        name: "sol25_run2",
        features: ["hma_55", "rsi_14", "obv"],
        hyperparameters: { eta: 0.05, max_depth: 6 },
        walk: { folds: 16, train: 9000, test: 500 },
        created: "2025-04-11T16:05:10.093352Z",
        outcome: { status: "QUEUED" },
        simulations: [],
      },
    ],
  },
  {
    // Only its indicators are exported.
    slug: "sol25_2",
    symbol: "SOLUSDT",
    source: "laptop_imgui",
    ohlcv: "",
    indicator: "sol25_2_ind",
    ...FOUR_HOURLY_SINCE_2022,
    created: "2025-04-10T17:48:50.661029Z",
    runs: [
      {
        name: "sol25_run3",
        features: ["hma_55", "rsi_14"],
        hyperparameters: { eta: 0.1, max_depth: 4 },
        walk: { folds: 10, train: 1500, test: 480 },
        created: "2025-04-10T18:11:36.325874Z",
        outcome: { status: "COMPLETED", durationMs: 598_733, rocAuc: 0.64, f1: 0.55 },
        simulations: [
          {
            name: "sol25_sim3",
            mode: "dual",
            created: "2025-04-10T18:33:14.772501Z",
            status: "COMPLETED",
            returns: [110, -140, -60, 95, 170, -85, -30, 45],
          },
        ],
      },
    ],
  },
  {
    // Fresh: nothing has been run on it.
    slug: "sol25_3",
    symbol: "SOLUSDT",
    source: "chronosflow",
    ohlcv: "sol25_3_ohlcv",
    indicator: "sol25_3_ind",
    ...HOURLY_SINCE_2022,
    created: "2025-04-11T16:22:03.845116Z",
    runs: [],
  },
];

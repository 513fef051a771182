import { MEASUREMENT_ROLES, type MeasurementRole as Role } from "../domain/measurement.ts";
import type { Direction } from "../domain/page.ts";
import type { RunStatus as Status } from "../domain/run.ts";
import type { SimulationMode as Mode, TradeSide as Side } from "../domain/simulation.ts";
import { builder } from "./builder.ts";

type Described<Name extends string> = Record<Name, { description: string }>;

export const RunStatus = builder.enumType("RunStatus", {
  description: "How far a run or a simulation has come. Stored as free text, read without regard to case.",
  values: {
    PENDING: { description: "Planned, not handed over yet." },
    QUEUED: { description: "Handed over, waiting for its turn." },
    RUNNING: { description: "At work." },
    COMPLETED: { description: "Done, with results." },
    INCOMPLETE: { description: "Stopped before its end. What it had by then is stored." },
    FAILED: { description: "Ended by an error." },
    CANCELLED: { description: "Ended by a person." },
    UNKNOWN: { description: "The stored text is none of these." },
  } satisfies Described<Status>,
});

export const SimulationMode = builder.enumType("SimulationMode", {
  description: "Which sides a simulation trades. Stored as free text, read without regard to case.",
  values: {
    LONG: { description: "Buys first, only." },
    SHORT: { description: "Sells first, only." },
    DUAL: { description: "Both sides." },
    UNKNOWN: { description: "The stored text is none of these." },
  } satisfies Described<Mode>,
});

export const TradeSide = builder.enumType("TradeSide", {
  description: "The side of a trade, or of a bucket of trades. Read without regard to case.",
  values: {
    LONG: { description: "Bought first." },
    SHORT: { description: "Sold first." },
    ALL: { description: "Both sides together, of buckets only. Stored as `dual`, `both` or `all`." },
    UNKNOWN: { description: "The stored text is none of these." },
  } satisfies Described<Side>,
});

const ROLE_DESCRIPTIONS: Record<Role, string> = {
  OHLCV: "The bars of a dataset.",
  INDICATOR: "The indicators of a dataset.",
  PREDICTION: "The predictions of a walk-forward run.",
  SIMULATION: "The traces of a simulation.",
};

export const MeasurementRole = builder.enumType("MeasurementRole", {
  description: "What a QuestDB table holds.",
  values: Object.fromEntries(
    MEASUREMENT_ROLES.map((role) => [role, { description: ROLE_DESCRIPTIONS[role] }]),
  ) as Described<Role>,
});

export const OrderDirection = builder.enumType("OrderDirection", {
  description: "Which end comes first.",
  values: {
    ASC: { description: "Smallest, oldest or alphabetically first comes first." },
    DESC: { description: "Largest, newest or alphabetically last comes first." },
  } satisfies Described<Direction>,
});

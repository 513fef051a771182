/** −10 to 10, by a fixed rule: neighbours differ, and nothing is left to chance. */
export function spread(i: number): number {
  return ((i * 37) % 21) - 10;
}

/** To so many decimal places. */
export function round(value: number, places: number): number {
  return Number(value.toFixed(places));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Gains by losses, both positive; as the desktop has it, 999 without losses and 0 without either. */
export function profitFactor(gains: number, losses: number): number {
  if (losses > 0) return round(gains / losses, 4);
  return gains > 0 ? 999 : 0;
}

/** The numbers of a sample: short in JSON, and inside the bounds that the wire sets. */
import { metricAbsMax } from '../../wire/limits.ts';

/** `part` of `whole` in percent, 0 to 100, two decimals. `whole` is above 0. */
export function percentOf(part: number, whole: number): number {
  return Math.min(100, Math.max(0, hundredths((part / whole) * 100)));
}

/** Two decimals. Arithmetic, as `toFixed` makes a string on every call. */
export function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A whole amount (bytes, bytes a second). A broken driver's 2^64 must not void the whole sample. */
export function wholeAmount(value: number): number {
  return Math.min(metricAbsMax, Math.max(0, Math.round(value)));
}

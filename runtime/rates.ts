/**
 * Counters become rates here, and only here. Pure: no clock, no I/O.
 *
 * Invariant: a rate is never negative, and it is given only where two readings of the same
 * counter say what happened between them. Everything else is a gap with its reason, never 0.
 */

/** When a reading was taken. `wallMs` is left out where the two clocks cannot be told apart. */
export interface Moment {
  /** Time that does not jump; a sender's timestamps stand in where they are all there is. */
  readonly monotonicMs: number;
  /** Milliseconds since the epoch, taken together with `monotonicMs`. */
  readonly wallMs?: number;
}

/** Why there is no rate. */
export type Gap =
  /** There is no earlier reading to compare with. */
  | 'first_reading'
  /** The counter went back: its owner restarted. */
  | 'reset'
  /** The machine slept in between. */
  | 'suspended'
  /** No time, or negative time, lies between the readings. */
  | 'no_time_passed';

export type Interval = { readonly elapsedMs: number } | { readonly unavailable: Gap };
export type Rate = { readonly perSecond: number } | { readonly unavailable: Gap };

/**
 * Wall time may gain this much on monotonic time in one interval before it counts as a suspend.
 * Twice what a clock slewed at 500 ppm gains in half an hour, and less than any real sleep.
 */
export const suspendMsMin = 2_000;

/** A 32-bit counter continues from 0 after this value. */
const wrapAt = 2 ** 32;
/**
 * The largest rate at which a counter that went back may be believed to have wrapped: 1 Gbit/s in
 * bytes. Above it a 32-bit counter wraps too often to be read at all.
 */
export const wrapPerSecondMax = 125_000_000;

/** The time between two readings of one counter, or why nothing can be said about it. */
export function intervalBetween(previous: Moment | undefined, current: Moment): Interval {
  if (previous === undefined) return { unavailable: 'first_reading' };
  const elapsedMs = current.monotonicMs - previous.monotonicMs;
  if (slept(previous, current, elapsedMs)) return { unavailable: 'suspended' };
  return elapsedMs > 0 ? { elapsedMs } : { unavailable: 'no_time_passed' };
}

/**
 * Units per second from `previous` to `current` over `interval`.
 *
 * A counter that went back has wrapped only if all of this holds: it was below 2^32, the way round
 * is less than half of that range (RFC 1982's order of serial numbers), and the implied rate is at
 * most `wrapPerSecondMax`. Otherwise it is a reset: a missed wrap costs one gap in a chart, an
 * invented one a spike that fires alerts.
 */
export function rateOver(interval: Interval, previous: number, current: number): Rate {
  if ('unavailable' in interval) return interval;
  const seconds = interval.elapsedMs / 1000;
  if (current >= previous) return { perSecond: (current - previous) / seconds };
  const wrapped = current + wrapAt - previous;
  const plausible =
    previous < wrapAt && wrapped < wrapAt / 2 && wrapped / seconds <= wrapPerSecondMax;
  return plausible ? { perSecond: wrapped / seconds } : { unavailable: 'reset' };
}

/** Linux's and Windows' monotonic clocks stand still while the machine sleeps; wall time goes on. */
function slept(previous: Moment, current: Moment, elapsedMs: number): boolean {
  if (previous.wallMs === undefined || current.wallMs === undefined) return false;
  return current.wallMs - previous.wallMs - elapsedMs > suspendMsMin;
}

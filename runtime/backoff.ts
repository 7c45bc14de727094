/**
 * Full-jitter backoff: the wait before attempt n is uniform in [0, min(cap, base × 2ⁿ)), so that a
 * thousand senders that lost the same receiver do not come back in step.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * @param attempt 0 for the first retry
 * @param random uniform in [0, 1)
 */
export function fullJitterMs(
  attempt: number,
  { baseMs, capMs }: BackoffLimits,
  random: () => number,
): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}

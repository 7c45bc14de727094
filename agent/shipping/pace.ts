/**
 * How fast a backlog drains. A collector to which a thousand agents come back must serve their
 * live samples first, so each agent leaves it most of the time: a day's samples still arrive in
 * two and a half minutes when it answers quickly.
 */

const recordsPerSecondMax = 600;

/**
 * The wait after a batch of the backlog.
 * @param tookMs until the collector acknowledged it: at least as long it is left alone, so that a
 *   slow collector gets no more than half of its time taken
 */
export function pauseAfterMs(records: number, tookMs: number): number {
  return Math.max(tookMs, (records / recordsPerSecondMax) * 1_000 - tookMs);
}

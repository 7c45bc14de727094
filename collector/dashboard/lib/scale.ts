/** The vertical scale of a chart, and how wide a gap breaks a line. Pure. */

/** Tops whose quarters are short numbers. */
const tops = [1, 2, 4, 6, 8, 10];

/**
 * The smallest round number at or above `value`, and not below `floor`: a scale that moves seldom,
 * and does not blow an idle machine's few bytes up to the full height.
 */
export function scaleTop(value: number | null, floor: number): number {
  if (value === null || !(value > floor)) return floor;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  // Not every product is exact (0.3 = 3 × 0.1), hence the hair's breadth.
  const top = tops.find((each) => each * magnitude * (1 + 1e-9) >= value) ?? 10;
  return top * magnitude;
}

export function quarters(top: number): number[] {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => part * top);
}

/** Points may lie this many of their usual distances apart before the line between them breaks. */
const missedBeforeGap = 3;
const gapMsMin = 10_000;

/**
 * Time without a point that breaks a line. The grid is finer than many agents sample (one a minute,
 * say), so an empty step alone is no gap: the line's own usual distance decides.
 */
export function gapMs(column: ArrayLike<number | null | undefined>, stepMs: number): number {
  return Math.max(gapMsMin, missedBeforeGap * usualSteps(column) * stepMs);
}

/**
 * The slowest rhythm that the line keeps for three distances in a row: samples and, from the time
 * that the server was another collector's, windows may follow one another in it. A hole is no rhythm.
 */
function usualSteps(column: ArrayLike<number | null | undefined>): number {
  let slowest = 0;
  let shortest = Number.POSITIVE_INFINITY;
  let previous = -1;
  let [before, beforeThat] = [0, 0];
  for (let index = 0; index < column.length; index += 1) {
    if (typeof column[index] !== 'number') continue;
    if (previous >= 0) {
      const distance = index - previous;
      shortest = Math.min(shortest, distance);
      slowest = Math.max(slowest, Math.min(distance, before, beforeThat));
      [before, beforeThat] = [distance, before];
    }
    previous = index;
  }
  if (slowest > 0) return slowest;
  return Number.isFinite(shortest) ? shortest : 1;
}

/** Sums of the columns from the first on: the upper edges of stacked areas; null where none is known. */
export function stack(columns: readonly (readonly (number | null)[])[]): (number | null)[][] {
  let below: (number | null)[] = [];
  return columns.map((column) => {
    below = column.map((value, index) => {
      const base = below[index] ?? null;
      return value === null ? base : (base ?? 0) + value;
    });
    return below;
  });
}

/**
 * At each time the mean of the lines. Between two of its points a line counts with the earlier one:
 * servers do not sample in the same moment, and the mean of those that happened to would flutter.
 */
export function average(
  columns: readonly (readonly (number | null)[])[],
  stepMs: number,
): (number | null)[] {
  const length = columns[0]?.length ?? 0;
  const sums = Array.from({ length }, () => 0);
  const known = Array.from({ length }, () => 0);
  for (const column of columns) {
    const stepsMax = gapMs(column, stepMs) / stepMs;
    let value = 0;
    let seen = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < length; index += 1) {
      const own = column[index] ?? null;
      if (own !== null) {
        value = own;
        seen = index;
      }
      if (index - seen > stepsMax) continue;
      sums[index] = (sums[index] ?? 0) + value;
      known[index] = (known[index] ?? 0) + 1;
    }
  }
  return sums.map((sum, index) => (known[index] === 0 ? null : sum / (known[index] ?? 1)));
}

/** The newest value of a line, unless the line has stopped: then null. */
export function latest(column: readonly (number | null)[], stepMs: number): number | null {
  const stepsMax = Math.ceil(gapMs(column, stepMs) / stepMs) + 1;
  for (let back = 1; back <= Math.min(stepsMax, column.length); back += 1) {
    const value = column[column.length - back] ?? null;
    if (value !== null) return value;
  }
  return null;
}

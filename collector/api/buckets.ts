/** Points of a chart, made of samples and of windows. Pure. */
import { METRICS } from '../../wire/metrics.ts';
import type { Bucket, WindowBucket } from '../store/queries.ts';

/** Those of samples, and between them the windows of which no sample is here. All by time. */
export function withWindows(
  samples: readonly Bucket[],
  windows: readonly WindowBucket[],
): Bucket[] {
  let next = 0;
  const missing = windows.filter(({ startMs, endMs }) => {
    // Windows begin one after the other, so what lies before this one lies before the next.
    while (next < samples.length && (samples[next]?.ts ?? 0) < startMs) next += 1;
    return (samples[next]?.ts ?? Infinity) >= endMs;
  });
  return [...samples, ...missing].sort((one, other) => one.ts - other.ts);
}

/** Mean of the means and maximum of the maxima, in METRICS order; null where there was none. */
export function summaryOfBuckets(buckets: readonly Bucket[]): Omit<Bucket, 'ts'> {
  const known = (of: keyof Omit<Bucket, 'ts'>, metric: number): number[] =>
    buckets.map((bucket) => bucket[of][metric] ?? null).filter((value) => value !== null);
  return {
    means: METRICS.map((_, metric) => {
      const values = known('means', metric);
      if (values.length === 0) return null;
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    }),
    maxima: METRICS.map((_, metric) => {
      const values = known('maxima', metric);
      return values.length === 0 ? null : Math.max(...values);
    }),
  };
}

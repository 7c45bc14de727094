/**
 * Aggregates as the store keeps them: a JSON array in METRICS order, each entry null or
 * [count, sum, min, max, avg, last, p50, p95, p99]. Doubles keep every digit in JSON.
 */
import type { Aggregate } from '../windows/window.ts';

type Packed = readonly [
  count: number,
  sum: number,
  min: number,
  max: number,
  avg: number,
  last: number,
  p50: number | null,
  p95: number | null,
  p99: number | null,
];

export function packAggregates(aggregates: readonly (Aggregate | null)[]): string {
  return JSON.stringify(
    aggregates.map((a) =>
      a === null ? null : [a.count, a.sum, a.min, a.max, a.avg, a.last, a.p50, a.p95, a.p99],
    ),
  );
}

export function unpackAggregates(text: string): (Aggregate | null)[] {
  const packed = JSON.parse(text) as (Packed | null)[];
  return packed.map((entry) => {
    if (entry === null) return null;
    const [count, sum, min, max, avg, last, p50, p95, p99] = entry;
    return { count, sum, min, max, avg, last, p50, p95, p99 };
  });
}

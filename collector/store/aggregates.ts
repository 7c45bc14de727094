/**
 * Aggregates as the store keeps them: a JSON array in METRICS order, each entry null or
 * [count, sum, min, max, avg, last, p50, p95, p99]; of the fleet
 * [servers, avg, min, max, p50, p95, p99, peak, sum]. Doubles keep every digit in JSON.
 */
import type { FleetAggregate } from '../windows/fleet.ts';
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

type PackedFleet = readonly [
  servers: number,
  avg: number,
  min: number,
  max: number,
  p50: number,
  p95: number,
  p99: number,
  peak: number,
  sum: number,
];

export function packFleet(aggregates: readonly (FleetAggregate | null)[]): string {
  return JSON.stringify(
    aggregates.map((a) =>
      a === null ? null : [a.servers, a.avg, a.min, a.max, a.p50, a.p95, a.p99, a.peak, a.sum],
    ),
  );
}

export function unpackFleet(text: string): (FleetAggregate | null)[] {
  const packed = JSON.parse(text) as (PackedFleet | null)[];
  return packed.map((entry) => {
    if (entry === null) return null;
    const [servers, avg, min, max, p50, p95, p99, peak, sum] = entry;
    return { servers, avg, min, max, p50, p95, p99, peak, sum };
  });
}

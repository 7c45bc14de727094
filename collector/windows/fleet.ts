/**
 * One window over many servers. A server counts once however often it samples, so the quantiles
 * are those of the servers' averages, not of their samples.
 */
import { assert } from './assert.ts';
import { ExactSum } from './exact-sum.ts';
import { nearestRank } from './quantile.ts';
import type { Aggregate, ServerWindow } from './window.ts';

export type FleetInput = Pick<ServerWindow, 'startMs' | 'endMs' | 'samples' | 'aggregates'>;

/** One metric over the servers that have it in this window. */
export interface FleetAggregate {
  /** Servers with a value. */
  readonly servers: number;
  /** Mean of the servers' averages (their exact sum, rounded once, divided by `servers`). */
  readonly avg: number;
  /** Smallest, largest and nearest-rank quantiles of the servers' averages. */
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Largest single value of any server. */
  readonly peak: number;
  /** Exact sum of the servers' sums as they stand in their windows, rounded once. */
  readonly sum: number;
}

/** The figures of a FleetAggregate, in the order in which they are stored and exported. Append-only. */
export const FLEET_AGGREGATES = [
  'servers',
  'avg',
  'min',
  'max',
  'p50',
  'p95',
  'p99',
  'peak',
  'sum',
] as const satisfies readonly (keyof FleetAggregate)[];

export interface FleetWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly servers: number;
  readonly samples: number;
  /** In the order of the metrics; null when no server has that one. */
  readonly aggregates: readonly (FleetAggregate | null)[];
}

/**
 * Merges one window of each server into one of the fleet; the order of the servers never shows.
 * All must have the same start and end, hence equal origins. Without any there is no window.
 */
export function mergeFleet(windows: readonly FleetInput[]): FleetWindow | null {
  const [first] = windows;
  if (!first) return null;
  const { startMs, endMs } = first;
  let samples = 0;
  for (const window of windows) {
    assert(window.startMs === startMs && window.endMs === endMs, 'a fleet shares one window');
    samples += window.samples;
  }
  const aggregates = first.aggregates.map((_, metric) => {
    const present = windows.map((window) => window.aggregates[metric] ?? null);
    return mergeMetric(present.filter((aggregate) => aggregate !== null));
  });
  return { startMs, endMs, servers: windows.length, samples, aggregates };
}

function mergeMetric(aggregates: readonly Aggregate[]): FleetAggregate | null {
  const servers = aggregates.length;
  if (servers === 0) return null;
  const averages = Float64Array.from(aggregates, ({ avg }) => avg).sort();
  return {
    servers,
    avg: exactSum(averages) / servers,
    min: averages[0]!,
    max: averages[servers - 1]!,
    p50: nearestRank(averages, servers, 50),
    p95: nearestRank(averages, servers, 95),
    p99: nearestRank(averages, servers, 99),
    peak: aggregates.reduce((peak, { max }) => Math.max(peak, max), -Infinity),
    sum: exactSum(aggregates.map(({ sum }) => sum)),
  };
}

function exactSum(values: Iterable<number>): number {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum.rounded();
}

/**
 * One window over many servers. A server counts once however often it samples, so the quantiles
 * are those of the servers' averages, not of their samples.
 */
import { ExactSum } from './exact-sum.ts';
import { nearestRank } from './quantile.ts';

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
 * Merges one window of each server into one of the fleet, server by server, as there may be tens of
 * thousands; their order never shows. All must have the same start and end, hence equal origins.
 */
export class FleetMerger {
  #servers = 0;
  #samples = 0;
  readonly #metrics: MetricMerger[] = [];

  /** The next server. @param metricCount as many as its window has, absent ones included */
  addServer(samples: number, metricCount: number): void {
    this.#servers++;
    this.#samples += samples;
    while (this.#metrics.length < metricCount) this.#metrics.push(new MetricMerger());
  }

  /** One of its metrics that is not absent. */
  addMetric(metric: number, sum: number, max: number, avg: number): void {
    this.#metrics[metric]!.add(sum, max, avg);
  }

  /** @returns null when there is no server */
  merged(startMs: number, endMs: number): FleetWindow | null {
    if (this.#servers === 0) return null;
    const aggregates = this.#metrics.map((metric) => metric.merged());
    return { startMs, endMs, servers: this.#servers, samples: this.#samples, aggregates };
  }
}

class MetricMerger {
  #servers = 0;
  #averages = new Float64Array(16);
  readonly #sum = new ExactSum();
  #peak = -Infinity;

  add(sum: number, max: number, avg: number): void {
    if (this.#servers === this.#averages.length) this.#grow();
    this.#averages[this.#servers++] = avg;
    this.#sum.add(sum);
    this.#peak = Math.max(this.#peak, max);
  }

  merged(): FleetAggregate | null {
    const servers = this.#servers;
    if (servers === 0) return null;
    const averages = this.#averages.subarray(0, servers).sort();
    return {
      servers,
      avg: exactSum(averages) / servers,
      min: averages[0]!,
      max: averages[servers - 1]!,
      p50: nearestRank(averages, servers, 50),
      p95: nearestRank(averages, servers, 95),
      p99: nearestRank(averages, servers, 99),
      peak: this.#peak,
      sum: this.#sum.rounded(),
    };
  }

  #grow(): void {
    const averages = new Float64Array(this.#averages.length * 2);
    averages.set(this.#averages);
    this.#averages = averages;
  }
}

function exactSum(values: Float64Array): number {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum.rounded();
}

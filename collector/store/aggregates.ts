/**
 * Aggregates as the store keeps them: a JSON array in METRICS order, each entry null or the
 * figures in the order of AGGREGATES, or of FLEET_AGGREGATES. Doubles keep every digit in JSON.
 */
import { FLEET_AGGREGATES, type FleetAggregate, type FleetMerger } from '../windows/fleet.ts';
import { type Aggregate, AGGREGATES } from '../windows/window.ts';

type Figures = readonly (number | null)[];

export function packAggregates(aggregates: readonly (Aggregate | null)[]): string {
  return JSON.stringify(aggregates.map((entry) => entry && figuresOf(entry)));
}

export function unpackAggregates(text: string): (Aggregate | null)[] {
  return unpack(text).map((figures) => figures && aggregateOf(figures));
}

const SUM = AGGREGATES.indexOf('sum');
const MAX = AGGREGATES.indexOf('max');
const AVG = AGGREGATES.indexOf('avg');

/** Adds a server's window to one of the fleet, with what that takes of it alone. */
export function mergeServer(merger: FleetMerger, samples: number, text: string): void {
  const packed = unpack(text);
  merger.addServer(samples, packed.length);
  packed.forEach((figures, metric) => {
    // Of these three none is ever null.
    if (figures) merger.addMetric(metric, figures[SUM]!, figures[MAX]!, figures[AVG]!);
  });
}

export function packFleet(aggregates: readonly (FleetAggregate | null)[]): string {
  const packed = aggregates.map((entry) => entry && FLEET_AGGREGATES.map((name) => entry[name]));
  return JSON.stringify(packed);
}

export function unpackFleet(text: string): (FleetAggregate | null)[] {
  return unpack(text).map((figures) => {
    if (figures === null) return null;
    const entries = FLEET_AGGREGATES.map((name, i) => [name, figures[i] ?? null] as const);
    return Object.fromEntries(entries) as unknown as FleetAggregate;
  });
}

function unpack(text: string): (Figures | null)[] {
  return JSON.parse(text) as (Figures | null)[];
}

// Written out, and a fourth of the time: it is done with every window.
function figuresOf({ count, sum, min, max, avg, last, p50, p95, p99 }: Aggregate): Figures {
  return [count, sum, min, max, avg, last, p50, p95, p99];
}

function aggregateOf(figures: Figures): Aggregate {
  const [count, sum, min, max, avg, last, p50 = null, p95 = null, p99 = null] = figures;
  return { count, sum, min, max, avg, last, p50, p95, p99 } as Aggregate;
}

/**
 * Aggregates as the store keeps them.
 *
 * A server's window, in `windows.figures`: the metrics in METRICS order, one behind the other, as
 * doubles of eight bytes, little-endian.
 *
 *   a metric that is there   its nine figures in the order of AGGREGATES, a null one as NaN
 *   a metric that is absent  0 in the place of its count, and nothing else of it
 *
 * No figure is NaN and no count 0, so both are unambiguous. Metrics behind the last one are absent:
 * those are what METRICS got since the row was written.
 *
 * A row from before that column was there has JSON in `windows.aggregates`: an array in METRICS
 * order, each entry null or the figures in the order of AGGREGATES. The fleet's windows, one where
 * servers have thousands, are such JSON too, in the order of FLEET_AGGREGATES.
 */
import { METRICS } from '../../wire/metrics.ts';
import { FLEET_AGGREGATES, type FleetAggregate, type FleetMerger } from '../windows/fleet.ts';
import { type Aggregate, AGGREGATES } from '../windows/window.ts';

type Row = Readonly<Record<string, unknown>>;
type Figures = readonly (number | null)[];

/** Nine for good: bytes do not tell how many figures a metric has, so another one needs a column of its own. */
const width: 9 = AGGREGATES.length;
const SUM = AGGREGATES.indexOf('sum');
const MAX = AGGREGATES.indexOf('max');
const AVG = AGGREGATES.indexOf('avg');

/** The window at hand, as it is stored. Nothing in it outlives a call: it is done with every window. */
const figures = new Float64Array(METRICS.length * width);
const bytes = new Uint8Array(figures.buffer);
/** The first so many doubles of it as bytes, made when first needed. */
const bytesOf: Uint8Array[] = [];
/** Where each metric of the window that was read last begins; -1: absent. */
const begins = new Int32Array(METRICS.length);

/** For `windows.figures`. @returns bytes that the next call overwrites; binding them copies them */
export function packAggregates(aggregates: readonly (Aggregate | null)[]): Uint8Array {
  let at = 0;
  for (const entry of aggregates) {
    if (entry === null) {
      figures[at++] = 0;
      continue;
    }
    // Written out, in the order of AGGREGATES.
    figures[at] = entry.count;
    figures[at + 1] = entry.sum;
    figures[at + 2] = entry.min;
    figures[at + 3] = entry.max;
    figures[at + 4] = entry.avg;
    figures[at + 5] = entry.last;
    figures[at + 6] = entry.p50 ?? Number.NaN;
    figures[at + 7] = entry.p95 ?? Number.NaN;
    figures[at + 8] = entry.p99 ?? Number.NaN;
    at += width;
  }
  return (bytesOf[at] ??= new Uint8Array(figures.buffer, 0, at * figures.BYTES_PER_ELEMENT));
}

/** @param row of `windows`; a store that only an earlier windrow has opened has no `figures` */
export function unpackAggregates(row: Row): (Aggregate | null)[] {
  const metrics = read(row['figures'] ?? row['aggregates']);
  return Array.from({ length: metrics }, (_, metric) => aggregateAt(begins[metric]!));
}

/**
 * Adds a server's window to one of the fleet, with what that takes of it alone.
 * @param stored `ifnull(figures, aggregates)` of its row
 */
export function mergeServer(merger: FleetMerger, samples: number, stored: unknown): void {
  const metrics = read(stored);
  merger.addServer(samples, metrics);
  for (let metric = 0; metric < metrics; metric += 1) {
    const at = begins[metric]!;
    // Of these three none is ever null.
    if (at >= 0)
      merger.addMetric(metric, figures[at + SUM]!, figures[at + MAX]!, figures[at + AVG]!);
  }
}

export function packFleet(aggregates: readonly (FleetAggregate | null)[]): string {
  const packed = aggregates.map((entry) => entry && FLEET_AGGREGATES.map((name) => entry[name]));
  return JSON.stringify(packed);
}

export function unpackFleet(text: string): (FleetAggregate | null)[] {
  return parsed(text).map((entry) => {
    if (entry === null) return null;
    const entries = FLEET_AGGREGATES.map((name, i) => [name, entry[i] ?? null] as const);
    return Object.fromEntries(entries) as unknown as FleetAggregate;
  });
}

function parsed(text: string): (Figures | null)[] {
  return JSON.parse(text) as (Figures | null)[];
}

/** Makes a stored window the one at hand. @returns how many metrics it has, absent ones included */
function read(stored: unknown): number {
  const length = stored instanceof Uint8Array ? copied(stored) : converted(String(stored));
  let at = 0;
  let metric = 0;
  for (; at < length && metric < METRICS.length; metric += 1) {
    const isThere = figures[at] !== 0;
    begins[metric] = isThere ? at : -1;
    at += isThere ? width : 1;
  }
  if (at !== length) throw damaged();
  return metric;
}

/** @returns how many doubles there are now, no whole number if bytes are missing */
function copied(stored: Uint8Array): number {
  if (stored.length > bytes.length) throw damaged();
  bytes.set(stored);
  return stored.length / figures.BYTES_PER_ELEMENT;
}

function converted(text: string): number {
  let at = 0;
  for (const entry of parsed(text)) {
    if (entry === null) figures[at++] = 0;
    else for (let i = 0; i < width; i += 1) figures[at++] = entry[i] ?? Number.NaN;
  }
  return at;
}

function damaged(): Error {
  return new Error('a stored window is damaged: its figures end where no metric does');
}

function aggregateAt(at: number): Aggregate | null {
  if (at < 0) return null;
  return {
    count: figures[at]!,
    sum: figures[at + 1]!,
    min: figures[at + 2]!,
    max: figures[at + 3]!,
    avg: figures[at + 4]!,
    last: figures[at + 5]!,
    p50: orNull(figures[at + 6]!),
    p95: orNull(figures[at + 7]!),
    p99: orNull(figures[at + 8]!),
  };
}

function orNull(figure: number): number | null {
  return Number.isNaN(figure) ? null : figure;
}

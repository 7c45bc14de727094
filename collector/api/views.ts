/** The page's views, made from the sources in memory and the history in the store. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../runtime/clock.ts';
import { VERSION } from '../../runtime/version.ts';
import { METRICS } from '../../wire/metrics.ts';
import type { Inventory } from '../../wire/records/inventory.ts';
import type { Sample } from '../../wire/records/sample.ts';
import type { Registry } from '../ingest/registry.ts';
import type { Source } from '../ingest/source.ts';
import {
  type Bucket,
  DETAIL_LINES,
  type DetailLine,
  type Queries,
  type Span,
} from '../store/queries.ts';
import type { FleetSeries, FleetView, ServerSeries, ServerView } from './contract.ts';
import { summaryOfBuckets, withWindows } from './buckets.ts';
import { composeSample, deliveryOf, stateOf, summaryOf } from './present.ts';

export const RANGES_MINUTES = [5, 15, 60] as const;
export type RangeMinutes = (typeof RANGES_MINUTES)[number];

/** Steps that keep a chart at 300 to 360 points. */
const STEP_MS: Readonly<Record<RangeMinutes, number>> = { 5: 1_000, 15: 3_000, 60: 10_000 };
const fleetServersMax = 1_000;
/** Lines of the fleet's charts. */
const fleetLinesMax = 200;
/** Top processes older than this tell nothing about now. */
const processesAgeMsMax = 10 * 60 * 1000;

const DETAIL_LINE_NAMES = Object.keys(DETAIL_LINES) as DetailLine[];

const CPU = METRICS.indexOf('cpu_pct');
const MEM = METRICS.indexOf('mem_pct');

export class Views {
  readonly #registry: Registry;
  readonly #queries: Queries;
  readonly #clock: Clock;

  constructor(registry: Registry, queries: Queries, clock: Clock) {
    this.#registry = registry;
    this.#queries = queries;
    this.#clock = clock;
  }

  fleet(): FleetView {
    const now = this.#clock.wallMs();
    const newestFirst = [...this.#registry.all()]
      .filter((source) => !source.decommissioned)
      .sort((a, b) => b.lastSeenMs - a.lastSeenMs);
    return {
      version: VERSION,
      now,
      metrics: METRICS,
      servers: newestFirst
        .slice(0, fleetServersMax)
        .map((source) => summaryOf(source, this.#clock)),
    };
  }

  async fleetSeries(minutes: RangeMinutes): Promise<FleetSeries> {
    const nowMs = this.#clock.wallMs();
    const stepMs = STEP_MS[minutes];
    const span = spanEndingAt(nowMs, minutes);
    const times = timesOf(span, stepMs);
    const servers: FleetSeries['servers'][number][] = [];
    for (const [i, source] of this.#seenNow(nowMs).entries()) {
      const drawn = i < fleetLinesMax;
      const shared = isShared(source);
      const buckets = drawn || shared ? this.#buckets(source, span, stepMs) : [];
      const { means, maxima } = shared
        ? summaryOfBuckets(buckets)
        : this.#queries.summary(source.sourceNo, span);
      servers.push({
        id: source.sourceNo,
        server_id: source.serverId,
        cpu: drawn ? spread(times, buckets, (bucket) => bucket.means[CPU]) : [],
        mem: drawn ? spread(times, buckets, (bucket) => bucket.means[MEM]) : [],
        cpu_summary: { avg: means[CPU] ?? null, max: maxima[CPU] ?? null },
        mem_summary: { avg: means[MEM] ?? null, max: maxima[MEM] ?? null },
      });
      // Each server costs milliseconds; ingest goes on between them.
      await nextTurn();
    }
    return { times, step_ms: stepMs, servers };
  }

  server(id: number): ServerView | undefined {
    const source = this.#registry.get(id);
    if (source === undefined) return undefined;
    const inventory = this.#queries.inventory(id);
    return {
      summary: summaryOf(source, this.#clock),
      delivery: deliveryOf(source),
      inventory: inventory === undefined ? null : (JSON.parse(inventory) as Inventory),
      sample: this.#newestSample(source),
      processes: this.#newestProcesses(source),
    };
  }

  serverSeries(id: number, minutes: RangeMinutes): ServerSeries | undefined {
    const source = this.#registry.get(id);
    if (source === undefined) return undefined;
    const stepMs = STEP_MS[minutes];
    const nowMs = this.#clock.wallMs();
    // A server that is gone, and a replayed one, shows its own last minutes.
    const isLive = stateOf(source, nowMs) === 'up' && !source.replayed;
    const ownEnd = !isLive && Number.isFinite(source.newestMs);
    const span = spanEndingAt(ownEnd ? source.newestMs + 1 : nowMs, minutes);
    const times = timesOf(span, stepMs);
    const buckets = this.#buckets(source, span, stepMs);
    const values: Partial<Record<keyof ServerSeries['values'], (number | null)[]>> = {};
    METRICS.forEach((metric, i) => {
      values[metric] = spread(times, buckets, (bucket) => bucket.means[i]);
    });
    const details = this.#queries.detailBuckets(id, span, stepMs);
    for (const line of DETAIL_LINE_NAMES) {
      values[line] = spread(times, details, (bucket) => bucket[line]);
    }
    return { times, step_ms: stepMs, values: values as ServerSeries['values'] };
  }

  /** Where its samples went to another collector, its windows stand for them. */
  #buckets(source: Source, span: Span, stepMs: number): Bucket[] {
    const samples = this.#queries.buckets(source.sourceNo, span, stepMs);
    if (!isShared(source)) return samples;
    return withWindows(samples, this.#queries.windows(source.sourceNo, span, stepMs));
  }

  #seenNow(nowMs: number): Source[] {
    return [...this.#registry.all()]
      .filter((source) => !source.replayed && stateOf(source, nowMs) === 'up')
      .sort((a, b) => (a.serverId < b.serverId ? -1 : 1))
      .slice(0, fleetServersMax);
  }

  #newestSample(source: Source): Sample | null {
    const newest = this.#queries.newestSample(source.sourceNo);
    if (newest === undefined) return null;
    const detail = this.#queries.newestDetail(source.sourceNo);
    return composeSample({
      serverId: source.serverId,
      ...newest,
      detail: detail?.ts === newest.tsMs ? detail.body : undefined,
    });
  }

  #newestProcesses(source: Source): ServerView['processes'] {
    const fromMs = source.newestMs - processesAgeMsMax;
    const found = this.#queries.newestProcesses(source.sourceNo, fromMs);
    if (found === undefined) return null;
    const { processes } = JSON.parse(found.body) as Partial<Sample>;
    return processes === undefined ? null : { ts: found.ts, list: processes };
  }
}

/** It is on a log, where some of its samples may have gone to other collectors. */
function isShared({ isOurs, slots }: Source): boolean {
  return !isOurs || slots.size > 0;
}

function spanEndingAt(toMs: number, minutes: RangeMinutes): Span {
  const stepMs = STEP_MS[minutes];
  const endMs = Math.ceil(toMs / stepMs) * stepMs;
  return { fromMs: endMs - minutes * 60_000, toMs: endMs };
}

function timesOf({ fromMs, toMs }: Span, stepMs: number): number[] {
  return Array.from({ length: (toMs - fromMs) / stepMs }, (_, i) => fromMs + i * stepMs);
}

/** Puts what there is at its time, and null where there is nothing. */
function spread<T extends { readonly ts: number }>(
  times: readonly number[],
  items: readonly T[],
  read: (item: T) => number | null | undefined,
): (number | null)[] {
  const byTime = new Map(items.map((item) => [item.ts, read(item) ?? null]));
  return times.map((time) => byTime.get(time) ?? null);
}

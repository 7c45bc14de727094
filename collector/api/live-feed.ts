/** Passes what arrives on to the open pages and the metrics. */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { ResultsObserver } from '../cluster/results/book.ts';
import type { IngestObserver } from '../ingest/intaking.ts';
import type { Registry } from '../ingest/registry.ts';
import type { Source } from '../ingest/source.ts';
import type { ServerState } from './contract.ts';
import type { Hub } from './hub.ts';
import type { CollectorMetrics } from './metrics.ts';
import { composeSample, deliveryOf, stateOf, summaryOf, valuesOrNull } from './present.ts';

/** A sample older than this tells of a clock that is off, not of a delay. */
const lagMsMax = 24 * 60 * 60 * 1000;
/** Connection tests a log line is written for, at most one in this time. */
const testLogMs = 1_000;
/** Servers whose counts are told in one tick; of a room that comes back at once the others wait for theirs. */
const deliveriesMax = 100;

export interface LiveFeedOptions {
  readonly hub: Hub;
  readonly metrics: CollectorMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

export class LiveFeed implements IngestObserver, ResultsObserver {
  readonly #options: LiveFeedOptions;
  readonly #states = new WeakMap<Source, ServerState>();
  /** Servers whose counts or backlog changed since they were told, the one that waits longest first. */
  readonly #changed = new Set<Source>();
  #lastTestMs = Number.NEGATIVE_INFINITY;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  sample(source: Source, sample: DecodedSample, values: readonly number[], nowMs: number): void {
    const { hub, metrics } = this.#options;
    const lagMs = nowMs - sample.tsMs;
    if (!source.replayed && lagMs < lagMsMax) metrics.noteLag(lagMs);
    hub.sample(source.sourceNo, sample.tsMs, values);
    if (!hub.isWatched(source.sourceNo)) return;
    hub.detail({
      id: source.sourceNo,
      sample: composeSample({
        serverId: source.serverId,
        tsMs: sample.tsMs,
        bootId: sample.identity?.bootId ?? '',
        seq: sample.identity?.seq ?? 0,
        values: valuesOrNull(values),
        detail: sample.detail,
      }),
      delivery: deliveryOf(source),
    });
  }

  serverChanged(source: Source): void {
    const { hub, clock } = this.#options;
    const summary = summaryOf(source, clock);
    this.#states.set(source, summary.state);
    hub.server(summary);
  }

  windowOf({ sourceNo, newestMs, values }: Source): void {
    this.#options.hub.sample(sourceNo, newestMs, values);
  }

  deliveryChanged(source: Source): void {
    this.#changed.add(source);
  }

  connectionTest(from: string): void {
    const { hub, clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastTestMs < testLogMs) return;
    this.#lastTestMs = nowMs;
    log.info({ from }, `connection test received from ${from}`);
    hub.notice(`connection test received from ${from}`, clock.wallMs());
  }

  /** Once a second: counts are told, and servers fall silent by the clock, not by an arrival. */
  tick(registry: Registry): void {
    const nowMs = this.#options.clock.wallMs();
    for (const source of registry.all()) {
      const known = this.#states.get(source);
      const state = stateOf(source, nowMs);
      if (known === undefined) this.#states.set(source, state);
      else if (known !== state) this.serverChanged(source);
    }
    this.#tellDeliveries();
  }

  #tellDeliveries(): void {
    let told = 0;
    for (const source of this.#changed) {
      if (told >= deliveriesMax) return;
      told += 1;
      this.#changed.delete(source);
      this.serverChanged(source);
    }
  }
}

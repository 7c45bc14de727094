/** Passes what arrives on to the open pages and the metrics. */
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import type { IngestObserver } from '../ingest/intake.ts';
import type { Registry } from '../ingest/registry.ts';
import type { Source } from '../ingest/source.ts';
import type { ServerState } from './contract.ts';
import type { Hub } from './hub.ts';
import type { CollectorMetrics } from './metrics.ts';
import { composeSample, stateOf, summaryOf, valuesOrNull } from './present.ts';

/** A sample older than this tells of a clock that is off, not of a delay. */
const lagMsMax = 24 * 60 * 60 * 1000;
/** Connection tests a log line is written for, at most one in this time. */
const testLogMs = 1_000;

export interface LiveFeedOptions {
  readonly hub: Hub;
  readonly metrics: CollectorMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

export class LiveFeed implements IngestObserver {
  readonly #options: LiveFeedOptions;
  readonly #states = new Map<number, ServerState>();
  #lastTestMs = Number.NEGATIVE_INFINITY;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  sample(source: Source, sample: DecodedSample, values: readonly number[]): void {
    const { hub, metrics, clock } = this.#options;
    const lagMs = clock.wallMs() - sample.tsMs;
    if (!source.replayed && lagMs < lagMsMax) metrics.noteLag(lagMs);
    hub.sample([source.sourceNo, sample.tsMs, ...valuesOrNull(values)]);
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
    });
  }

  serverChanged(source: Source): void {
    const { hub, clock } = this.#options;
    const summary = summaryOf(source, clock.wallMs());
    this.#states.set(source.sourceNo, summary.state);
    hub.server(summary);
  }

  connectionTest(from: string): void {
    const { hub, clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastTestMs < testLogMs) return;
    this.#lastTestMs = nowMs;
    log.info({ from }, `connection test received from ${from}`);
    hub.notice(`connection test received from ${from}`, clock.wallMs());
  }

  /** Once a second: servers fall silent by the clock, not by an arrival. */
  tick(registry: Registry): void {
    const nowMs = this.#options.clock.wallMs();
    for (const source of registry.all()) {
      const known = this.#states.get(source.sourceNo);
      const state = stateOf(source, nowMs);
      if (known === undefined) this.#states.set(source.sourceNo, state);
      else if (known !== state) this.serverChanged(source);
    }
  }
}

/** What the collector tells about itself on /metrics, in OpenMetrics form. */
import { Gauge, Registry as MetricsRegistry, type OpenMetricsContentType } from 'prom-client';
import { VERSION } from '../../runtime/version.ts';
import type { DeliveryObserver } from '../alerts/delivery.ts';
import type { IngestCounts } from '../ingest/counts.ts';
import type { ClusterFigures } from '../cluster/cluster.ts';
import { addAlertMetrics, type AlertFigures } from './alert-metrics.ts';
import { addBlockMetrics, type BlockFigures } from './block-metrics.ts';
import type { Counted } from './figures.ts';
import { addHistogram, type PlainHistogram } from './histogram.ts';
import { addNotificationMetrics } from './notification-metrics.ts';
import { addCounter, addGauge } from './read-metrics.ts';
import { addServerMetrics, type ServerFigures } from './server-metrics.ts';

export interface MetricSources {
  readonly counts: () => IngestCounts;
  readonly servers: () => Readonly<Record<Counted, number>>;
  /** Live servers, the oldest first. */
  readonly perServer: () => Iterable<ServerFigures>;
  readonly alerts: () => AlertFigures;
  /** What most servers' clocks are ahead of the collector's by. */
  readonly clockOffsetMs: () => number;
  readonly storeBytes: () => number;
  readonly pages: () => number;
  readonly panes: () => number;
  /** Notices that wait, by notifier. */
  readonly notices: () => ReadonlyMap<string, number>;
  /** Absent where no files are taken. */
  readonly blocks?: () => BlockFigures;
  /** Absent on the direct transport. */
  readonly cluster?: () => ClusterFigures;
}

const COUNTERS: readonly (readonly [string, keyof IngestCounts, string])[] = [
  ['windrow_samples_received', 'received', 'Samples taken in for the first time.'],
  ['windrow_samples_late', 'late', 'Samples that came after a window of theirs was final.'],
  ['windrow_samples_duplicate', 'duplicates', 'Samples that had been received before.'],
  ['windrow_samples_lost', 'lost', 'Samples that no sender has any more and that never came.'],
  ['windrow_records_quarantined', 'quarantined', 'Malformed records put aside.'],
  ['windrow_windows', 'windows', 'Server windows made, provisional ones included.'],
];

export class CollectorMetrics {
  /** To be told what becomes of notifications. */
  readonly notifications: DeliveryObserver;
  readonly #registry = new MetricsRegistry<OpenMetricsContentType>();
  readonly #lag: PlainHistogram;
  readonly #commit: PlainHistogram;

  constructor(sources: MetricSources) {
    this.#registry.setContentType(MetricsRegistry.OPENMETRICS_CONTENT_TYPE);
    for (const [name, key, help] of COUNTERS) {
      addCounter(this.#registry, { name, help, read: () => sources.counts()[key] });
    }
    this.#gauge(
      'windrow_clock_offset_seconds',
      "What most servers' clocks are ahead of the collector's by, where they agree that it is off; else 0.",
      () => sources.clockOffsetMs() / 1_000,
    );
    this.#gauge(
      'windrow_store_bytes',
      'Bytes of the database, free pages left out.',
      sources.storeBytes,
    );
    this.#gauge('windrow_pages_open', 'Open live pages.', sources.pages);
    this.#gauge('windrow_panes_open', 'Panes kept for windows that are not final.', sources.panes);
    this.#serverGauge(sources.servers);
    const { blocks, cluster } = sources;
    if (blocks !== undefined) addBlockMetrics(this.#registry, blocks);
    if (cluster !== undefined) this.#clusterGauges(cluster);
    addServerMetrics(this.#registry, sources.perServer);
    addAlertMetrics(this.#registry, sources.alerts);
    this.notifications = addNotificationMetrics(this.#registry, sources.notices);
    const info = new Gauge({
      name: 'windrow_build',
      help: 'The version.',
      labelNames: ['version'],
      registers: [this.#registry],
    });
    info.set({ version: VERSION }, 1);
    this.#lag = addHistogram(this.#registry, {
      name: 'windrow_ingest_lag_seconds',
      help: 'From a live sample being taken to its arrival here.',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600],
    });
    this.#commit = addHistogram(this.#registry, {
      name: 'windrow_commit_seconds',
      help: 'Time that one commit of the store took.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  noteLag(ms: number): void {
    this.#lag.note(Math.max(0, ms) / 1000);
  }

  noteCommit(ms: number): void {
    this.#commit.note(ms / 1000);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, read: () => number): void {
    addGauge(this.#registry, { name, help, read });
  }

  #clusterGauges(read: () => ClusterFigures): void {
    this.#gauge('windrow_log_slots', 'Slots of the log that are ours.', () => read().slots);
    this.#gauge(
      'windrow_log_behind_records',
      'Records in the log, of our slots, that are not taken in yet.',
      () => read().behindRecords,
    );
    this.#gauge(
      'windrow_results_unpublished_records',
      'Windows that wait to be told to the other collectors.',
      () => read().unpublishedRecords,
    );
    this.#gauge(
      'windrow_log_uncommitted_seconds',
      'For how long offsets that could be committed have not been; 0 when all are.',
      () => read().uncommittedMs / 1_000,
    );
  }

  #serverGauge(read: MetricSources['servers']): void {
    const gauge = new Gauge({
      name: 'windrow_servers',
      help: 'Servers known, by state; skewed are up with a clock that is far off, of those unknown nothing could be heard for long enough.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect: () => {
        for (const [state, count] of Object.entries(read())) gauge.set({ state }, count);
      },
    });
  }
}

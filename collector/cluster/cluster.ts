/**
 * This collector's part of a fleet that is shared on a log: what it takes in, what it publishes, and
 * what it hears of the others.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { withinMs } from '../../runtime/lifecycle.ts';
import type { Logger } from '../../runtime/logging.ts';
import { ALERTS_TOPIC } from '../../wire/records/alert-record.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import type { GroupOptions, Log, TopicSpec } from '../../wire/transport/log/port.ts';
import type { BatchReceiver } from '../../wire/transport/port.ts';
import type { Alert } from '../alerts/alert.ts';
import type { DeliveryGate } from '../alerts/delivery-gate.ts';
import type { AlertShare } from '../alerts/engine.ts';
import { upMs } from '../api/present.ts';
import type { LogSide } from '../ingest/from-log.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Registry } from '../ingest/registry.ts';
import type { Source } from '../ingest/source.ts';
import type { Group } from '../store/group.ts';
import { readLogPositions } from '../store/log-positions.ts';
import type { StoreWriter } from '../store/writer.ts';
import type { EngineOptions } from '../windows/engine.ts';
import { Consumption } from './consume.ts';
import { HeldOffsets } from './held-offsets.ts';
import { keepTopics } from './keep-topics.ts';
import { Positions } from './positions.ts';
import {
  ClusterAlerts,
  type ClusterAlertsOptions,
  othersActive,
  shareOf,
} from './alerts/alerts.ts';
import type { ResultsObserver } from './results/book.ts';
import { ClusterResults } from './results/results.ts';

/** What collectors tell each other in. */
const sharedNames: ReadonlySet<string> = new Set([WINDOW_RESULTS_TOPIC, ALERTS_TOPIC]);
/** At the end what is not published yet gets this long. */
const lastRecordsMsMax = 2_000;
/** Brokers answer more often than that, though nothing new is there: then nothing of other collectors comes. */
const othersUnheardMsMax = 10_000;

export interface ClusterOptions {
  readonly source: Log;
  readonly group: GroupOptions;
  /** Where the member's name is from. */
  readonly memberFile: string;
  /** Made when they are missing. */
  readonly topics: readonly TopicSpec[];
  /** Called once they are there, until the signal aborts; never rejects. */
  readonly watchTopics?: (signal: AbortSignal) => Promise<void>;
  readonly db: DatabaseSync;
  readonly windows: EngineOptions;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The parts of the collector that it works with, and where the collector's page is. */
export interface ClusterParts {
  readonly registry: Registry;
  readonly ingest: Ingest;
  readonly writer: StoreWriter;
  readonly observer: ResultsObserver;
  readonly alerting: ClusterAlerting;
  readonly url: string;
}

/** What judges and tells of alerts here. */
export interface ClusterAlerting
  extends Pick<ClusterAlertsOptions, 'engine' | 'timeoutsMs' | 'onTellable'> {
  /** Sees each step of an alert that another collector judges, for the live page; must not throw. */
  readonly onOthers: (alert: Alert) => void;
}

export interface ClusterFigures {
  readonly slots: number;
  /** Records of our slots that are in the log, as far as we heard, and have not been taken yet. */
  readonly behindRecords: number;
  /** Records of windows that wait to be published. */
  readonly unpublishedRecords: number;
  /** For how long offsets that no open window needs have not been committed; 0 when all are. */
  readonly uncommittedMs: number;
}

interface Joined {
  readonly consumption: Consumption;
  readonly results: ClusterResults;
  readonly alerts: ClusterAlerts;
  readonly ingest: Ingest;
}

export class Cluster {
  /** For ingest. */
  readonly fromLog: LogSide;
  /** For the engine that judges. */
  readonly share: AlertShare;
  readonly #options: ClusterOptions;
  readonly #holds: HeldOffsets;
  readonly #positions: Positions;
  readonly #slots = new Set<number>();
  #joined: Joined | undefined;
  readonly #ended = new AbortController();
  #keeping: Promise<void> | undefined;
  #watching: Promise<void> | undefined;
  /** Monotonic: what is sent has been taken in as it comes from then on. */
  #hearsSinceMs = Number.POSITIVE_INFINITY;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#holds = new HeldOffsets(options.windows);
    this.#positions = new Positions(readLogPositions(options.db));
    this.fromLog = {
      holds: this.#holds,
      known: (serverId, replayId) => this.#joined?.results.known(serverId, replayId),
      hasSlot: (slot) => this.#positions.slots.has(slot),
      came: ({ serverId, replayed }, slot) => {
        if (!replayed) this.#joined?.alerts.shared.came(serverId, slot);
      },
      lacks: (source) => this.#joined?.results.lacks(source),
      isCaughtUp: () => this.isCaughtUp,
      heardThroughMs: (slot) => this.#positions.heardThroughMs(slot),
      othersHeardThroughMs: () => this.#othersHeardThroughMs,
    };
    this.share = shareOf(this.#slots, {
      slotMs: (slot) => this.#positions.heardThroughMs(slot),
      othersMs: () => this.#othersHeardThroughMs,
    });
  }

  /**
   * Begins to take in, once the sources are restored and the page can be reached.
   * @returns which notifications are ours to send
   */
  join({ registry, ingest, writer, observer, alerting, url }: ClusterParts): DeliveryGate {
    const { source, group, memberFile, topics, watchTopics, db, windows, clock, log } =
      this.#options;
    const self = { id: group.member, url };
    const results = new ClusterResults({
      topicLog: source,
      db,
      writer,
      self: { ...self, run: randomUUID() },
      registry,
      windows,
      clock,
      log,
      observer,
      takeWindow: (window, skewed) => ingest.takeOthersWindow(window, skewed),
      decommission: (server) => ingest.takeOut(server),
      hasSlot: (slot) => this.#positions.slots.has(slot),
      heardThroughMs: (slots) =>
        Math.min(...[...slots].map((slot) => this.#positions.heardThroughMs(slot))),
      closeThrough: (server, throughMs) => ingest.closeThrough(server, throughMs),
      moved: (server, slot) => {
        ingest.letGo([server]);
        results.moved(server);
        alerts.shared.moved(server.serverId, slot);
      },
      reject: (place, rejected) => ingest.rejectAt(place, rejected),
    });
    const alerts = new ClusterAlerts({
      ...alerting,
      topicLog: source,
      db,
      writer,
      self,
      registry,
      clock,
      log,
      slots: this.#slots,
      ownsShare: () => this.#joined?.consumption.ownsShare === true,
      publisher: results.publisher,
      onChange: alerting.onOthers,
      reject: (place, rejected) => ingest.rejectAt(place, rejected),
    });
    const unread = (topic: string): string | undefined =>
      topic === WINDOW_RESULTS_TOPIC ? results.unread : alerts.unread;
    const shared = topics.filter(({ name }) => sharedNames.has(name));
    const [holds, positions] = [this.#holds, this.#positions];
    const common = { group, memberFile, topics, ingest, writer, holds, positions, clock, log };
    const consumption = new Consumption({
      source,
      onTopics: () => {
        results.start();
        alerts.start();
        const { signal } = this.#ended;
        this.#keeping ??= keepTopics({ source, topics: shared, unread, log }, signal);
        this.#watching ??= watchTopics?.(signal);
      },
      results: {
        get unread() {
          return results.unread ?? alerts.unread;
        },
        release: (sources) => results.release(sources),
        room: (signal) => results.room(signal),
        published: (signal) => results.published(signal),
        caughtUp: async (signal) => {
          await Promise.all([results.caughtUp(signal), alerts.caughtUp(signal)]);
        },
      },
      alerts: alerts.shared,
      ...common,
    });
    this.#joined = { consumption, results, alerts, ingest };
    consumption.start();
    return alerts.shared;
  }

  /** Why nothing is taken in, or others hear nothing of it; undefined while all is well. */
  get failure(): string | undefined {
    return this.#takingFailure ?? this.#joined?.results.publisher.failure;
  }

  get #takingFailure(): string | undefined {
    return this.#joined === undefined ? 'the collector starts' : this.#joined.consumption.failure;
  }

  /** All that waited has been taken in, and what is new comes. */
  get isCaughtUp(): boolean {
    return this.#takingFailure === undefined && this.#positions.isCaughtUp;
  }

  /** What other collectors tell comes. */
  get hearsOthers(): boolean {
    const { clock } = this.#options;
    return clock.monotonicMs() - this.#othersHeardThroughMs <= othersUnheardMsMax;
  }

  get #othersHeardThroughMs(): number {
    return this.#joined?.results.heardThroughMs ?? Number.NEGATIVE_INFINITY;
  }

  figures(): ClusterFigures {
    return {
      slots: this.#positions.slots.size,
      behindRecords: this.#positions.behindRecords,
      unpublishedRecords: this.#joined?.results.waiting ?? 0,
      uncommittedMs: this.#joined?.consumption.uncommittedMs ?? 0,
    };
  }

  /** In a commit, after the engine has added what it judged. */
  inCommit(group: Group): void {
    this.#joined?.alerts.shared.inCommit(group);
  }

  /** Active alerts that other collectors judge. @param db may be a connection that cannot write */
  othersAlerts(db: DatabaseSync): Alert[] {
    return othersActive(db, this.#slots);
  }

  /** The store has committed: what it holds now may be told to others. */
  committed(): void {
    if (this.#joined === undefined) return;
    const { results, alerts, ingest } = this.#joined;
    // Before the windows that raised them: whoever takes over after a kill judges no window that is there.
    alerts.shared.committed();
    results.publish(ingest.takeMade());
  }

  /** A person took the server off the lists here. */
  tell: ClusterResults['tell'] = (source) => this.#joined?.results.tell(source);

  /** The alerts file was read again. */
  reloaded(): void {
    this.#joined?.alerts.notifiersChanged();
  }

  /** What is sent here directly: which collector a server belongs to is decided by its partition. */
  readonly refuse: BatchReceiver = async () => {
    throw new WindrowError('refused', 'this collector takes samples from Kafka, not directly', {
      retryable: true,
    });
  };

  /** Nothing is stored of the source any more. */
  forget(source: Source): void {
    // Nothing may have come of it since its slot came here.
    const isOurs = this.share.hasServer(source);
    this.#joined?.results.forget(source, isOurs);
    if (!source.replayed && isOurs) this.#joined?.alerts.forget(source.serverId);
  }

  /** Once a second. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#joined?.consumption.tick();
    this.#joined?.alerts.shared.tick();
    if (!this.isCaughtUp) this.#hearsSinceMs = nowMs;
    this.#joined?.results.tick(nowMs - this.#hearsSinceMs > upMs);
  }

  /** Gives its share back, in bounded time; the writer goes on until then, notifications do not. */
  async leave(): Promise<void> {
    this.#joined?.alerts.shared.stop();
    this.#joined?.results.publisher.hurry();
    await this.#joined?.consumption.stop();
  }

  /** After that. */
  async close(): Promise<void> {
    if (this.#joined === undefined) return;
    const { results, alerts } = this.#joined;
    const ended = new AbortController();
    const published = results.published(ended.signal).catch(() => {});
    await withinMs('last records', lastRecordsMsMax, () => published).catch((error: unknown) =>
      this.#options.log.warn({ error: messageOf(error) }, 'other collectors do not hear all'),
    );
    ended.abort();
    this.#ended.abort();
    await Promise.all([alerts.stop(), results.stop(), this.#keeping, this.#watching]);
  }
}

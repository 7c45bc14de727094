/** This collector's part in `alerts`: judges and tells those of its slots, and knows those of all. */
import type { DatabaseSync } from 'node:sqlite';
import { ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import type { Log } from '../../../wire/transport/log/port.ts';
import type { Alert } from '../../alerts/alert.ts';
import type { AlertShare } from '../../alerts/engine.ts';
import { activeSharedAlerts } from '../../store/shared-alerts.ts';
import type { StoreWriter } from '../../store/writer.ts';
import type { Publisher } from '../publisher.ts';
import { TopicReader } from '../topic-reader.ts';
import { alertOf, entryIn } from './forms.ts';
import { SharedAlerts, type SharedAlertsOptions } from './shared.ts';
import { fleetSlot } from './take-over.ts';
import { AlertTopic, type AlertTopicOptions } from './topic.ts';

/** Active alerts of other collectors that are shown. */
const othersMax = 10_000;

/** As `AlertShare` has it. */
export interface HeardThrough {
  /** Of a slot of ours. */
  readonly slotMs: (slot: number) => number;
  /** Of what other collectors tell. */
  readonly othersMs: () => number;
}

/** Whose alerts are ours to judge, by the slots that are. */
export function shareOf(slots: ReadonlySet<number>, heardThrough: HeardThrough): AlertShare {
  return {
    hasServer: ({ lastSlot }) => lastSlot !== undefined && slots.has(lastSlot),
    hasFleet: () => slots.has(fleetSlot),
    heardThroughMs: ({ lastSlot }) =>
      lastSlot !== undefined && slots.has(lastSlot)
        ? heardThrough.slotMs(lastSlot)
        : heardThrough.othersMs(),
  };
}

/** Active alerts that other collectors judge, as they last told. @param db may be one that cannot write */
export function othersActive(db: DatabaseSync, slots: ReadonlySet<number>): Alert[] {
  return activeSharedAlerts(db, othersMax)
    .filter(({ slot }) => !slots.has(slot))
    .map((record) => alertOf(entryIn(record)));
}

export interface ClusterAlertsOptions
  extends Omit<SharedAlertsOptions, 'group' | 'publish' | 'published'> {
  readonly topicLog: Pick<Log, 'reader'>;
  readonly writer: StoreWriter;
  readonly publisher: Pick<Publisher, 'give' | 'published'>;
  /** Of what is no alert. */
  readonly reject: AlertTopicOptions['reject'];
  /** Sees each step of an alert that another collector judges, for the live page; must not throw. */
  readonly onChange: (alert: Alert) => void;
}

export class ClusterAlerts {
  readonly shared: SharedAlerts;
  readonly #options: ClusterAlertsOptions;
  readonly #ended = new AbortController();
  readonly #topic: AlertTopic;
  readonly #reader: TopicReader;
  #reading: Promise<void> | undefined;

  constructor(options: ClusterAlertsOptions) {
    const { topicLog, writer, publisher, self, clock, log } = options;
    this.#options = options;
    const group = () => writer.group;
    this.shared = new SharedAlerts({
      ...options,
      group,
      publish: (records) => publisher.give(records),
      published: () => publisher.published(this.#ended.signal),
    });
    this.#topic = new AlertTopic({ ...options, group, member: self.id, shared: this.shared });
    this.#reader = new TopicReader({
      topic: ALERTS_TOPIC,
      what: 'alerts',
      reader: topicLog.reader(ALERTS_TOPIC),
      clock,
      log,
      positions: this.#topic.positions,
      take: (records) => this.#topic.take(records),
      unreadable: (records) => this.#topic.pass(records),
      onAnew: () => {
        this.shared.tellAgain();
        writer.schedule();
      },
      store: writer,
    });
  }

  /** Begins to read; after the writer can be written to. */
  start(): void {
    this.#reading ??= this.#reader.run(this.#ended.signal);
  }

  /** Why not all of the topic can be read; undefined while all is well. */
  get unread(): string | undefined {
    return this.#reader.failure;
  }

  /** Resolves once all that was in the topic at the call has been read. @throws WindrowError `aborted` */
  caughtUp(signal: AbortSignal): Promise<void> {
    return this.#reader.caughtUp(signal);
  }

  /** Nothing is stored of the server any more. */
  forget(server: string): void {
    this.#options.publisher.give(this.#topic.gone(server));
  }

  notifiersChanged(): void {
    this.shared.notifiersChanged();
    this.#options.writer.schedule();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#reading;
  }
}

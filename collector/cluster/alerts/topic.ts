/**
 * What has been read of `alerts`: the newest record of each key, in the store for the page and for
 * whoever takes a slot over.
 *
 * Invariant: what the store has of a key is from the records before `positions`, and of these the
 * newest of the highest term (see `newerOf`); both are committed together.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../runtime/clock.ts';
import {
  type AlertKey,
  type AlertRecordOnWire,
  ALERTS_TOPIC,
  alertKeyText,
  type DecodedAlert,
  decodeAlert,
} from '../../../wire/records/alert-record.ts';
import type {
  LogRecord,
  NewLogRecord,
  UnreadableRecords,
} from '../../../wire/transport/log/port.ts';
import type { Alert } from '../../alerts/alert.ts';
import type { RecordsPlace } from '../../ingest/from-log.ts';
import type { Group } from '../../store/group.ts';
import { sharedAlertPositions, sharedAlertsAbout } from '../../store/shared-alerts.ts';
import { TopicPositions } from '../topic-positions.ts';
import { alertOf, transitionsOfEntry } from './forms.ts';
import { newerOf, newestAlert } from './newest.ts';
import type { SharedAlerts } from './shared.ts';
import { isPossibleTerm } from './term.ts';

/** Of a malformed record; quarantine keeps fewer characters still. */
const bodyBytesMax = 4_096;

export interface AlertTopicOptions {
  readonly db: DatabaseSync;
  /** What waits for the next commit. */
  readonly group: () => Group;
  readonly clock: Clock;
  /** This collector's name in the group. */
  readonly member: string;
  readonly shared: Pick<SharedAlerts, 'heard'>;
  /** Sees each step of an alert that another collector judges, for the live page; must not throw. */
  readonly onChange: (alert: Alert) => void;
  /** Of what is no alert. */
  readonly reject: (place: RecordsPlace, rejected: { reason: string; body: string }) => void;
}

export class AlertTopic {
  readonly #options: AlertTopicOptions;
  readonly positions: TopicPositions;

  constructor(options: AlertTopicOptions) {
    this.#options = options;
    this.positions = new TopicPositions(ALERTS_TOPIC, sharedAlertPositions(options.db));
  }

  /** Changes the state in memory and the waiting group, both at once. */
  take(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (!this.#reach(record.partition, record.offset + 1)) continue;
      const reason = this.#takeOne(decodeAlert(record));
      if (reason === undefined) continue;
      const body = record.value?.subarray(0, bodyBytesMax).toString() ?? '';
      this.#options.reject(record, { reason, body });
    }
  }

  /** @returns why it is skipped, or undefined */
  #takeOne(decoded: DecodedAlert): string | undefined {
    switch (decoded.kind) {
      case 'malformed':
        return decoded.reason;
      case 'gone':
        this.#keep(decoded.key, null);
        return undefined;
      case 'alert':
        if (!this.#isPossible(decoded.record)) {
          return 'alert: its term is more than a day in the future';
        }
        this.#takeAlert(decoded.record);
        return undefined;
    }
  }

  #isPossible({ owner }: AlertRecordOnWire): boolean {
    return isPossibleTerm(owner.term, this.#options.clock.wallMs());
  }

  /** What cannot be read is passed by. */
  pass({ reason, ...place }: UnreadableRecords): void {
    if (!this.#reach(place.partition, place.endOffset)) return;
    this.#options.reject(place, { reason, body: '' });
  }

  /** @returns whether that was not known before */
  #reach(partition: number, offset: number): boolean {
    const position = this.positions.reach(partition, offset);
    if (position !== undefined) this.#options.group().sharedAlertPositions.set(partition, position);
    return position !== undefined;
  }

  /** What is to be published when nothing is stored of a server any more. */
  *gone(server: string): Generator<NewLogRecord> {
    for (const record of sharedAlertsAbout(this.#options.db, server)) {
      yield { topic: ALERTS_TOPIC, key: alertKeyText(record), value: null };
    }
  }

  #takeAlert(record: AlertRecordOnWire): void {
    const { member, shared, group, onChange } = this.#options;
    const before = this.#newest(record);
    const isOurs = shared.heard(record);
    const newest = before === undefined ? record : newerOf(before, record);
    // Its collector has been replaced; whoever did that says how it stands.
    if (newest === before) return;
    this.#keep(record, newest);
    if (record.owner.id === member) return;
    group().othersTransitions.push(...transitionsOfEntry(record));
    const isNews = before?.id !== newest.id || before.kind !== newest.kind;
    if (!isOurs && isNews) onChange(alertOf(newest));
  }

  #newest(key: AlertKey): AlertRecordOnWire | undefined {
    const newest = newestAlert(this.#options, key);
    return newest !== undefined && this.#isPossible(newest) ? newest : undefined;
  }

  #keep({ rule, server }: AlertKey, record: AlertRecordOnWire | null): void {
    const { sharedAlerts } = this.#options.group();
    sharedAlerts.set(alertKeyText({ rule, server }), { rule, server, record });
  }
}

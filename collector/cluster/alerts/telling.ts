/**
 * What is told of our alerts in the topic, in the term that is ours.
 *
 * Invariant: of an alert that changed, the newest is published after the next commit, or before its
 * slot leaves.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { type AlertRecordOnWire, ALERTS_TOPIC } from '../../../wire/records/alert-record.ts';
import type { NewLogRecord } from '../../../wire/transport/log/port.ts';
import { type Entry, keyOf, onWire, type Owner } from './forms.ts';

export interface TellingOptions {
  readonly self: Omit<Owner, 'term'>;
  readonly clock: Clock;
  readonly publish: (records: readonly NewLogRecord[]) => void;
}

export class Telling {
  readonly #options: TellingOptions;
  readonly #newestOf: (key: string) => Entry | undefined;
  /** By key and alert; to be published after the commit. */
  readonly #unpublished = new Map<string, Entry>();
  term = 0;
  isStopping = false;

  /** @param newestOf the key, where it is ours */
  constructor(options: TellingOptions, newestOf: (key: string) => Entry | undefined) {
    this.#options = options;
    this.#newestOf = newestOf;
  }

  /** As the store keeps it. */
  body(entry: Entry): string {
    return onWire(entry, { ...this.#options.self, term: this.term }, false);
  }

  /** After the next commit, or before its slot leaves. */
  later(entry: Entry): void {
    this.#unpublished.set(`${keyOf(entry)}|${entry.id}`, entry);
  }

  /** Publishes what waits for it. */
  changed(isMeant: (entry: Entry) => boolean): void {
    for (const [mark, entry] of this.#unpublished) {
      if (!isMeant(entry)) continue;
      this.#unpublished.delete(mark);
      const newest = this.#newestOf(keyOf(entry));
      this.now(newest?.id === entry.id ? newest : entry);
    }
  }

  now(entry: Entry, { released = this.isStopping, term = this.term } = {}): void {
    this.#publish(entry, onWire(entry, { ...this.#options.self, term }, released));
  }

  again(record: AlertRecordOnWire): void {
    this.#publish(record, JSON.stringify(record));
  }

  #publish(of: Pick<Entry, 'rule' | 'server'>, value: string): void {
    const { clock, publish } = this.#options;
    publish([{ topic: ALERTS_TOPIC, key: keyOf(of), value, timeMs: clock.wallMs() }]);
  }
}

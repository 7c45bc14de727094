/**
 * What is told of our alerts in the topic, in the term that is ours, and which notices wait for that.
 *
 * Invariant: of an alert that changed, the newest is published after the next commit, or before its
 * slot leaves.
 */
import type { Clock } from '../../../runtime/clock.ts';
import {
  type AlertRecordOnWire,
  ALERTS_TOPIC,
  type NoticeOnWire,
} from '../../../wire/records/alert-record.ts';
import type { NewLogRecord } from '../../../wire/transport/log/port.ts';
import { type Entry, keyOf, onWire, type Owner } from './forms.ts';
import { UnpublishedNotices } from './unpublished-notices.ts';

export interface TellingOptions {
  readonly self: Omit<Owner, 'term'>;
  readonly clock: Clock;
  readonly publish: (records: readonly NewLogRecord[]) => void;
  /** Resolves when all that was given to `publish` so far is in the topic. @throws WindrowError `aborted` */
  readonly published: () => Promise<void>;
  /** The topic has what it did not have: some notices that waited for that may be told. */
  readonly onTellable: () => void;
}

export class Telling {
  readonly #options: TellingOptions;
  readonly #newestOf: (key: string) => Entry | undefined;
  /** By key and alert; to be published after the commit. */
  readonly #unpublished = new Map<string, Entry>();
  readonly #notices: UnpublishedNotices;
  term = 0;
  isStopping = false;

  /** @param newestOf the key, where it is ours */
  constructor(options: TellingOptions, newestOf: (key: string) => Entry | undefined) {
    this.#options = options;
    this.#newestOf = newestOf;
    this.#notices = new UnpublishedNotices(options.clock);
  }

  /** As the store keeps it. */
  body(entry: Entry): string {
    return onWire(entry, { ...this.#options.self, term: this.term }, false);
  }

  /** After the next commit, or before its slot leaves. */
  later(entry: Entry): void {
    this.#unpublished.set(`${keyOf(entry)}|${entry.id}`, entry);
  }

  /** The notice is to be told once the topic has it with its alert, which is told after the next commit. */
  notice(notice: Pick<NoticeOnWire, 'id' | 'status'>): void {
    this.#notices.add(notice);
  }

  /** Whether the notice waits for that. */
  isHeld(notice: Pick<NoticeOnWire, 'id' | 'status'>): boolean {
    return this.#notices.isHeld(notice);
  }

  /** Publishes what waits for it. */
  changed(isMeant: (entry: Entry) => boolean): void {
    const due: Entry[] = [];
    for (const [mark, entry] of this.#unpublished) {
      if (!isMeant(entry)) continue;
      this.#unpublished.delete(mark);
      const newest = this.#newestOf(keyOf(entry));
      due.push(newest?.id === entry.id ? newest : entry);
    }
    this.#tell(due);
  }

  now(entry: Entry, how: { readonly released?: boolean; readonly term?: number } = {}): void {
    this.#tell([entry], how);
  }

  again(record: AlertRecordOnWire): void {
    this.#options.publish([this.#recordOf(record, JSON.stringify(record))]);
  }

  #tell(entries: readonly Entry[], { released = this.isStopping, term = this.term } = {}): void {
    const owner = { ...this.#options.self, term };
    const records = entries.map((entry) => this.#recordOf(entry, onWire(entry, owner, released)));
    if (records.length > 0) this.#options.publish(records);
    const marks = entries.flatMap(({ notices }) => this.#notices.among(notices));
    if (marks.length > 0) void this.#awaitTopic(marks);
  }

  #recordOf(of: Pick<Entry, 'rule' | 'server'>, value: string): NewLogRecord {
    const timeMs = this.#options.clock.wallMs();
    return { topic: ALERTS_TOPIC, key: keyOf(of), value, timeMs };
  }

  async #awaitTopic(marks: readonly string[]): Promise<void> {
    const { published, onTellable } = this.#options;
    try {
      await published();
    } catch {
      // The collector ends, and tells nothing any more.
      return;
    }
    if (this.#notices.published(marks)) onTellable();
  }
}

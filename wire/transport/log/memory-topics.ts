/** The records of a log in memory. An offset is an index: nothing is ever taken away. */
import type { Clock } from '../../../runtime/clock.ts';
import type { LogRecord } from './port.ts';

/** Records handed over at once, as a fetch of Kafka's is bounded too. */
const fetchRecordsMax = 500;

export type NewMemoryRecord = Pick<LogRecord, 'topic' | 'partition'> &
  Partial<Pick<LogRecord, 'key' | 'value' | 'headers' | 'timeMs'>>;

/** What is at an offset: a record, or a mark that is none. */
type Entry = { readonly writtenMs: number; readonly record: LogRecord | undefined };

export class MemoryTopics {
  readonly #clock: Clock;
  readonly #topics = new Map<string, Entry[][]>();
  #away: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ensure(topic: string, partitions: number): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }

  /** None where the topic is not there. */
  partitions(topic: string): readonly (readonly Entry[])[] {
    return this.#topics.get(topic) ?? [];
  }

  /** Why nobody can read now. */
  get away(): string | undefined {
    return this.#away;
  }

  set away(why: string | undefined) {
    this.#away = why;
    this.wake();
  }

  append(record: NewMemoryRecord): number {
    const { topic, partition } = record;
    const { key, value, headers = new Map(), timeMs = this.#clock.wallMs() } = record;
    const fields = { topic, partition, key, value, headers, timeMs };
    return this.#push(record, (offset) => ({ ...fields, offset }));
  }

  /** As the mark of a transaction's end. */
  mark(place: Place): void {
    this.#push(place, () => undefined);
  }

  /** For how long the oldest of them has been there, ms. */
  waitedMs(records: readonly LogRecord[]): number {
    const writtenMs = records.map(
      ({ topic, partition, offset }) => this.#topics.get(topic)?.[partition]?.[offset]?.writtenMs,
    );
    return this.#clock.monotonicMs() - Math.min(...writtenMs.map((ms) => ms ?? -Infinity));
  }

  #push({ topic, partition }: Place, make: (offset: number) => LogRecord | undefined): number {
    const log = this.#topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`${topic} has no partition ${partition}`);
    const offset = log.length;
    log.push({ writtenMs: this.#clock.monotonicMs(), record: make(offset) });
    this.wake();
    return offset;
  }

  /** Everybody who waits for a change looks again. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }

  /** Resolves at the next change, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.push(done);
    });
  }
}

type Place = Pick<LogRecord, 'topic' | 'partition'>;

/** Some records from each of these partitions, and moves the positions behind them. */
export function fetchFrom(
  topics: MemoryTopics,
  wanted: readonly Place[],
  positions: { get(place: Place): number; set(place: Place, offset: number): void },
): LogRecord[] {
  const share = Math.ceil(fetchRecordsMax / Math.max(1, wanted.length));
  return wanted.flatMap((place) => {
    const log = topics.partitions(place.topic)[place.partition] ?? [];
    const at = positions.get(place);
    // What was read from a log that has been made anew begins again, as with Kafka.
    const from = at > log.length ? 0 : at;
    const read = log.slice(from, from + share);
    if (read.length > 0) positions.set(place, from + read.length);
    return read.flatMap(({ record }) => record ?? []);
  });
}

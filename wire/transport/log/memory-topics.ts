/** The records of a log in memory. An offset is an index: nothing is ever taken away. */
import type { Clock } from '../../../runtime/clock.ts';
import type { LogRecord } from './port.ts';

/** Records handed over at once, as a fetch of Kafka's is bounded too. */
const fetchRecordsMax = 500;

export type NewMemoryRecord = Pick<LogRecord, 'topic' | 'partition'> &
  Partial<Pick<LogRecord, 'key' | 'value' | 'headers' | 'timeMs'>>;

export class MemoryTopics {
  readonly #clock: Clock;
  readonly #topics = new Map<string, LogRecord[][]>();
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
  partitions(topic: string): readonly (readonly LogRecord[])[] {
    return this.#topics.get(topic) ?? [];
  }

  append(record: NewMemoryRecord): number {
    const { topic, partition } = record;
    const log = this.#topics.get(topic)?.[partition];
    if (log === undefined) throw new Error(`${topic} has no partition ${partition}`);
    const { key, value, headers = new Map(), timeMs = this.#clock.wallMs() } = record;
    const offset = log.length;
    log.push({ topic, partition, offset, key, value, headers, timeMs });
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
    const records = log.slice(at > log.length ? 0 : at).slice(0, share);
    const last = records.at(-1);
    if (last !== undefined) positions.set(place, last.offset + 1);
    return records;
  });
}

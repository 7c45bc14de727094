/** The records of a log in memory. An offset is an index: a topic goes as a whole, or not at all. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../runtime/clock.ts';
import type { LogRecord, UnreadableRecords } from './port.ts';
import type { Topics } from './slots.ts';

/** Records handed over at once, as a fetch of Kafka's is bounded too. */
const fetchRecordsMax = 500;
/** Who waits for more looks again after this, as a fetch of Kafka's ends too. */
const waitMsMax = 1_000;

export type NewMemoryRecord = Pick<LogRecord, 'topic' | 'partition'> &
  Partial<Pick<LogRecord, 'key' | 'value' | 'headers' | 'timeMs'>>;

/** What is at an offset: a record, a mark that is none, or what cannot be read. */
interface Entry {
  readonly writtenMs: number;
  readonly record: LogRecord | undefined;
  /** Why it cannot be read. */
  readonly unreadable?: string | undefined;
}

export class MemoryTopics {
  readonly #clock: Clock;
  readonly #topics = new Map<string, { readonly id: string; readonly partitions: Entry[][] }>();
  #away: string | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ensure(topic: string, partitions: number): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(topic, { id: randomUUID(), partitions: [] });
    this.grow(topic, partitions);
  }

  /** Up to so many partitions. */
  grow(topic: string, partitions: number): void {
    const logs = this.#topics.get(topic)?.partitions ?? [];
    while (logs.length < partitions) logs.push([]);
    this.wake();
  }

  /** With all its records. */
  remove(topic: string): void {
    this.#topics.delete(topic);
    this.wake();
  }

  loseEnd(topic: string, records: number): void {
    for (const log of this.#topics.get(topic)?.partitions ?? []) {
      log.length = Math.max(0, log.length - records);
    }
  }

  /** None where the topic is not there. */
  partitions(topic: string): readonly (readonly Entry[])[] {
    return this.#topics.get(topic)?.partitions ?? [];
  }

  states(names: readonly string[]): Topics {
    return new Map(
      names.flatMap((name) => {
        const topic = this.#topics.get(name);
        return topic === undefined
          ? []
          : [[name, { id: topic.id, partitions: topic.partitions.length }] as const];
      }),
    );
  }

  endOf({ topic, partition }: Place): number {
    return this.partitions(topic)[partition]?.length ?? 0;
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
    return this.#push(record, (offset) => ({ record: { ...fields, offset } }));
  }

  /** As the mark of a transaction's end. */
  mark(place: Place): void {
    this.#push(place, () => ({ record: undefined }));
  }

  /** As a batch that is broken, or unpacks to more than anybody can hold. */
  spoil(place: Place, reason: string): void {
    this.#push(place, () => ({ record: undefined, unreadable: reason }));
  }

  /** For how long the oldest of them has been there, ms. */
  waitedMs(records: readonly LogRecord[]): number {
    const writtenMs = records.map(
      ({ topic, partition, offset }) => this.partitions(topic)[partition]?.[offset]?.writtenMs,
    );
    return this.#clock.monotonicMs() - Math.min(...writtenMs.map((ms) => ms ?? -Infinity));
  }

  #push({ topic, partition }: Place, make: (offset: number) => Omit<Entry, 'writtenMs'>): number {
    const log = this.#topics.get(topic)?.partitions[partition];
    if (log === undefined) throw new Error(`${topic} has no partition ${partition}`);
    const offset = log.length;
    log.push({ writtenMs: this.#clock.monotonicMs(), ...make(offset) });
    this.wake();
    return offset;
  }

  /** Everybody who waits for a change looks again. */
  wake(): void {
    const waiting = [...this.#waiting];
    // Who goes on may wait again.
    for (const goOn of waiting) goOn();
  }

  /** Resolves at the next change, after a while without one, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, waitMsMax);
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
  }
}

type Place = Pick<LogRecord, 'topic' | 'partition'>;

interface Positions {
  get(place: Place): number;
  set(place: Place, offset: number): void;
  /** Of what lies before the records. */
  unreadable?: ((records: UnreadableRecords) => void) | undefined;
}

/** Some records from each of these partitions, and moves the positions behind them. */
export function fetchFrom(
  topics: MemoryTopics,
  wanted: readonly Place[],
  positions: Positions,
): LogRecord[] {
  const share = Math.ceil(fetchRecordsMax / Math.max(1, wanted.length));
  return wanted.flatMap((place) => {
    const log = topics.partitions(place.topic)[place.partition] ?? [];
    const at = positions.get(place);
    let from = at;
    for (let reason = log[from]?.unreadable; reason !== undefined; ) {
      positions.unreadable?.({ ...place, offset: from, endOffset: from + 1, reason });
      from += 1;
      reason = log[from]?.unreadable;
    }
    const ahead = log.slice(from, from + share);
    const spoiled = ahead.findIndex(({ unreadable }) => unreadable !== undefined);
    const read = spoiled === -1 ? ahead : ahead.slice(0, spoiled);
    if (from + read.length > at) positions.set(place, from + read.length);
    return read.flatMap(({ record }) => (record === undefined ? [] : [handedOut(record)]));
  });
}

/** A copy, of which nothing is left when it has been released: who keeps a part of it finds that out. */
function handedOut(record: LogRecord): LogRecord {
  const key = record.key && Buffer.from(record.key);
  const value = record.value && Buffer.from(record.value);
  const headers = new Map([...record.headers].map(([name, text]) => [name, Buffer.from(text)]));
  let isReleased = false;
  const release = (): void => {
    if (isReleased) throw new Error('a record is released for the second time');
    isReleased = true;
    for (const bytes of [key, value, ...headers.values()]) bytes?.fill(0);
  };
  return { ...record, key, value, headers, release };
}

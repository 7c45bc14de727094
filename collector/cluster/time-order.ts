/**
 * Of a topic that is read whole the records of one server may be in any partition, and partitions
 * are read apart from each other, some far ahead of others while we lag: puts records into the order
 * of their times again. Pure.
 *
 * Invariant: of a partition all are given in the order of the offsets. A record waits exactly as
 * long as another partition has more to give that was not read yet, and gave something lately.
 */
import type { LogRecord, PartitionOffset, SlotStart } from '../../wire/transport/log/port.ts';
import { KeptBytes } from './kept-bytes.ts';
import { MinHeap } from './min-heap.ts';
import { keyOf } from './positions.ts';

/** A partition that gave nothing for so long (its broker is down) keeps the others no longer waiting. */
const owedMsMax = 10_000;
/** Records that wait, of some 2 kB each; beyond that the oldest are given. */
const heldRecordsMax = 10_000;
/** Bytes that these keep in memory: three times as much, for a batch stays whole while one of it waits. */
const heldBytesMax = 64 * 1024 * 1024;

interface Held {
  readonly record: LogRecord;
  /** When none of them was in the log yet, monotonic. */
  readonly newerThanMs: number;
}

interface Lane {
  readonly held: Held[];
  /** Behind what was read, and behind all that there is as far as we know. */
  nextOffset: number;
  endOffset: number;
  /** When something of it last came, monotonic. */
  heardMs: number;
  /** So far it was read, behind what waits; undefined: that was passed on. */
  reached: PartitionOffset | undefined;
}

/** A lane of which something waits. */
interface Giving {
  readonly lane: Lane;
  /** Among the lanes: of two records of one time that of the first one comes first. */
  readonly place: number;
  /** So many of what waits are due. */
  given: number;
  /** Of the next one. */
  timeMs: number;
}

/** Records, and for how long none of them waited longer in the log. */
export interface Arranged {
  readonly records: readonly LogRecord[];
  readonly waitedMsMax: number;
}

export class TimeOrder {
  readonly #topics: ReadonlySet<string>;
  readonly #lanes = new Map<string, Lane>();
  readonly #kept = new KeptBytes();

  /** @param topics those that are read whole */
  constructor(topics: readonly string[]) {
    this.#topics = new Set(topics);
  }

  begin(starts: readonly SlotStart[], nowMs: number): void {
    for (const start of starts) {
      if (!this.#topics.has(start.topic)) continue;
      this.forget([start]);
      const { offset: nextOffset, endOffset } = start;
      const lane = { held: [], nextOffset, endOffset, heardMs: nowMs, reached: undefined };
      this.#lanes.set(keyOf(start), lane);
    }
  }

  /** What waits of them is read again by whoever has them next. */
  forget(places: Iterable<Pick<PartitionOffset, 'topic' | 'partition'>>): void {
    for (const place of places) {
      for (const { record } of this.#lanes.get(keyOf(place))?.held ?? []) this.#kept.remove(record);
      this.#lanes.delete(keyOf(place));
    }
  }

  ends(places: readonly PartitionOffset[]): void {
    for (const place of places) {
      const lane = this.#lanes.get(keyOf(place));
      if (lane !== undefined) lane.endOffset = place.offset;
    }
  }

  /**
   * What is due by now, in order; records of all other topics are due at once. To be asked now and
   * then without any, too: what waits for one that gives nothing is due by time alone.
   */
  arrange(
    records: readonly LogRecord[],
    { waitedMsMax, nowMs }: { waitedMsMax: number; nowMs: number },
  ): Arranged[] {
    const others: LogRecord[] = [];
    for (const record of records) {
      const isWhole = this.#topics.has(record.topic);
      const lane = isWhole ? this.#lanes.get(keyOf(record)) : undefined;
      if (lane === undefined) others.push(record);
      else {
        lane.held.push({ record, newerThanMs: nowMs - waitedMsMax });
        this.#kept.add(record);
        lane.nextOffset = record.offset + 1;
        lane.heardMs = nowMs;
      }
    }
    const due = [...this.#due(nowMs)];
    const oldestMs = due.reduce((ms, { newerThanMs }) => Math.min(ms, newerThanMs), nowMs);
    return [
      { records: others, waitedMsMax },
      { records: due.map(({ record }) => record), waitedMsMax: nowMs - oldestMs },
    ];
  }

  /** @returns what was reached, and of which nothing waits here any longer */
  reached(places: readonly PartitionOffset[]): PartitionOffset[] {
    const passed: PartitionOffset[] = [];
    for (const place of places) {
      const lane = this.#lanes.get(keyOf(place));
      if (lane === undefined) passed.push(place);
      else {
        lane.nextOffset = Math.max(lane.nextOffset, place.offset);
        lane.reached = place;
      }
    }
    for (const lane of this.#lanes.values()) {
      if (lane.reached === undefined || lane.held.length > 0) continue;
      passed.push(lane.reached);
      lane.reached = undefined;
    }
    return passed;
  }

  #due(nowMs: number): Held[] {
    const giving: Giving[] = [];
    const byTime = new MinHeap<Giving>(comesBefore);
    let waiting = 0;
    let owing = 0;
    for (const lane of this.#lanes.values()) {
      const [first] = lane.held;
      if (first !== undefined) {
        const place = giving.length;
        const from = { lane, place, given: 0, timeMs: first.record.timeMs };
        giving.push(from);
        byTime.add(from);
        waiting += lane.held.length;
      } else if (owesMore(lane, nowMs)) owing += 1;
    }
    const due: Held[] = [];
    for (let from = byTime.first; from !== undefined; from = byTime.first) {
      const isTooMuch = waiting > heldRecordsMax || this.#kept.bytes > heldBytesMax;
      if (owing > 0 && !isTooMuch) break;
      const { lane } = from;
      const held = lane.held[from.given]!;
      due.push(held);
      this.#kept.remove(held.record);
      waiting -= 1;
      from.given += 1;
      const following = lane.held[from.given];
      if (following === undefined) {
        byTime.removeFirst();
        if (owesMore(lane, nowMs)) owing += 1;
      } else {
        from.timeMs = following.record.timeMs;
        byTime.moveFirst();
      }
    }
    for (const { lane, given } of giving) lane.held.splice(0, given);
    return due;
  }
}

function comesBefore(one: Giving, other: Giving): boolean {
  return one.timeMs < other.timeMs || (one.timeMs === other.timeMs && one.place < other.place);
}

function owesMore({ nextOffset, endOffset, heardMs }: Lane, nowMs: number): boolean {
  return nextOffset < endOffset && nowMs - heardMs < owedMsMax;
}

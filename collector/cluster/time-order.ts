/**
 * Of a topic that is read whole the records of one server may be in any partition, and partitions
 * are read apart from each other, some far ahead of others while we lag: puts records into the order
 * of their times again. Pure.
 *
 * Invariant: of a partition all are given in the order of the offsets. A record waits exactly as
 * long as another partition has more to give that was not read yet, and gave something lately.
 */
import type { LogRecord, PartitionOffset, SlotStart } from '../../wire/transport/log/port.ts';
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

/**
 * Bytes that records keep in memory. They are parts of what their batch unpacked to, so each such
 * buffer counts once and whole, until the last of its records is gone.
 */
class KeptBytes {
  /** How many records are parts of it. */
  readonly #uses = new Map<ArrayBufferLike, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(record: LogRecord): void {
    const buffer = bufferOf(record);
    if (buffer === undefined) return;
    const uses = this.#uses.get(buffer) ?? 0;
    if (uses === 0) this.#bytes += buffer.byteLength;
    this.#uses.set(buffer, uses + 1);
  }

  remove(record: LogRecord): void {
    const buffer = bufferOf(record);
    if (buffer === undefined) return;
    const uses = this.#uses.get(buffer) ?? 0;
    if (uses > 1) this.#uses.set(buffer, uses - 1);
    else if (this.#uses.delete(buffer)) this.#bytes -= buffer.byteLength;
  }
}

/** Key, value and headers of a record are parts of the same one. */
function bufferOf({ key, value, headers }: LogRecord): ArrayBufferLike | undefined {
  return (value ?? key ?? headers.values().next().value)?.buffer;
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

  /** What is due by now, in order; records of all other topics are due at once. */
  arrange(
    records: readonly LogRecord[],
    { waitedMsMax, nowMs }: { waitedMsMax: number; nowMs: number },
  ): Arranged[] {
    const others: LogRecord[] = [];
    for (const record of records) {
      const lane = this.#lanes.get(keyOf(record));
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
    const lanes = [...this.#lanes.values()].map((lane) => ({ lane, given: 0 }));
    const due: Held[] = [];
    let waiting = lanes.reduce((sum, { lane }) => sum + lane.held.length, 0);
    while (waiting > 0) {
      const full = lanes.filter(({ lane, given }) => given < lane.held.length);
      const owes = lanes.some((each) => !full.includes(each) && owesMore(each.lane, nowMs));
      if (owes && waiting <= heldRecordsMax && this.#kept.bytes <= heldBytesMax) break;
      const timeMs = ({ lane, given }: (typeof full)[number]): number =>
        lane.held[given]?.record.timeMs ?? Infinity;
      const next = full.reduce((one, other) => (timeMs(other) < timeMs(one) ? other : one));
      for (const held of next.lane.held.slice(next.given, next.given + 1)) {
        due.push(held);
        this.#kept.remove(held.record);
      }
      next.given += 1;
      waiting -= 1;
    }
    for (const { lane, given } of lanes) lane.held.splice(0, given);
    return due;
  }
}

function owesMore({ nextOffset, endOffset, heardMs }: Lane, nowMs: number): boolean {
  return nextOffset < endOffset && nowMs - heardMs < owedMsMax;
}

/**
 * How far each partition that is ours has been read, and what its records are to us. Pure.
 *
 * Invariant: of a partition a record is taken once for each time that its slot becomes ours, in the
 * order of the offsets; one before `takenThrough` is in the store already.
 */
import type {
  LogRecord,
  PartitionOffset,
  ReadPlace,
  SlotStart,
  UnreadableRecords,
} from '../../wire/transport/log/port.ts';
import type { LogOrigin } from '../ingest/from-log.ts';
import { Heard } from './heard.ts';

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly slot: number;
  readonly topicId: string;
  /** Where its log ended when it became ours; Infinity while nobody knows. */
  endOffset: number;
  /** Where it ends by now, as far as we heard. */
  knownEndOffset: number;
  readonly heard: Heard;
  /** What the store had when it became ours; undefined: nothing of it ever came here. */
  readonly takenThrough: number | undefined;
  readonly hasGap: boolean;
  readonly isCut: boolean;
  nextOffset: number;
}

/** Longer than this nothing may have waited in the log for its time of coming to be that of its sending. */
const promptMsMax = 2_500;

/** Records of one partition that follow each other and came in the same way. */
export interface Run {
  readonly topic: string;
  readonly records: readonly LogRecord[];
  readonly origin: LogOrigin;
  /** Behind its last record. */
  readonly end: PartitionOffset;
}

export class Positions {
  readonly #takenThrough: Map<string, ReadPlace>;
  readonly #partitions = new Map<string, Partition>();
  #slots: ReadonlySet<number> = new Set();
  /** By slot; empty when it is to be looked up anew. */
  readonly #heardThroughMs = new Map<number, number>();
  /** Partitions not yet read as far as they went when they became ours. */
  #behind = 0;
  #isAssigned = false;

  /** @param stored as the store has them */
  constructor(stored: Iterable<ReadPlace>) {
    this.#takenThrough = new Map([...stored].map((each) => [keyOf(each), each]));
  }

  get slots(): ReadonlySet<number> {
    return this.#slots;
  }

  /** All that was there when our partitions became ours has been taken; false before anything is ours. */
  get isCaughtUp(): boolean {
    return this.#isAssigned && this.#behind === 0;
  }

  /** Records that are in our partitions, as far as we heard, and have not been taken yet. */
  get behindRecords(): number {
    let records = 0;
    for (const { knownEndOffset, nextOffset } of this.#partitions.values()) {
      records += Math.max(0, knownEndOffset - nextOffset);
    }
    return records;
  }

  /** How far the partition was ever taken in here, also before it became ours. */
  storedThrough(place: Pick<PartitionOffset, 'topic' | 'partition'>): number {
    return this.#takenThrough.get(keyOf(place))?.offset ?? 0;
  }

  /** What is to be stored when all before it is. */
  markAt({ topic, partition, offset }: PartitionOffset): ReadPlace {
    const topicId = this.#partitions.get(keyOf({ topic, partition }))?.topicId;
    return { topic, partition, offset, topicId };
  }

  /**
   * What was sent until then has been taken from all partitions of the slot, monotonic; −∞ where
   * nobody knows. Who was not heard until then was silent.
   */
  heardThroughMs(slot: number): number {
    // Asked for each server, each second.
    if (this.#heardThroughMs.size === 0) {
      for (const { slot, heard } of this.#partitions.values()) {
        const others = this.#heardThroughMs.get(slot) ?? Infinity;
        this.#heardThroughMs.set(slot, Math.min(others, heard.throughMs));
      }
    }
    return this.#heardThroughMs.get(slot) ?? Number.NEGATIVE_INFINITY;
  }

  /** Where partitions ended then, monotonic. */
  ends(places: readonly PartitionOffset[], atMs: number): void {
    for (const place of places) {
      const partition = this.#partitions.get(keyOf(place));
      if (partition === undefined) continue;
      partition.knownEndOffset = place.offset;
      partition.heard.ends({ offset: place.offset, atMs }, partition.nextOffset);
      this.#heardThroughMs.clear();
      if (partition.endOffset < Infinity) continue;
      partition.endOffset = place.offset;
      this.#countBehind();
    }
  }

  /** @returns slots and partitions that were ours and are not any longer */
  assign(slots: ReadonlySet<number>, startsAt: readonly SlotStart[]) {
    // One that begins anew was another's meanwhile, or may have been.
    const isAnew = startsAt.filter((start) => this.#partitions.has(keyOf(start)));
    const anew = new Set(isAnew.map(({ slot }) => slot));
    const isGone = (slot: number): boolean => !slots.has(slot) || anew.has(slot);
    const goneSlots = new Set([...this.#slots].filter(isGone));
    const gone = [...this.#partitions.values()].filter(({ slot }) => goneSlots.has(slot));
    for (const partition of gone) this.#partitions.delete(keyOf(partition));
    for (const start of startsAt) this.#start(start);
    this.#slots = slots;
    this.#heardThroughMs.clear();
    this.#isAssigned = true;
    this.#countBehind();
    return { slots: goneSlots, partitions: gone };
  }

  /** Nothing is ours any longer, and nobody knows what will be. */
  reset(): ReturnType<Positions['assign']> {
    const gone = this.assign(new Set(), []);
    this.#isAssigned = false;
    return gone;
  }

  /**
   * What of these records is to be taken, in order; what was taken before, or is not ours, is left out.
   * @param waitedMsMax in the log, each of them
   */
  runsOf(records: readonly LogRecord[], waitedMsMax: number): Run[] {
    const isPrompt = waitedMsMax <= promptMsMax;
    const runs: { records: LogRecord[]; partition: Partition; origin: LogOrigin }[] = [];
    for (const record of records) {
      const last = runs.at(-1);
      const before = last?.partition;
      // Records come in long runs of one partition.
      const isSame = before?.topic === record.topic && before.partition === record.partition;
      const partition = isSame ? before : this.#partitions.get(keyOf(record));
      if (partition === undefined || record.offset < partition.nextOffset) continue;
      if (last?.partition === partition && !crosses(partition, last.records, record)) {
        last.records.push(record);
      } else {
        const origin = originOf(partition, record, isPrompt);
        runs.push({ records: [record], partition, origin });
      }
    }
    return runs.map(({ records, partition: { topic, partition }, origin }) => {
      const offset = (records.at(-1)?.offset ?? 0) + 1;
      return { topic, records, origin, end: { topic, partition, offset } };
    });
  }

  /** Whether these records are ours, and neither in memory nor in the store yet. */
  isNew({ topic, partition, endOffset }: UnreadableRecords): boolean {
    const known = this.#partitions.get(keyOf({ topic, partition }));
    return known !== undefined && endOffset > Math.max(known.nextOffset, known.takenThrough ?? 0);
  }

  /**
   * All records before `offset` are in memory, and in the next commit.
   * @returns whether that was not known before
   */
  taken(end: PartitionOffset): boolean {
    const key = keyOf(end);
    const partition = this.#partitions.get(key);
    if (partition === undefined || end.offset <= partition.nextOffset) return false;
    partition.nextOffset = end.offset;
    partition.heard.reached(end.offset);
    this.#heardThroughMs.clear();
    if (end.offset > this.storedThrough(end)) this.#takenThrough.set(key, this.markAt(end));
    if (this.#behind > 0) this.#countBehind();
    return true;
  }

  #start(start: SlotStart): void {
    const { topic, partition, slot, topicId, offset, endOffset, isCut = false } = start;
    const key = keyOf({ topic, partition });
    const stored = this.#takenThrough.get(key);
    const takenThrough = throughOf(stored, start);
    if (stored === undefined || takenThrough === undefined) this.#takenThrough.delete(key);
    else this.#takenThrough.set(key, { ...stored, offset: takenThrough });
    this.#partitions.set(key, {
      topic,
      partition,
      slot,
      topicId,
      endOffset,
      knownEndOffset: Number.isFinite(endOffset) ? endOffset : offset,
      heard: new Heard(),
      takenThrough,
      hasGap: takenThrough === undefined || offset > takenThrough,
      isCut,
      nextOffset: offset,
    });
  }

  #countBehind(): void {
    this.#behind = 0;
    for (const { nextOffset, endOffset } of this.#partitions.values()) {
      if (nextOffset < endOffset) this.#behind += 1;
    }
  }
}

/** How far what is in the store is what is in the log. */
function throughOf(
  stored: ReadPlace | undefined,
  { topicId, endOffset, sameBefore = Infinity }: SlotStart,
): number | undefined {
  if (stored === undefined || (stored.topicId ?? topicId) !== topicId) return undefined;
  // A log that ends before that has lost its end: what is left is in the store, and fills windows
  // again; what comes in the lost one's place is new.
  return Math.min(stored.offset, endOffset, sameBefore);
}

/** A record is of another kind than those before it. */
function crosses(
  partition: Partition,
  before: readonly LogRecord[],
  { offset }: LogRecord,
): boolean {
  const previous = before.at(-1)?.offset ?? offset;
  const passes = (mark: number | undefined): boolean =>
    mark !== undefined && previous < mark && offset >= mark;
  return passes(partition.takenThrough) || passes(partition.endOffset);
}

function originOf(from: Partition, { offset }: LogRecord, isPrompt: boolean): LogOrigin {
  const isPast = offset < from.endOffset;
  return {
    slot: from.slot,
    isReread: from.takenThrough !== undefined && offset < from.takenThrough,
    isPast,
    isPrompt: isPrompt && !isPast,
    hasGap: from.hasGap,
    isCut: from.isCut,
  };
}

export function keyOf({ topic, partition }: Pick<PartitionOffset, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

/**
 * How far back in the log the open windows reach: the offset that may be committed is the lowest
 * that some pane still needs. Pure: no clock, no I/O.
 *
 * Invariant: for each partition `committable` gives the lowest offset noted for a pane of which
 * some window is not closed, and where there is none the next offset to be read. It holds an entry
 * for each pane and partition, however many records they had.
 */
import type { RecordPlace } from '../../wire/records/record.ts';
import type { PartitionOffset } from '../../wire/transport/log/port.ts';
import { firstStartAfter, type WindowShape } from '../windows/spans.ts';

interface Partition {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to be read. */
  nextOffset: number;
}

/** What a pane has of a partition, and behind it of its others: four in all for a SEEDS A server, else one. */
interface Hold {
  readonly from: Partition;
  lowestOffset: number;
  readonly next: Hold | undefined;
}

export class HeldOffsets {
  readonly #shape: WindowShape;
  readonly #partitions = new Map<string, Partition>();
  /** Source → start of the pane → what it holds. */
  readonly #sources = new Map<number, Map<number, Hold>>();
  #newest: Partition | undefined;

  constructor(shape: WindowShape) {
    this.#shape = shape;
  }

  /** Sources that hold anything. */
  sources(): IterableIterator<number> {
    return this.#sources.keys();
  }

  /** Panes of the source that hold anything. */
  panes(source: number): number {
    return this.#sources.get(source)?.size ?? 0;
  }

  /** Reading of the partition has come so far; it is ours. */
  read({ topic, partition, offset }: PartitionOffset): void {
    const known = this.#find(topic, partition);
    if (known !== undefined) known.nextOffset = offset;
    else this.#partitions.set(keyOf(topic, partition), { topic, partition, nextOffset: offset });
  }

  /** A pane of the source needs what lies here. What is noted of a partition not `read` is ignored. */
  note(source: number, paneStartMs: number, { topic, partition, offset }: RecordPlace): void {
    const from = this.#find(topic, partition);
    if (from === undefined) return;
    let panes = this.#sources.get(source);
    if (panes === undefined) this.#sources.set(source, (panes = new Map()));
    const first = panes.get(paneStartMs);
    let hold = first;
    while (hold !== undefined && hold.from !== from) hold = hold.next;
    if (hold === undefined) panes.set(paneStartMs, { from, lowestOffset: offset, next: first });
    else if (offset < hold.lowestOffset) hold.lowestOffset = offset;
  }

  /** The windows of the source that end here or before are final. */
  closed(source: number, throughMs: number): void {
    const panes = this.#sources.get(source);
    if (panes === undefined) return;
    const keptFromMs = firstStartAfter(throughMs, this.#shape);
    for (const startMs of panes.keys()) if (startMs < keptFromMs) panes.delete(startMs);
    if (panes.size === 0) this.#sources.delete(source);
  }

  /** Nothing of the source is in memory any longer. */
  forget(source: number): void {
    this.#sources.delete(source);
  }

  /** The partition is another's; its sources are to be forgotten too. */
  drop(topic: string, partition: number): void {
    this.#partitions.delete(keyOf(topic, partition));
    this.#newest = undefined;
  }

  /** The offset of each of our partitions that a next reader must begin at. */
  committable(): PartitionOffset[] {
    const lowest = new Map<Partition, number>();
    for (const panes of this.#sources.values()) {
      for (const first of panes.values()) {
        for (let hold: Hold | undefined = first; hold !== undefined; hold = hold.next) {
          const { from, lowestOffset } = hold;
          if (lowestOffset < (lowest.get(from) ?? Infinity)) lowest.set(from, lowestOffset);
        }
      }
    }
    return [...this.#partitions.values()].map((each) => ({
      topic: each.topic,
      partition: each.partition,
      offset: Math.min(lowest.get(each) ?? Infinity, each.nextOffset),
    }));
  }

  /** Records come in long runs of one partition. */
  #find(topic: string, partition: number): Partition | undefined {
    const newest = this.#newest;
    if (newest?.topic === topic && newest.partition === partition) return newest;
    return (this.#newest = this.#partitions.get(keyOf(topic, partition)));
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/**
 * Records that are in memory alone: for the moment until they are in the file, and while the file
 * cannot be written. Bounded: beyond that the oldest go and are counted.
 */
import type { Dropped } from '../../runtime/queue/queue.ts';
import type { NewRecord } from './port.ts';

/** A record of this process; `id` once it is in the file. */
export interface Waiting extends NewRecord {
  readonly bootId: string;
  id: number | undefined;
}

/** An hour of samples; some 10 MB. */
export const heldRecordsMax = 3_600;
/** Dropped in steps of this, so that a full memory does not move everything at each tick. */
const slackRecords = 225;

export class Held {
  #records: Waiting[] = [];
  /** Dropped, and not yet counted in the file. */
  readonly #dropped = new Map<string, Dropped>();

  /** Oldest first. */
  get records(): readonly Waiting[] {
    return this.#records;
  }

  get isFull(): boolean {
    return this.#records.length >= heldRecordsMax;
  }

  push(record: Waiting): void {
    this.#records.push(record);
  }

  replace(records: readonly Waiting[]): void {
    this.#records = [...records];
  }

  /** The first ones went into the file. */
  shift(count: number): void {
    this.#records.splice(0, count);
  }

  remove(records: ReadonlySet<Waiting>): void {
    if (this.#records.length === 0) return;
    this.#records = this.#records.filter((record) => !records.has(record));
  }

  /** Drops the oldest beyond the bound, none of those `onTheirWay`. */
  bound(onTheirWay: ReadonlySet<Waiting>): void {
    if (this.#records.length <= heldRecordsMax + slackRecords) return;
    const excess = this.#records.length - heldRecordsMax;
    const going = this.#records.filter((record) => !onTheirWay.has(record)).slice(0, excess);
    for (const record of going) this.noteDropped(record.bootId, countOf([record]));
    this.remove(new Set(going));
  }

  noteDropped(bootId: string, { items, numbered }: Dropped): void {
    const sofar = this.droppedOf(bootId);
    this.#dropped.set(bootId, {
      items: sofar.items + items,
      numbered: sofar.numbered + numbered,
    });
  }

  droppedOf(bootId: string): Dropped {
    return this.#dropped.get(bootId) ?? { items: 0, numbered: 0 };
  }

  get dropped(): number {
    return [...this.#dropped.values()].reduce((sum, { items }) => sum + items, 0);
  }

  get droppedByBoot(): readonly (readonly [bootId: string, dropped: Dropped])[] {
    return [...this.#dropped];
  }

  /** What was dropped of this boot is counted elsewhere from now on. */
  forgetDropped(bootId: string): void {
    this.#dropped.delete(bootId);
  }
}

export function countOf(records: readonly NewRecord[]): Dropped {
  return { items: records.length, numbered: records.filter(({ seq }) => seq !== null).length };
}

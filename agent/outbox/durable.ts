/**
 * The agent's outbox: every record is in a file before it is sent, and leaves it when the
 * collector has it.
 *
 * Where a record is: in the file (`id` set), or in memory (`#held`) while the file cannot be
 * written; the newest of this process are in `#live` besides, so that sending them reads nothing.
 * While the file cannot be written, only what is in memory is sent: what is in the file could not
 * be taken out of it. A file found damaged is set aside, and what memory knows goes into a new one.
 */
import { existsSync } from 'node:fs';
import { WindrowError } from '../../runtime/errors.ts';
import { isDamage } from '../../runtime/queue/damage.ts';
import {
  openQueueFile,
  type QueueFile,
  type QueueFileOptions,
  setQueueFileAside,
} from '../../runtime/queue/file.ts';
import type { QueuedItem, QueueItem } from '../../runtime/queue/item.ts';
import { countOf, Held, heldRecordsMax, type Waiting } from './held.ts';
import { fitting, leaseRecordsMax } from './lease-size.ts';
import type { Lease, NewRecord, Outbox, WaitingFacts } from './port.ts';
import { Trouble } from './trouble.ts';

/** The newest records, which go before all others. */
export const liveRecordsMax = 30;
/** Boot id of what was dropped when nobody could tell any more whose it was. */
const unknownBoot = '';
/** The beginning of time: of a file that was not read yet anything may wait. */
const anyTimeMs = 0;

export interface DurableOutboxOptions extends QueueFileOptions {
  /** Of this process. */
  readonly bootId: string;
}

interface Taken {
  readonly records: readonly Waiting[];
  readonly isLive: boolean;
}

export class DurableOutbox implements Outbox {
  readonly #options: DurableOutboxOptions;
  readonly #trouble: Trouble;
  readonly #held = new Held();
  readonly #taken = new Map<Lease, Taken>();
  #file: QueueFile | undefined;
  #live: Waiting[] = [];
  /** As last read: told on while the file cannot be read. */
  #earliestInFileMs: number | undefined;

  /** @throws WindrowError `store_newer`; of other trouble with the file the log tells */
  constructor(options: DurableOutboxOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.clock, options.log);
    this.#earliestInFileMs = existsSync(options.path) ? anyTimeMs : undefined;
    this.#store();
  }

  get size(): number {
    return (this.#file?.size ?? 0) + this.#held.records.length;
  }

  get dropped(): number {
    return this.#held.dropped + this.#read((file) => file.dropped().items, 0);
  }

  add(record: NewRecord): void {
    const waiting: Waiting = { ...record, bootId: this.#options.bootId, id: undefined };
    this.#live.push(waiting);
    if (this.#live.length > liveRecordsMax) this.#live.shift();
    this.#held.push(waiting);
    if (this.#trouble.mayTry) this.#store();
    this.#held.bound(this.#onTheirWay());
  }

  takeLive(): Lease | undefined {
    const records = fitting(this.#live);
    this.#live.splice(0, records.length);
    return this.#take(records, true);
  }

  takeBacklog(): Lease | undefined {
    const waiting = this.#trouble.isOn ? this.#backlogInMemory() : this.#backlogInFile();
    const bootId = waiting[0]?.bootId;
    const end = waiting.findIndex((record) => record.bootId !== bootId);
    return this.#take(fitting(waiting.slice(0, end < 0 ? undefined : end)), false);
  }

  factsOf(lease: Lease): WaitingFacts {
    const own = this.#taken.get(lease)?.records ?? [];
    const ownIds = idsOf(own);
    const earliestMs = this.#read((file) => file.earliestMs(ownIds), this.#earliestInFileMs);
    this.#earliestInFileMs = earliestMs;
    const inFile = this.#oldestInFile(lease.bootId);
    const dropped = this.#read((file) => file.dropped(lease.bootId).numbered, 0);
    const numbered = this.#held.records.filter(({ seq }) => seq !== null);
    const others = numbered.filter((record) => !own.includes(record)).map(({ atMs }) => atMs);
    const inMemory = numbered.find(({ bootId }) => bootId === lease.bootId)?.seq;
    return {
      // Told too high it would be believed: the collector counts as lost what lies below.
      oldestOutstandingSeq: inFile === undefined ? undefined : least([inFile, inMemory]),
      pendingFromMs: least([earliestMs, ...others]),
      dropped: dropped + this.#held.droppedOf(lease.bootId).numbered,
      waiting: this.size - own.length,
    };
  }

  acknowledge(lease: Lease): void {
    const records = this.#end(lease);
    this.#held.remove(new Set(records));
    this.#file?.delivered(idsOf(records));
  }

  discard(lease: Lease, refused = lease.records): void {
    this.#held.noteDropped(lease.bootId, countOf(refused));
    this.acknowledge(lease);
  }

  giveBack(lease: Lease): void {
    const isLive = this.#taken.get(lease)?.isLive === true;
    const records = this.#end(lease);
    if (isLive) this.#live = [...records, ...this.#live].slice(-liveRecordsMax);
  }

  async close(): Promise<void> {
    // Nothing is on its way any longer: all of it may be moved and dropped.
    this.#taken.clear();
    this.#live = [];
    this.#store();
    const lost = this.#held.records.length;
    if (lost > 0)
      this.#options.log.error({ records: lost }, 'records that were only in memory are lost');
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Moves what memory holds into the file, oldest first. */
  #store(): void {
    try {
      const file = (this.#file ??= openQueueFile(this.#options));
      while (this.#held.records.length > 0) this.#storeOldest(file);
      for (const [bootId, dropped] of this.#held.droppedByBoot) {
        file.noteDropped(bootId, dropped);
        this.#held.forgetDropped(bootId);
      }
      this.#trouble.worked();
    } catch (error) {
      this.#failed(error);
    }
  }

  #storeOldest(file: QueueFile): void {
    const records = fitting(this.#held.records);
    const { ids } = file.add(records.map(itemOf), {
      // Those may arrive yet, though the file forgot them, and would be counted as dropped all the same.
      keep: idsOf([...this.#onTheirWay(), ...this.#live]),
      // What fits into memory is not worth dropping what is safe in the file.
      mayDropWhenLow: file.size > heldRecordsMax || this.#held.isFull,
    });
    records.forEach((record, index) => {
      record.id = ids[index];
    });
    this.#held.shift(records.length);
  }

  #failed(error: unknown): void {
    // It waits for the newer agent, whatever is tried here.
    if (error instanceof WindrowError && error.code === 'store_newer') throw error;
    if (this.#file === undefined || !isDamage(error)) return this.#trouble.failed(error);
    const inMemory = [...this.#onTheirWay(), ...this.#live].filter(({ id }) => id !== undefined);
    const known = [...new Set(inMemory)].sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
    const lost = Math.max(0, this.#file.size - known.length);
    for (const record of known) record.id = undefined;
    this.#held.replace([...known, ...this.#held.records]);
    this.#held.noteDropped(unknownBoot, { items: lost, numbered: lost });
    this.#file.abandon();
    this.#file = undefined;
    try {
      setQueueFileAside(this.#options, error);
      this.#store();
    } catch (again) {
      this.#trouble.failed(again);
    }
  }

  /**
   * Null when it has none of the boot, undefined when it cannot be read. Before the file was opened
   * only this process' records are sent, and of those it has none.
   */
  #oldestInFile(bootId: string): number | null | undefined {
    if (this.#file === undefined) return null;
    return this.#read((file) => file.oldestNumber(bootId) ?? null, undefined);
  }

  #read<T>(read: (file: QueueFile) => T, otherwise: T): T {
    if (this.#file === undefined) return otherwise;
    try {
      return read(this.#file);
    } catch (error) {
      this.#failed(error);
      return otherwise;
    }
  }

  #backlogInFile(): Waiting[] {
    const except = idsOf([...this.#onTheirWay()]);
    const beforeId = this.#live[0]?.id;
    const rows = this.#read((file) => file.oldest(leaseRecordsMax, { beforeId, except }), []);
    return rows.map(waitingOf);
  }

  #backlogInMemory(): Waiting[] {
    const elsewhere = new Set([...this.#live, ...this.#onTheirWay()]);
    return this.#held.records.filter((record) => !elsewhere.has(record));
  }

  #onTheirWay(): Set<Waiting> {
    return new Set([...this.#taken.values()].flatMap(({ records }) => records));
  }

  #take(records: readonly Waiting[], isLive: boolean): Lease | undefined {
    const [first] = records;
    if (first === undefined) return undefined;
    const lease = { bootId: first.bootId, records };
    this.#taken.set(lease, { records, isLive });
    return lease;
  }

  #end(lease: Lease): readonly Waiting[] {
    const records = this.#taken.get(lease)?.records ?? [];
    this.#taken.delete(lease);
    return records;
  }
}

function itemOf({ bootId, seq, atMs, line }: Waiting): QueueItem {
  return { lane: bootId, no: seq, atMs, body: line };
}

function waitingOf({ id, lane, no, atMs, body }: QueuedItem): Waiting {
  return { id, bootId: lane, seq: no, atMs, line: body };
}

function idsOf(records: readonly Waiting[]): number[] {
  return records.flatMap(({ id }) => (id === undefined ? [] : [id]));
}

function least(values: readonly (number | null | undefined)[]): number | undefined {
  const known = values.filter((value) => typeof value === 'number');
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * One partition of blocks that is ours: its chunks are dealt with one after the other.
 *
 * Invariant: `committable` lies behind no record that is in hand or needed by a block in progress.
 */
import type { LogRecord } from '../../wire/transport/log/port.ts';
import type { BlockReceiver } from './receiver.ts';

export class LogLane {
  readonly partition: number;
  committedOffset: number;
  readonly #receiver: Pick<BlockReceiver, 'oldestNeeded' | 'forgetLane'>;
  readonly #ended = new AbortController();
  /** Of what is in hand: where reading would have to begin for it. */
  readonly #neededFrom = new Set<{ readonly offset: number }>();
  #nextOffset: number;
  #tail: Promise<void> = Promise.resolve();

  constructor(
    { partition, offset }: { readonly partition: number; readonly offset: number },
    receiver: Pick<BlockReceiver, 'oldestNeeded' | 'forgetLane'>,
  ) {
    this.partition = partition;
    this.committedOffset = offset;
    this.#nextOffset = offset;
    this.#receiver = receiver;
  }

  /** As the receiver knows it. */
  get name(): string {
    return String(this.partition);
  }

  /** Aborts when the partition is ours no longer. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get committable(): number {
    const inHand = [...this.#neededFrom].map(({ offset }) => offset);
    return Math.min(this.#nextOffset, this.#oldestNeeded(), ...inHand);
  }

  /** @param work resolves to whether all was done that the record asks for; never rejects */
  add(record: LogRecord, work: () => Promise<boolean>): void {
    const inHand = { offset: record.offset };
    this.#neededFrom.add(inHand);
    this.#nextOffset = record.offset + 1;
    this.#tail = this.#tail.then(async () => {
      // Until its acknowledgment is in the log the block is to be read again as a whole.
      const needed = { offset: Math.min(record.offset, this.#oldestNeeded()) };
      this.#neededFrom.add(needed).delete(inHand);
      if (await work()) this.#neededFrom.delete(needed);
    });
  }

  /** All before it was read, be it chunks or none. */
  reached(offset: number): void {
    this.#nextOffset = Math.max(this.#nextOffset, offset);
  }

  /** No more of it is dealt with; resolves when nothing is being done. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#tail;
  }

  /** It is another's: what is on its way of it is given up. */
  async drop(): Promise<void> {
    await this.stop();
    await this.#receiver.forgetLane(this.name);
  }

  #oldestNeeded(): number {
    return Number(this.#receiver.oldestNeeded(this.name) ?? Infinity);
  }
}

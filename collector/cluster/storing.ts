/** The store, to whoever takes in from a log: waits for it, and tells when others had better have our share. */
import type { Clock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import { unlessAborted } from '../../runtime/unless-aborted.ts';
import type { StoreWriter } from '../store/writer.ts';

/** Rows that wait for a commit of the store before more is read. */
const waitingRowsMax = 40_000;
/**
 * Whoever could store nothing for so long gives its share to the others: they have half a minute then
 * until windows of the fleet are made without these servers, and what is over sooner moves nothing.
 */
const unstoredMsMax = 30_000;

export class Storing {
  readonly #writer: StoreWriter;
  readonly #clock: Clock;

  constructor(writer: StoreWriter, clock: Clock) {
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Nothing more is to be taken in now. */
  get isFull(): boolean {
    return this.#writer.failure !== undefined || this.#writer.group.rows >= waitingRowsMax;
  }

  /** Nothing could be stored for so long that others should. */
  get isGivenUp(): boolean {
    const sinceMs = this.#writer.failingSinceMs;
    return sinceMs !== undefined && this.#clock.monotonicMs() - sinceMs >= unstoredMsMax;
  }

  /** Resolves when there is room for more. @throws WindrowError `aborted` */
  async room(signal: AbortSignal): Promise<void> {
    if (this.isFull) await this.#until(() => this.#writer.room(), signal);
  }

  /** Resolves when all that is in memory now is on disk, however often it takes. @throws WindrowError `aborted` */
  async stored(signal: AbortSignal): Promise<void> {
    // There is nothing to gather any more.
    if (!this.#writer.isStored) await this.#until(() => this.#writer.committed(0), signal);
  }

  async #until(done: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const isDone = done().then(
        () => true,
        // The writer tells why. It keeps what it has and tries again.
        () => false,
      );
      if (await unlessAborted(isDone, signal, 'waiting for the store')) return;
    }
  }
}

/** What people are told then. */
export function gaveUp(): WindrowError {
  const seconds = unstoredMsMax / 1_000;
  return new WindrowError('store_unavailable', `nothing could be stored for ${seconds} s`, {
    hint: 'Other collectors of its group get its servers until something can be stored again; where there are none, all waits at the brokers.',
  });
}

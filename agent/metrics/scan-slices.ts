/**
 * A scan of all processes in slices: 7,000 of them cannot be read in one go without holding the
 * loop, so a scan lets others run in between.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../runtime/clock.ts';
import { WindrowError } from '../../runtime/errors.ts';
import type { ProcessScan } from './source.ts';

/** How long a scan holds the loop before it lets others run. */
const sliceMs = 4;
/** Looks between two at the clock; they take a tenth of a millisecond. */
const looksAtOnce = 8;

export interface Slices {
  /** To be asked behind each look at a process: whether it is time to `rest`. */
  areOver(): boolean;
  /** Rejects with WindrowError `aborted` when the scan was stopped meanwhile. */
  rest(): Promise<void>;
}

/** Invariant: one scan runs at most, and none begins after `close`. */
export class ScanRunner {
  readonly #clock: Clock;
  #running: Promise<ProcessScan> | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs a scan; while one runs, its result is returned, and its signal is the one that counts.
   * Rejects with WindrowError `aborted` when the signal is aborted or the runner closed.
   */
  run(signal: AbortSignal, scan: (slices: Slices) => Promise<ProcessScan>): Promise<ProcessScan> {
    this.#running ??= this.#run(signal, scan).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Stops a scan that runs; may be called twice. */
  close(): void {
    this.#closed = true;
  }

  async #run(
    signal: AbortSignal,
    scan: (slices: Slices) => Promise<ProcessScan>,
  ): Promise<ProcessScan> {
    const throwIfStopped = (): void => {
      if (!signal.aborted && !this.#closed) return;
      throw new WindrowError('aborted', 'the process scan was stopped', { cause: signal.reason });
    };
    throwIfStopped();
    const clock = this.#clock;
    let looks = 0;
    let sliceEndsMs = clock.monotonicMs() + sliceMs;
    const scanned = await scan({
      areOver() {
        looks += 1;
        return looks % looksAtOnce === 0 && clock.monotonicMs() >= sliceEndsMs;
      },
      async rest() {
        await setImmediate();
        throwIfStopped();
        sliceEndsMs = clock.monotonicMs() + sliceMs;
      },
    });
    throwIfStopped();
    return scanned;
  }
}

/**
 * Which failures of something that is tried again and again are told: one line for one fault.
 *
 * A fault that may pass, or show itself better (`graceMs`), is told only when it lasts. Each one is
 * told once until all is over, since faults may alternate and what lasts must not fill a log.
 */
import type { Clock } from './clock.ts';
import { messageOf, WindrowError } from './errors.ts';

/** Different faults that are told until it is over: some have numbers in them that change. */
const faultsMax = 20;

export class Telling {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #told = new Set<string>();
  /** It has failed since then without any fault that was told, monotonic. */
  #untoldSinceMs: number | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** @returns whether to tell it */
  failed(error: unknown): boolean {
    const { fault, graceMs } = faultOf(error);
    if (this.#told.has(fault)) {
      this.#untoldSinceMs = undefined;
      return false;
    }
    const nowMs = this.#clock.monotonicMs();
    this.#untoldSinceMs ??= nowMs;
    if (nowMs - this.#untoldSinceMs < graceMs || this.#told.size >= faultsMax) return false;
    this.#told.add(fault);
    this.#untoldSinceMs = undefined;
    return true;
  }

  /** It has worked, or all is to be told anew. @returns whether anything had been told */
  over(): boolean {
    const wasTold = this.#told.size > 0;
    this.#told.clear();
    this.#untoldSinceMs = undefined;
    return wasTold;
  }
}

function faultOf(error: unknown): Pick<WindrowError, 'fault' | 'graceMs'> {
  return error instanceof WindrowError ? error : { fault: messageOf(error), graceMs: 0 };
}

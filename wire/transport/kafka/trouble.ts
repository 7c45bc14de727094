/** What goes on failing is tried again, less and less often; `Telling` says what of it is told. */
import { type BackoffLimits, fullJitterMs } from '../../../runtime/backoff.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type { WindrowError } from '../../../runtime/errors.ts';
import { Telling } from '../../../runtime/telling.ts';

/** By fault, who has told it. */
export type ToldFaults = Map<string, Trouble>;

const backoff: BackoffLimits = { baseMs: 250, capMs: 10_000 };

export class Trouble {
  readonly #log: Logger;
  readonly #backMessage: string;
  readonly #told: ToldFaults;
  readonly #telling = new Telling(systemClock);
  #failures = 0;

  /**
   * @param told shared by several that have one and the same fault where a broker is away: one of them
   *   tells it. Where that one is over it, and another is not, that tells it.
   */
  constructor(log: Logger, backMessage: string, told: ToldFaults = new Map()) {
    this.#log = log;
    this.#backMessage = backMessage;
    this.#told = told;
  }

  over(): void {
    for (const [fault, by] of this.#told) if (by === this) this.#told.delete(fault);
    if (this.#telling.over()) this.#log.info(this.#backMessage);
    this.#failures = 0;
  }

  /** Tells it and waits before the next try. */
  async failed(error: WindrowError, signal: AbortSignal): Promise<void> {
    const { message, hint, fault } = error;
    const isOurs = (this.#told.get(fault) ?? this) === this;
    if (!signal.aborted && isOurs && this.#telling.failed(error)) {
      this.#told.set(fault, this);
      this.#log.warn(hint === undefined ? {} : { hint }, message);
    }
    await pause(fullJitterMs(this.#failures, backoff, Math.random), signal);
    this.#failures += 1;
  }
}

/** What goes on failing is tried again, less and less often; `Telling` says what of it is told. */
import { type BackoffLimits, fullJitterMs } from '../../../runtime/backoff.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type { WindrowError } from '../../../runtime/errors.ts';
import { Telling } from '../../../runtime/telling.ts';

const backoff: BackoffLimits = { baseMs: 250, capMs: 10_000 };

export class Trouble {
  readonly #log: Logger;
  readonly #backMessage: string;
  readonly #telling = new Telling(systemClock);
  #failures = 0;

  constructor(log: Logger, backMessage: string) {
    this.#log = log;
    this.#backMessage = backMessage;
  }

  over(): void {
    if (this.#telling.over()) this.#log.info(this.#backMessage);
    this.#failures = 0;
  }

  /** Tells it and waits before the next try. */
  async failed(error: WindrowError, signal: AbortSignal): Promise<void> {
    const { message, hint } = error;
    if (!signal.aborted && this.#telling.failed(error)) {
      this.#log.warn(hint === undefined ? {} : { hint }, message);
    }
    await pause(fullJitterMs(this.#failures, backoff, Math.random), signal);
    this.#failures += 1;
  }
}

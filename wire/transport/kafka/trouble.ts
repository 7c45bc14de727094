/** What goes on failing is told once, and again when it is another failure or is over. */
import { type BackoffLimits, fullJitterMs } from '../../../runtime/backoff.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import type { Logger } from '../../../runtime/logging.ts';
import type { WindrowError } from '../../../runtime/errors.ts';

const backoff: BackoffLimits = { baseMs: 250, capMs: 10_000 };

export class Trouble {
  readonly #log: Logger;
  readonly #backMessage: string;
  #failures = 0;
  #told: string | undefined;

  constructor(log: Logger, backMessage: string) {
    this.#log = log;
    this.#backMessage = backMessage;
  }

  over(): void {
    if (this.#told !== undefined) this.#log.info(this.#backMessage);
    this.#told = undefined;
    this.#failures = 0;
  }

  /** Tells it and waits before the next try. */
  async failed({ message, hint }: WindrowError, signal: AbortSignal): Promise<void> {
    if (message !== this.#told && !signal.aborted) {
      this.#log.warn(hint === undefined ? {} : { hint }, message);
      this.#told = message;
    }
    await pause(fullJitterMs(this.#failures, backoff, Math.random), signal);
    this.#failures += 1;
  }
}

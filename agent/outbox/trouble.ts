/** When a file that cannot be written is tried again, and how seldom that is told. */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';

const retryEveryMs = 10_000;
const logEveryMs = 5 * 60_000;

export class Trouble {
  readonly #clock: Clock;
  readonly #log: Logger;
  #triedMs: number | undefined;
  #loggedMs = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#triedMs !== undefined;
  }

  /** Whether the file should be written now: always while all is well, now and then otherwise. */
  get mayTry(): boolean {
    return this.#triedMs === undefined || this.#clock.monotonicMs() - this.#triedMs >= retryEveryMs;
  }

  failed(error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    const isTold = this.isOn && nowMs - this.#loggedMs < logEveryMs;
    this.#triedMs = nowMs;
    if (isTold) return;
    this.#loggedMs = nowMs;
    this.#log.warn(
      { error: messageOf(error) },
      'the outbox cannot be written; records wait in memory',
    );
  }

  worked(): void {
    if (!this.isOn) return;
    this.#triedMs = undefined;
    this.#log.info('the outbox can be written again');
  }
}

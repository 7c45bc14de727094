/** What follows a failure: how long to wait for the next try, and how seldom it is told. */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { Telling } from '../../runtime/telling.ts';
import { retryMsMax } from '../../wire/transport/port.ts';

const backoff: BackoffLimits = { baseMs: 500, capMs: retryMsMax };
/** While it goes on failing, it is told again so long after the last line; another fault is told at once. */
const logEveryMs = 5 * 60_000;

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** What waits meanwhile: `samples`. */
  readonly what: string;
  /** Told when it works again. */
  readonly backMessage: string;
  /** What a log line says besides. */
  readonly facts: () => object;
}

export class Retry {
  readonly #options: RetryOptions;
  readonly #telling: Telling;
  #failures = 0;
  #toldMs: number | undefined;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#telling = new Telling(options.clock);
  }

  get isFailing(): boolean {
    return this.#failures > 0;
  }

  worked(): void {
    const { log, facts, backMessage } = this.#options;
    if (this.#telling.over()) log.info(facts(), backMessage);
    this.#failures = 0;
    this.#toldMs = undefined;
  }

  /** @returns how long to wait: what the other side asks for and some by chance, so that agents do not come in step */
  failed(error: unknown): number {
    this.#tell(error);
    const askedMs = error instanceof WindrowError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = askedMs + fullJitterMs(this.#failures, backoff, this.#options.random);
    this.#failures += 1;
    return waitMs;
  }

  #tell(error: unknown): void {
    const { clock, log, facts, what } = this.#options;
    const nowMs = clock.monotonicMs();
    const isNews = this.#telling.failed(error);
    const isDue = this.#toldMs !== undefined && nowMs - this.#toldMs >= logEveryMs;
    if (!isNews && !isDue) return;
    this.#toldMs = nowMs;
    const hint = error instanceof WindrowError ? error.hint : undefined;
    log.warn(
      { ...facts(), ...(hint === undefined ? {} : { hint }) },
      `${messageOf(error)}; ${what} wait`,
    );
  }
}

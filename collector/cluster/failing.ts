/** What goes on failing, in the log: `Telling` says what of it. */
import type { Clock } from '../../runtime/clock.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';
import { Telling } from '../../runtime/telling.ts';

export class Failing {
  readonly #log: Logger;
  readonly #telling: Telling;

  constructor(log: Logger, clock: Pick<Clock, 'monotonicMs'>) {
    this.#log = log;
    this.#telling = new Telling(clock);
  }

  /** @param follows what comes of it, for people */
  failed(error: unknown, follows: string, facts: Readonly<Record<string, unknown>> = {}): void {
    if (!this.#telling.failed(error)) return;
    const hint = error instanceof WindrowError ? error.hint : undefined;
    const all = { ...facts, ...(hint === undefined ? {} : { hint }) };
    this.#log.warn(all, `${messageOf(error)}; ${follows}`);
  }

  /** @returns whether anything had been told */
  over(): boolean {
    return this.#telling.over();
  }
}

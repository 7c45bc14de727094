/**
 * What goes on failing: each reason is told once until it is over. Reasons may alternate, and what
 * lasts must not fill the log.
 */
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logging.ts';

/** Different reasons that are told of one failing: some have numbers in them that change. */
const reasonsMax = 20;

export class Failing {
  readonly #log: Logger;
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param follows what comes of it, for people */
  failed(error: unknown, follows: string, facts: Readonly<Record<string, unknown>> = {}): void {
    const reason = messageOf(error);
    if (this.#told.has(reason) || this.#told.size >= reasonsMax) return;
    this.#told.add(reason);
    const hint = error instanceof WindrowError ? error.hint : undefined;
    this.#log.warn({ ...facts, ...(hint === undefined ? {} : { hint }) }, `${reason}; ${follows}`);
  }

  /** @returns whether anything had been told */
  over(): boolean {
    const wasTold = this.#told.size > 0;
    this.#told.clear();
    return wasTold;
  }
}

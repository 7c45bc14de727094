/**
 * Notices whose alert is not in the topic yet as they tell it. One that is told before, by somebody
 * who is killed then, is told again by whoever goes on, who knows nothing of it: where the clock
 * was the reason, under another id. So it waits for the topic, but not for ever: people must hear
 * of alerts also while nothing can be written there. Pure.
 *
 * Invariant: a notice is held from when it is to be told until the topic has it, or for
 * `unpublishedToldMs` at most; what is not held any longer goes with the next one that is.
 */
import type { Clock } from '../../../runtime/clock.ts';
import { type AlertNotice, noticeMark } from '../../alerts/alert.ts';

/**
 * So long after it was judged a notice is told, though the topic has not taken it. Whoever is cut off
 * from the brokers has lost its share by then, and tells nothing: that takes it a session (10 s) and
 * two requests that nobody answers (5 s each).
 */
export const unpublishedToldMs = 25_000;

type Named = Pick<AlertNotice, 'id' | 'status'>;

export class UnpublishedNotices {
  readonly #clock: Clock;
  /** By mark, the oldest first; monotonic. */
  readonly #sinceMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It is to be told, from now on. */
  add(notice: Named): void {
    for (const [mark, sinceMs] of this.#sinceMs) {
      if (!this.#isWithin(sinceMs)) this.#sinceMs.delete(mark);
      else break;
    }
    const mark = noticeMark(notice);
    if (!this.#sinceMs.has(mark)) this.#sinceMs.set(mark, this.#clock.monotonicMs());
  }

  /** Marks of those that are here. */
  among(notices: readonly Named[]): string[] {
    return notices.map(noticeMark).filter((mark) => this.#sinceMs.has(mark));
  }

  /** @param marks see `among` @returns whether any of them was here still */
  published(marks: readonly string[]): boolean {
    return marks.filter((mark) => this.#sinceMs.delete(mark)).length > 0;
  }

  isHeld(notice: Named): boolean {
    const sinceMs = this.#sinceMs.get(noticeMark(notice));
    return sinceMs !== undefined && this.#isWithin(sinceMs);
  }

  #isWithin(sinceMs: number): boolean {
    return this.#clock.monotonicMs() - sinceMs < unpublishedToldMs;
  }
}

/**
 * How long ago a group heard of a member at the latest: once its session has ended its share may be
 * another's, also where the member has not noticed because it stood still (a stopped process, a
 * machine that slept).
 */
import type { Clock } from '../../../runtime/clock.ts';

/** Who is not heard for so long is out, and the others take over. */
export const sessionMs = 10_000;

type Moment = Readonly<Record<keyof Clock, number>>;

export class Session {
  readonly #clock: Clock;
  #heard: Moment | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it cannot have ended yet. */
  get isOpen(): boolean {
    if (this.#heard === undefined) return false;
    const now = this.#now();
    // Of the clocks one stands still while the machine sleeps, the other one may be set.
    const monotonicMs = now.monotonicMs - this.#heard.monotonicMs;
    return Math.max(monotonicMs, now.wallMs - this.#heard.wallMs) < sessionMs;
  }

  /** What the group answers was heard by it after it was asked, so that is when it counts from. */
  async hearing<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.#now();
    const answer = await ask();
    this.#heard = asked;
    return answer;
  }

  #now(): Moment {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }
}

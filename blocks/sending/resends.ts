/**
 * How often one block was sent again, and how long to wait before the next time. Each reason waits by
 * itself: a block for which there was no room for long is not late for that when it is damaged once.
 */
import { type BackoffLimits, fullJitterMs } from '../../runtime/backoff.ts';
import { backoff } from './patience.ts';

/** Of a block that was not good there, each after a longer wait. */
const resendsMax = 5;
/** What is refused fills the log each time, and somebody may have to make room first. */
const laterBackoff: BackoffLimits = { baseMs: 1_000, capMs: 10 * 60_000 };
/**
 * After silence it is sent again: the log may have lost it. Receivers may take their time for a block
 * (`processMsMax`), have no room or be away, and each time fills the log, so the next comes later by
 * twice as much.
 */
const silentResendMsMin = 15 * 60_000;
const silentResendMsMax = 24 * 3_600_000;

/** Refused: there is no room for now. */
export type ResendCause = 'failed' | 'refused' | 'silent';

export class Resends {
  readonly #times: Record<ResendCause, number> = { failed: 0, refused: 0, silent: 0 };

  get count(): number {
    const { failed, refused, silent } = this.#times;
    return failed + refused + silent;
  }

  get wasRefused(): boolean {
    return this.#times.refused > 0;
  }

  /** So long its acknowledgment is waited for. */
  get silentMs(): number {
    return Math.min(silentResendMsMin * 2 ** this.#times.silent, silentResendMsMax);
  }

  /** Counts one. @returns ms to wait before it; undefined: it was sent often enough */
  next(cause: ResendCause, random: () => number): number | undefined {
    const before = this.#times[cause];
    if (cause === 'failed' && before === resendsMax) return undefined;
    this.#times[cause] += 1;
    return fullJitterMs(before, cause === 'refused' ? laterBackoff : backoff, random);
  }
}

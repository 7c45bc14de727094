/** Since when who sends could be heard, and for how long somebody was not: what could not be heard tells nothing. */
import type { Clock } from '../../runtime/clock.ts';
import { retryMsMax, tryMsMax } from '../../wire/transport/port.ts';
import type { Source } from '../ingest/source.ts';

/** Ticks come each second; after a longer pause (a stopped process, a frozen machine) nothing could be heard in it. */
const tickGapMsMax = 10_000;
/**
 * Who sent while nobody could be heard is in a try that fails, or waits for its next one: until both
 * are over it may be up all the same.
 */
const backMsMax = tryMsMax + retryMsMax;

export interface HearingOptions {
  readonly clock: Clock;
  /** Whether what is sent is taken in: not while the store cannot be written. */
  readonly hears: () => boolean;
  /** Absent: what is sent comes here at once. */
  readonly share?: { readonly heardThroughMs: (source: Source) => number } | undefined;
}

export class Hearing {
  readonly #options: HearingOptions;
  #sinceMs = Number.POSITIVE_INFINITY;
  #tickedMs = Number.POSITIVE_INFINITY;

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#sinceMs = this.#options.clock.monotonicMs();
    this.#tickedMs = this.#sinceMs;
  }

  /** Once a second. */
  tick(): void {
    const { clock, hears } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!hears() || nowMs - this.#tickedMs > tickGapMsMax) this.#sinceMs = nowMs;
    this.#tickedMs = nowMs;
  }

  /** For how long nothing came of a source of ours although something could have. */
  quietMs(source: Source): number {
    return this.#throughMs(source) - Math.max(source.lastSeenMonotonicMs, this.#sinceMs);
  }

  /** Whether it was heard since somebody could be. */
  isHeard({ lastSeenMonotonicMs }: Source): boolean {
    return lastSeenMonotonicMs > this.#sinceMs;
  }

  /** Whether nothing came of a source of ours for so long, and something would have if it were up. */
  isSilent(source: Source, silentMs: number): boolean {
    const quietMsMax = this.isHeard(source) ? silentMs : Math.max(silentMs, backMsMax);
    return this.quietMs(source) >= quietMsMax;
  }

  /** For how long nothing came, of any source: of its own another collector tells by the clock on the wall, while we can hear it. */
  unheardMs(source: Source): number {
    if (source.isOurs) return this.quietMs(source);
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const deafMs = nowMs - this.#throughMs(source);
    return Math.min(clock.wallMs() - source.lastSeenMs, nowMs - this.#sinceMs) - deafMs;
  }

  #throughMs(source: Source): number {
    const { clock, share } = this.#options;
    return Math.min(clock.monotonicMs(), share?.heardThroughMs(source) ?? Infinity);
  }
}

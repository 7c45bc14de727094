/**
 * How far a sender's clock is from ours, from when its batches were sent and when they came.
 *
 * What a batch shows is the offset less its time on the way, so the highest is the nearest to the
 * truth: a batch that the network kept for a while shows less, and says nothing of the clock.
 *
 * Invariant: the highest holds each measurement for `holdMsMax` less `partMs` at least, and for
 * `holdMsMax` at most. So a clock that was set back shows after that time, one set forward at once.
 *
 * The other way round with what is steady: the lowest of these highest, once they are as old. A
 * clock that jumps for a moment never shows in it.
 */

/** The highest of this last while counts. */
export const holdMsMax = 60_000;
/** One highest is kept for each part of it. */
const partMs = 10_000;

interface Part {
  /** When its first measurement was made, monotonic. */
  readonly fromMs: number;
  highestMs: number;
}

export class ClockOffset {
  /** Ascending by time, over `holdMsMax`, and the newest before that. */
  readonly #parts: Part[] = [];
  #steadyMs: number | undefined;

  /** What has been measured for `holdMsMax` at least, when it was measured last; undefined until then. */
  get steadyMs(): number | undefined {
    return this.#steadyMs;
  }

  /**
   * @param offsetMs the sender's clock when it sent, minus ours when it came
   * @param nowMs monotonic
   * @returns the highest measured lately
   */
  note(offsetMs: number, nowMs: number): number {
    while (nowMs - (this.#parts[1]?.fromMs ?? nowMs) >= holdMsMax) this.#parts.shift();
    const newest = this.#parts.at(-1);
    if (newest !== undefined && nowMs - newest.fromMs < partMs) {
      newest.highestMs = Math.max(newest.highestMs, offsetMs);
    } else {
      this.#parts.push({ fromMs: nowMs, highestMs: offsetMs });
    }
    const [oldest] = this.#parts;
    const isSteady = oldest !== undefined && nowMs - oldest.fromMs >= holdMsMax;
    const highest = this.#parts.map((part) => part.highestMs);
    this.#steadyMs = isSteady ? Math.min(...highest) : undefined;
    return Math.max(...(isSteady ? highest.slice(1) : highest));
  }
}

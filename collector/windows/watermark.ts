/**
 * How far a source's event time is known to have come.
 *
 * A source may speak in several lanes (a SEEDS A server sends each metric in a topic of its own)
 * that run apart from each other, so what all lanes have passed is the minimum over those seen.
 */
import { assert } from './assert.ts';

/** SEEDS A has four topics; own samples use lane 0 alone. */
export const lanesMax = 4;

export class Lanes {
  /** Newest event of each lane; −∞ = not seen yet. */
  readonly #newestMs: Float64Array = new Float64Array(lanesMax).fill(-Infinity);
  /** Minimum over the lanes seen; +∞ before any. */
  lowestMs = Infinity;
  /** Maximum over the lanes seen; −∞ before any. */
  highestMs = -Infinity;

  see(lane: number, tsMs: number): void {
    assert(lane >= 0 && lane < lanesMax, 'the lane is one of lanesMax');
    if (tsMs <= this.#newestMs[lane]!) return;
    this.#newestMs[lane] = tsMs;
    this.#findLowest();
    if (tsMs > this.highestMs) this.highestMs = tsMs;
  }

  /** The lane has fallen silent: it holds nothing up until it is seen again. */
  forget(lane: number): void {
    this.#newestMs[lane] = -Infinity;
    this.#findLowest();
  }

  #findLowest(): void {
    let lowest = Infinity;
    // By number: an iterator would be made for nearly every sample.
    for (let lane = 0; lane < lanesMax; lane++) {
      const ms = this.#newestMs[lane]!;
      if (ms !== -Infinity && ms < lowest) lowest = ms;
    }
    this.lowestMs = lowest;
  }

  /** What every lane has passed, an out-of-order sample apart. `nowMs` bounds a clock that runs ahead. */
  watermarkMs(nowMs: number, latenessMs: number): number {
    return Math.min(this.lowestMs, nowMs) - latenessMs;
  }

  /** What lies before this is not waited for any longer, whatever is still pending. */
  retainedFromMs(nowMs: number, retentionMs: number): number {
    return Math.min(this.highestMs, nowMs) - retentionMs;
  }

  /** Newest event by lane, null where none was seen: what JSON can carry. */
  snapshot(): (number | null)[] {
    // Not `Array.from`, which is slow: it is made of many servers in each commit.
    const newestMs: (number | null)[] = [];
    for (const ms of this.#newestMs) newestMs.push(ms === -Infinity ? null : ms);
    return newestMs;
  }

  restore(newestMsByLane: readonly (number | null)[]): void {
    newestMsByLane.forEach((ms, lane) => {
      if (ms !== null) this.see(lane, ms);
    });
  }
}

/** The largest multiple of the slide, counted from the origin, that is not above `ms`. */
export function alignDown(ms: number, originMs: number, slideMs: number): number {
  return originMs + Math.floor((ms - originMs) / slideMs) * slideMs;
}

/**
 * Times of servers on the collector's clock. What is told of an alert, and whether a window is of
 * now, is by that one clock: with the server's own an alert would begin in a receiver's future.
 *
 * What is taken off stays until the clock has moved by more than measuring explains: time on the
 * way must not make windows come nearer to each other, or further apart, than they are.
 */
import type { Source } from '../ingest/source.ts';

/** Below it a clock is as good as right. */
const offsetMsMin = 5_000;

export class CollectorTime {
  /** What is taken off, by source; 0 where there is none. */
  readonly #offMs = new Map<number, number>();

  /** @param tsMs by the server's clock */
  of({ sourceNo, clockOffsetMs }: Source, tsMs: number): number {
    const measuredMs = clockOffsetMs ?? 0;
    const offMs = this.#offMs.get(sourceNo) ?? 0;
    if (Math.abs(measuredMs - offMs) <= offsetMsMin) return tsMs - offMs;
    this.#offMs.set(sourceNo, measuredMs);
    return tsMs - measuredMs;
  }

  forget(sourceNo: number): void {
    this.#offMs.delete(sourceNo);
  }
}

/** The same for one of which only the newest measurement is known. */
export function offsetThatCounts(clockOffsetMs: number): number {
  return Math.abs(clockOffsetMs) > offsetMsMin ? clockOffsetMs : 0;
}

/**
 * Times of servers on the collector's clock. What is told of an alert, and whether a window is of
 * now, is by that one clock: with the server's own an alert would begin in a receiver's future.
 *
 * What is taken off stays until the clock has moved by more than measuring explains: time on the
 * way must not make windows come nearer to each other, or further apart, than they are.
 *
 * A clock that is set back gives out times that it has given out before. Until it has passed its
 * former self, windows hold samples of both times: what they show was judged already, or is of no
 * time at all.
 */
import type { Source } from '../ingest/source.ts';

/** Below it a clock is as good as right. */
export const offsetMsMin = 5_000;
/**
 * Times given out twice count as such for so long: the commonest error of hours is the one of a
 * time zone or of summer time. Behind a larger one a fault that is seen late is worse than one that
 * is told twice.
 */
export const repeatedMsMax = 60 * 60_000;
/** Of one source; with each its clock had moved. */
const spansMax = 8;

/** By the server's clock. */
export interface TimeSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** Times that a clock gave out while it was off by so much. */
interface GivenOut {
  readonly offMs: number;
  readonly startMs: number;
  endMs: number;
}

export interface CollectorTimeOptions {
  readonly windowMs: number;
  readonly latenessMs: number;
}

export class CollectorTime {
  readonly #windowMs: number;
  /** So much further than its newest window a server has come at most: the lateness, and a slide, which is no longer than a window. */
  readonly #unseenMs: number;
  /** What is taken off, by source; 0 where there is none. */
  readonly #offMs = new Map<number, number>();
  /** By source, the newest last. */
  readonly #givenOut = new Map<number, GivenOut[]>();

  constructor({ windowMs, latenessMs }: CollectorTimeOptions) {
    this.#windowMs = windowMs;
    this.#unseenMs = windowMs + latenessMs;
  }

  /**
   * @param tsMs by the server's clock
   * @param nowMs the collector's wall time
   */
  of({ sourceNo, clockOffsetMs }: Source, tsMs: number, nowMs: number): number {
    const measuredMs = clockOffsetMs ?? 0;
    const offMs = this.#offMs.get(sourceNo) ?? 0;
    if (Math.abs(measuredMs - offMs) <= offsetMsMin) return tsMs - offMs;
    this.#offMs.set(sourceNo, measuredMs);
    for (const span of this.#spans(sourceNo)) bound(span, nowMs + measuredMs);
    return tsMs - measuredMs;
  }

  /** There is a window of this time, of samples dated by the clock as it is now. */
  saw({ sourceNo }: Source, window: TimeSpan): void {
    const offMs = this.#offMs.get(sourceNo) ?? 0;
    const newest = this.#spans(sourceNo).at(-1);
    const { startMs } = window;
    const endMs = window.endMs + this.#unseenMs;
    if (newest?.offMs === offMs) newest.endMs = Math.max(newest.endMs, endMs);
    else this.#add(sourceNo, { offMs, startMs, endMs });
  }

  /** An earlier run, or another collector, saw windows of this time, which is still to come. */
  restore(sourceNo: number, { startMs, endMs }: TimeSpan, nowMs: number): void {
    const span = {
      offMs: endMs - nowMs,
      // Those that begin by now hold samples of then, too.
      startMs: startMs - this.#windowMs,
      endMs: endMs + this.#unseenMs,
    };
    bound(span, nowMs);
    this.#add(sourceNo, span);
  }

  /** Whether samples of this time were dated by the clock before it was set back. */
  isGivenOutTwice({ sourceNo }: Source, { startMs, endMs }: TimeSpan): boolean {
    const nowOffMs = this.#offMs.get(sourceNo) ?? 0;
    return this.#spans(sourceNo).some(
      (span) => span.offMs > nowOffMs + offsetMsMin && startMs < span.endMs && endMs > span.startMs,
    );
  }

  forget(sourceNo: number): void {
    this.#offMs.delete(sourceNo);
    this.#givenOut.delete(sourceNo);
  }

  #spans(sourceNo: number): readonly GivenOut[] {
    return this.#givenOut.get(sourceNo) ?? [];
  }

  #add(sourceNo: number, span: GivenOut): void {
    this.#givenOut.set(sourceNo, [...this.#spans(sourceNo), span].slice(-spansMax));
  }
}

/** @param nowMs by the server's clock, which has just been set */
function bound(span: GivenOut, nowMs: number): void {
  span.endMs = Math.min(span.endMs, Math.max(span.startMs, nowMs) + repeatedMsMax);
}

/** The same for one of which only the newest measurement is known. */
export function offsetThatCounts(clockOffsetMs: number): number {
  return Math.abs(clockOffsetMs) > offsetMsMin ? clockOffsetMs : 0;
}

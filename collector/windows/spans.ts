/** Which windows a list of panes holds. */
import type { Pane } from './pane.ts';

/** A window is a whole number of slides, and so is its start, counted from its source's origin. */
export interface WindowShape {
  readonly windowMs: number;
  readonly slideMs: number;
}

/** A window by its start, and the panes [from, to) that lie in it. */
export interface WindowSpan {
  readonly startMs: number;
  readonly panes: readonly Pane[];
  readonly from: number;
  readonly to: number;
}

/** Ends after `afterMs` and not after `throughMs`. */
export interface EndRange {
  readonly afterMs: number;
  readonly throughMs: number;
}

/** Start of the first window that ends after `ms`, a whole number of slides from the origin. */
export function firstStartAfter(ms: number, shape: WindowShape): number {
  return ms - shape.windowMs + shape.slideMs;
}

/** Index of the first pane, of an ascending list, that begins at `startMs` or later. */
export function indexFrom(panes: readonly Pane[], startMs: number): number {
  let low = 0;
  let high = panes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (panes[middle]!.startMs < startMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The windows that hold at least one of the ascending panes and end in the range, by start. */
export function* spansOf(
  panes: readonly Pane[],
  shape: WindowShape,
  range: EndRange,
): Generator<WindowSpan> {
  let startMs = firstStartAfter(range.afterMs, shape);
  let from = indexFrom(panes, startMs);
  let to = from;
  while (from < panes.length) {
    // Straight to the first window over the pane, so that a gap of a year costs one step.
    startMs = Math.max(startMs, firstStartAfter(panes[from]!.startMs, shape));
    const endMs = startMs + shape.windowMs;
    if (endMs > range.throughMs) return;
    while (to < panes.length && panes[to]!.startMs < endMs) to++;
    yield { startMs, panes, from, to };
    startMs += shape.slideMs;
    while (from < panes.length && panes[from]!.startMs < startMs) from++;
  }
}

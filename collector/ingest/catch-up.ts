/** How a sender's backlog drains, from what its batches say waits. */

/** The rate is that of this last while, and known after the shorter one. */
const rateOverMs = 10_000;
const rateFromMs = 2_000;
/** Points kept of it: one at most for each part of a second. */
const pointEveryMs = 250;
/** What waits for less than this is no backlog: some records are always on their way. */
export const backlogMin = 30;
/** A sender that says nothing for so long no longer drains. */
const staleMs = 15_000;

interface Point {
  readonly atMs: number;
  readonly waiting: number;
}

export interface CatchingUp {
  /** Records that wait at the sender. */
  readonly waiting: number;
  /** Until it has drained; null until the rate is known, and while it does not get less. */
  readonly leftMs: number | null;
}

export class CatchUp {
  /** Ascending by time, over `rateOverMs`; empty when nothing waits. */
  #points: Point[] = [];

  /** A batch said how much still waits. `nowMs` is monotonic. @returns whether there is a backlog to tell of, or was */
  note(waiting: number, nowMs: number): boolean {
    const was = this.#points.length > 0;
    if (waiting < backlogMin) {
      this.#points = [];
      return was;
    }
    const previous = this.#points.at(-2);
    // The newest point always holds the newest count; those before it are some time apart.
    if (previous !== undefined && nowMs - previous.atMs < pointEveryMs) this.#points.pop();
    this.#points.push({ atMs: nowMs, waiting });
    while ((this.#points[0]?.atMs ?? nowMs) < nowMs - rateOverMs) this.#points.shift();
    return true;
  }

  /** Null when there is no backlog, or nobody drains it. */
  at(nowMs: number): CatchingUp | null {
    const newest = this.#points.at(-1);
    if (newest === undefined || nowMs - newest.atMs > staleMs) return null;
    return { waiting: newest.waiting, leftMs: leftMs(this.#points) };
  }
}

/** By the rate over all points: what waits, less what is new meanwhile, is already in it. */
function leftMs(points: readonly Point[]): number | null {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return null;
  const tookMs = last.atMs - first.atMs;
  const drained = first.waiting - last.waiting;
  if (tookMs < rateFromMs || drained <= 0) return null;
  return (last.waiting * tookMs) / drained;
}

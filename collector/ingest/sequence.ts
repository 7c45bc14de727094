/**
 * Which sequence numbers of one boot have been received: sorted, disjoint, non-adjacent closed
 * intervals [from, to]. A number is new exactly once.
 *
 * Senders mostly send in order, so the list mostly has one interval; it is bounded all the same.
 */

/** Intervals kept for a boot. Beyond it the two lowest are joined: what was missing between them counts as lost. */
const intervalsMax = 1_024;

export interface SequenceState {
  readonly intervals: readonly (readonly [from: number, to: number])[];
  readonly lost: number;
  readonly lostBelow: number;
}

export class Sequence {
  /** from₀, to₀, from₁, to₁, … ascending. */
  readonly #bounds: number[] = [];
  #lost = 0;
  #lostBelow = 0;

  /**
   * @param state as `checkpoint()` gave it
   * @param oldestComingSeq of a boot that is new here: what lies below its sender had no more when
   * this collector met the boot, so it is not lost to it
   */
  constructor(state: SequenceState | undefined, oldestComingSeq = 0) {
    for (const [from, to] of state?.intervals ?? []) this.#bounds.push(from, to);
    this.#lost = state?.lost ?? 0;
    this.#lostBelow = state?.lostBelow ?? oldestComingSeq;
  }

  /** Samples that will never come: gaps below what the sender still has. */
  get lost(): number {
    return this.#lost;
  }

  /** Notes a number. @returns false when it was there already */
  add(seq: number): boolean {
    const bounds = this.#bounds;
    const newestTo = bounds.at(-1);
    if (newestTo !== undefined && seq === newestTo + 1) {
      bounds[bounds.length - 1] = seq;
      return true;
    }
    const at = this.#firstIntervalEndingAtOrAfter(seq);
    const from = bounds[at];
    if (from !== undefined && from <= seq) return false;
    this.#insert(at, seq);
    if (bounds.length > 2 * intervalsMax) this.#joinLowest();
    return true;
  }

  /** The sender dropped so many before this collector knew the boot. @returns how many of them can be */
  noteDropped(count: number): number {
    const lost = Math.min(count, this.#lostBelow);
    this.#lost += lost;
    return lost;
  }

  /** The sender still has `seq` and above: what is missing below is lost. @returns how many were lost by this */
  settleBelow(seq: number): number {
    if (seq <= this.#lostBelow) return 0;
    let missing = seq - this.#lostBelow;
    for (let i = 0; i < this.#bounds.length; i += 2) {
      const from = Math.max(this.#bounds[i] ?? 0, this.#lostBelow);
      const to = Math.min(this.#bounds[i + 1] ?? 0, seq - 1);
      if (to >= from) missing -= to - from + 1;
    }
    this.#lostBelow = seq;
    this.#lost += missing;
    return missing;
  }

  /** What is missing below `seq` went to another collector: it is not lost to this one. */
  resumeAt(seq: number): void {
    this.#lostBelow = Math.max(this.#lostBelow, seq);
  }

  checkpoint(): SequenceState {
    const intervals: [number, number][] = [];
    for (let i = 0; i < this.#bounds.length; i += 2) {
      intervals.push([this.#bounds[i] ?? 0, this.#bounds[i + 1] ?? 0]);
    }
    return { intervals, lost: this.#lost, lostBelow: this.#lostBelow };
  }

  /** Index in #bounds of the first interval whose end is at or after `seq`. */
  #firstIntervalEndingAtOrAfter(seq: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#bounds[2 * middle + 1] ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }

  /** Puts `seq`, which no interval holds, before the interval at `at`, joining neighbours. */
  #insert(at: number, seq: number): void {
    const bounds = this.#bounds;
    const joinsBefore = at > 0 && bounds[at - 1] === seq - 1;
    const joinsAfter = bounds[at] === seq + 1;
    if (joinsBefore && joinsAfter) bounds.splice(at - 1, 2);
    else if (joinsBefore) bounds[at - 1] = seq;
    else if (joinsAfter) bounds[at] = seq;
    else bounds.splice(at, 0, seq, seq);
  }

  #joinLowest(): void {
    this.settleBelow(this.#bounds[2] ?? 0);
    this.#bounds.splice(1, 2);
  }
}

/** Order statistics over sorted runs. */

/** Below this, insertion sort beats the call into the engine's own sort. */
const insertionSortMax = 32;

/** Sorts the first `length` values ascending, in place. */
export function sortFirst(values: Float64Array, length: number): void {
  if (length > insertionSortMax) {
    values.subarray(0, length).sort();
    return;
  }
  for (let i = 1; i < length; i++) {
    const value = values[i]!;
    let j = i - 1;
    for (; j >= 0 && values[j]! > value; j--) values[j + 1] = values[j]!;
    values[j + 1] = value;
  }
}

/**
 * Nearest-rank quantile of ascending values: the one at rank ⌈percent/100 · length⌉, counted
 * from 1. `percent` is a whole number in 1…100, `length` at least 1.
 */
export function nearestRank(sorted: ArrayLike<number>, length: number, percent: number): number {
  return sorted[Math.ceil((percent * length) / 100) - 1]!;
}

/** Merges sorted runs into one, pair by pair: n·log₂(runs) steps, no allocation once it has grown. */
export class RunMerger {
  #values = new Float64Array(64);
  #other = new Float64Array(64);
  /** Where each run ends in `#values`. */
  #ends: number[] = [];
  #runs = 0;
  length = 0;

  clear(): void {
    this.#runs = 0;
    this.length = 0;
  }

  /** Adds the ascending values of `source` in [from, to). */
  addRun(source: Float64Array, from: number, to: number): void {
    const end = this.length + to - from;
    if (end > this.#values.length) this.#reserve(end);
    const values = this.#values;
    let at = this.length;
    for (let i = from; i < to; i++) values[at++] = source[i]!;
    this.length = end;
    this.#ends[this.#runs++] = end;
  }

  /** All values added, ascending, in the first `length` places; valid until the next call. */
  sorted(): Float64Array {
    while (this.#runs > 1) this.#mergePairs();
    return this.#values;
  }

  #mergePairs(): void {
    const ends = this.#ends;
    let merged = 0;
    let from = 0;
    for (let run = 0; run < this.#runs; run += 2) {
      const middle = ends[run]!;
      const to = run + 1 < this.#runs ? ends[run + 1]! : middle;
      this.#merge(from, middle, to);
      ends[merged++] = to;
      from = to;
    }
    this.#runs = merged;
    [this.#values, this.#other] = [this.#other, this.#values];
  }

  #merge(from: number, middle: number, to: number): void {
    const values = this.#values;
    const other = this.#other;
    let left = from;
    let right = middle;
    for (let at = from; at < to; at++) {
      const takeLeft = right >= to || (left < middle && values[left]! <= values[right]!);
      other[at] = takeLeft ? values[left++]! : values[right++]!;
    }
  }

  #reserve(length: number): void {
    const values = new Float64Array(Math.max(length, this.#values.length * 2));
    values.set(this.#values);
    this.#values = values;
    this.#other = new Float64Array(values.length);
  }
}

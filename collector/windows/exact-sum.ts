/**
 * Exact sums of doubles, so that the order of the values never shows in the result.
 *
 * The sum is held as an expansion: doubles of increasing magnitude that do not overlap and add up
 * to it exactly. Adding a value is Grow-Expansion with zero elimination over Knuth's TwoSum
 * (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
 * Predicates", Discrete & Computational Geometry 18, 1997).
 *
 * Values must be finite and so small that no partial sum overflows (`metricAbsMax` sees to that).
 */
export class ExactSum {
  #parts = new Float64Array(8);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** Parts of the expansion; adding all of them to an empty sum gives the same sum. */
  get length(): number {
    return this.#length;
  }

  part(index: number): number {
    return this.#parts[index]!;
  }

  add(value: number): void {
    if (this.#length === this.#parts.length) this.#grow();
    const parts = this.#parts;
    let carry = value;
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const part = parts[i]!;
      const sum = carry + part;
      const partOfSum = sum - carry;
      const error = carry - (sum - partOfSum) + (part - partOfSum);
      carry = sum;
      if (error !== 0) parts[kept++] = error;
    }
    if (carry !== 0) parts[kept++] = carry;
    this.#length = kept;
  }

  /** The double nearest to the exact sum, ties to even; +0 when it is zero. */
  rounded(): number {
    let i = this.#length - 1;
    if (i < 0) return 0;
    let high = this.part(i--);
    let error = 0;
    while (i >= 0 && error === 0) {
      const part = this.part(i--);
      const sum = high + part;
      error = part - (sum - high);
      high = sum;
    }
    return i >= 0 ? this.#roundTie(high, error, this.part(i)) : high;
  }

  /**
   * `high + error` may lie exactly between two doubles, where the tie went to the even one; what
   * remains below (`rest` is the largest of it) decides which of the two is really nearer.
   */
  #roundTie(high: number, error: number, rest: number): number {
    if (Math.sign(error) !== Math.sign(rest)) return high;
    const twice = error * 2;
    const next = high + twice;
    return next - high === twice ? next : high;
  }

  #grow(): void {
    const parts = new Float64Array(this.#parts.length * 2);
    parts.set(this.#parts);
    this.#parts = parts;
  }
}

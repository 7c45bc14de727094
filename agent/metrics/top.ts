/** The largest few of many, in one pass: 7,000 processes are looked at, ten are kept. */
interface Entry<Row> {
  readonly measure: number;
  readonly row: Row;
}

/** Invariant: `entries` is sorted, largest first, has at most `size` entries and none of zero. */
export class Top<Row> {
  readonly #size: number;
  readonly #entries: Entry<Row>[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Whether a row with this measure would be kept: asked before the row is made. */
  takes(measure: number): boolean {
    if (!(measure > 0)) return false;
    const smallest = this.#entries[this.#size - 1];
    return smallest === undefined || measure > smallest.measure;
  }

  /** Keeps the row if its measure is large enough; of equal measures the earlier one stays. */
  offer(measure: number, row: Row): void {
    if (!this.takes(measure)) return;
    let at = this.#entries.length;
    while (at > 0 && measure > (this.#entries[at - 1]?.measure ?? 0)) at -= 1;
    this.#entries.splice(at, 0, { measure, row });
    if (this.#entries.length > this.#size) this.#entries.pop();
  }

  /** Largest first. */
  rows(): Row[] {
    return this.#entries.map(({ row }) => row);
  }
}

/**
 * Samples that wait for a commit, as bare numbers: there may be tens of thousands, and as objects
 * each would be copied by the garbage collector twice before it is stored.
 */
import { METRICS } from '../../wire/metrics.ts';

export interface SampleRow {
  readonly sourceNo: number;
  readonly tsMs: number;
  readonly bootNo: number | null;
  readonly seq: number | null;
  /** In METRICS order; NaN is unavailable. */
  readonly values: readonly number[];
  readonly detail: string | undefined;
}

export interface SampleDetail {
  readonly sourceNo: number;
  readonly tsMs: number;
  readonly detail: string;
}

/** Columns of a sample that are no metric come first, in the order of the table. */
const metricsFrom = 4;
export const cellsOfSample = metricsFrom + METRICS.length;
/** Rows that get their room together. */
const rowsOfChunk = 256;
/** More than there ever are; with any number of a source times this a double is still exact. */
const rowsMax = 2 ** 24;
/** So many keep it when the rows are stored: 20,480, as many as what is read from a log comes to at most. */
const chunksKept = 80;

export class SampleRows {
  /** Of the rows that have one, as they came. */
  readonly #details: SampleDetail[] = [];
  /** Row by row, NaN where a cell is null. */
  readonly #chunks: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ sourceNo, tsMs, bootNo, seq, values, detail }: SampleRow): void {
    const index = Math.floor(this.#length / rowsOfChunk);
    const chunk = (this.#chunks[index] ??= new Float64Array(rowsOfChunk * cellsOfSample));
    const at = (this.#length % rowsOfChunk) * cellsOfSample;
    chunk[at] = sourceNo;
    chunk[at + 1] = tsMs;
    chunk[at + 2] = bootNo ?? Number.NaN;
    chunk[at + 3] = seq ?? Number.NaN;
    for (let i = 0; i < METRICS.length; i += 1) chunk[at + metricsFrom + i] = values[i]!;
    this.#length += 1;
    if (detail !== undefined) this.#details.push({ sourceNo, tsMs, detail });
  }

  /** They are stored. Their room is used again: what is given up waits for the garbage collector. */
  clear(): void {
    this.#length = 0;
    this.#details.length = 0;
    this.#chunks.splice(chunksKept);
  }

  /** The rows, source by source, those of each as they came. */
  bySource(): Float64Array {
    const rows = new Float64Array(this.#length);
    for (let row = 0; row < rows.length; row += 1) rows[row] = this.#sourceOf(row) * rowsMax + row;
    // As numbers: a function that compares two rows would take several times as long.
    rows.sort();
    for (let i = 0; i < rows.length; i += 1) rows[i]! %= rowsMax;
    return rows;
  }

  /** In the same order. */
  detailsBySource(): SampleDetail[] {
    return this.#details.toSorted((a, b) => a.sourceNo - b.sourceNo);
  }

  /** Writes the cells of a row into `cells` from `to` on. */
  fill(cells: (number | null)[], to: number, row: number): void {
    const chunk = this.#chunks[Math.floor(row / rowsOfChunk)]!;
    const at = (row % rowsOfChunk) * cellsOfSample;
    for (let i = 0; i < cellsOfSample; i += 1) {
      const cell = chunk[at + i]!;
      cells[to + i] = Number.isNaN(cell) ? null : cell;
    }
  }

  *sourceNumbers(): Generator<number, void> {
    for (let row = 0; row < this.#length; row += 1) yield this.#sourceOf(row);
  }

  #sourceOf(row: number): number {
    return this.#chunks[Math.floor(row / rowsOfChunk)]![(row % rowsOfChunk) * cellsOfSample]!;
  }
}

/**
 * Samples that wait for a commit, as bare numbers: there may be tens of thousands, and as objects
 * each would be copied by the garbage collector twice before it is stored. In memory that another
 * thread can read.
 */
import { METRICS } from '../../wire/metrics.ts';

export interface SampleRow {
  readonly sourceNo: number;
  readonly tsMs: number;
  readonly bootNo: number | null;
  readonly seq: number | null;
  /** In METRICS order; NaN is unavailable. */
  readonly values: readonly number[];
}

/** What another thread is given of them: it stays as it is until they are cleared. */
export interface SharedRows {
  readonly length: number;
  readonly chunks: readonly Float64Array[];
}

/** Columns of a sample that are no metric come first, in the order of the table. */
const metricsFrom = 4;
export const cellsOfSample = metricsFrom + METRICS.length;
/** Rows that get their room together. */
const rowsOfChunk = 256;
/** More than there ever are; with any number of a source times this a double is still exact. */
const rowsMax = 2 ** 24;
/** So many keep it when the rows are stored: 40,960, as many as what is read from a log comes to at most. */
const chunksKept = 160;

export class SampleRows {
  /** Row by row, NaN where a cell is null. */
  readonly #chunks: Float64Array[];
  #length: number;

  /** @param shared rows of another thread; they are not to be added to */
  constructor({ length, chunks }: SharedRows = { length: 0, chunks: [] }) {
    this.#chunks = [...chunks];
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  /** For another thread. */
  get shared(): SharedRows {
    return {
      length: this.#length,
      chunks: this.#chunks.slice(0, Math.ceil(this.#length / rowsOfChunk)),
    };
  }

  push({ sourceNo, tsMs, bootNo, seq, values }: SampleRow): void {
    const index = Math.floor(this.#length / rowsOfChunk);
    const chunk = (this.#chunks[index] ??= newChunk());
    const at = (this.#length % rowsOfChunk) * cellsOfSample;
    chunk[at] = sourceNo;
    chunk[at + 1] = tsMs;
    chunk[at + 2] = bootNo ?? Number.NaN;
    chunk[at + 3] = seq ?? Number.NaN;
    for (let i = 0; i < METRICS.length; i += 1) chunk[at + metricsFrom + i] = values[i]!;
    this.#length += 1;
  }

  /** They are stored. Their room is used again: what is given up waits for the garbage collector. */
  clear(): void {
    this.#length = 0;
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

function newChunk(): Float64Array {
  const cells = rowsOfChunk * cellsOfSample;
  return new Float64Array(new SharedArrayBuffer(cells * Float64Array.BYTES_PER_ELEMENT));
}

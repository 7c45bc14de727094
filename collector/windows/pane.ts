/**
 * A pane: the samples of one source in one slide. Every window is merged from whole panes, so a
 * sample is handled once however much the windows overlap.
 *
 * Invariant: what was folded is in `stats`; and unless the pane has overflowed, the values of rows
 * [0, folded) lie sorted by metric where those rows were, and rows [folded, rows) as they came.
 *
 *   cells, folded part: metric j's values ascending, from j · folded, count(j) of them
 *   cells, fresh part:  row i at i · (metrics + 1): [ts, v0, v1, …], NaN = absent
 *
 * Both layouts fit the same buffer because a folded row has lost its time. Rows are whole because
 * appending one then touches a cache line or two, however many servers' samples are interleaved.
 */
import { ExactSum } from './exact-sum.ts';
import { type RunMerger, sortFirst } from './quantile.ts';

/**
 * Rows of a pane whose values are kept for quantiles. Beyond it they are folded away and the
 * pane's quantiles are unavailable: those of a subsample would depend on the order of arrival.
 */
export const paneRowsMax = 4096;
/** Doubles as needed: 12 rows are ten seconds at 1 Hz, and some. A pooled pane keeps its room. */
const rowsInitial = 3;
/** Panes that have grown beyond this are not pooled, so that one burst does not hold memory. */
const rowsPooledMax = 64;

/** Columns of `stats`, one group a metric; the parts of the exact sum follow. */
const COUNT = 0;
const MIN = 1;
const MAX = 2;
const LAST_MS = 3;
const LAST = 4;
const PARTS = 5;
const FIRST_PART = 6;
const partsInitial = 4;

/** Scratch space that all panes of an engine share; nothing in it outlives a call. */
export class PaneScratch {
  readonly sum = new ExactSum();
  readonly column = new Float64Array(paneRowsMax);
  readonly columns: Float64Array;

  constructor(metricCount: number) {
    this.columns = new Float64Array(paneRowsMax * metricCount);
  }
}

export class Pane {
  startMs = 0;
  /** Rows ever added. */
  samples = 0;
  /** More than `paneRowsMax` rows came. */
  overflowed = false;

  readonly #metricCount: number;
  readonly #scratch: PaneScratch;
  #rows = 0;
  #folded = 0;
  #cells: Float64Array;
  #stats: Float64Array;
  /** Length of one metric's group in `#stats`. */
  #stride = FIRST_PART + partsInitial;

  constructor(metricCount: number, scratch: PaneScratch) {
    this.#metricCount = metricCount;
    this.#scratch = scratch;
    this.#cells = new Float64Array(rowsInitial * (metricCount + 1));
    this.#stats = new Float64Array(metricCount * this.#stride);
  }

  /** Makes a new or pooled pane that of [startMs, startMs + slide). */
  begin(startMs: number): void {
    this.startMs = startMs;
    this.samples = 0;
    this.overflowed = false;
    this.#rows = 0;
    this.#folded = 0;
    for (let metric = 0; metric < this.#metricCount; metric++) {
      const at = metric * this.#stride;
      this.#stats[at + COUNT] = 0;
      this.#stats[at + MIN] = Infinity;
      this.#stats[at + MAX] = -Infinity;
      this.#stats[at + LAST_MS] = -Infinity;
      this.#stats[at + PARTS] = 0;
    }
  }

  get poolable(): boolean {
    return this.#cells.length <= rowsPooledMax * (this.#metricCount + 1);
  }

  append(tsMs: number, values: ArrayLike<number>): void {
    const width = this.#metricCount + 1;
    let at = this.#rows * width;
    if (at === this.#cells.length) {
      this.#makeRoom();
      at = this.#rows * width;
    }
    const cells = this.#cells;
    cells[at] = tsMs;
    // Adding 0 turns −0 into 0: which of the two is smaller or newer would depend on the order.
    for (let i = 1; i < width; i++) cells[at + i] = values[i - 1]! + 0;
    this.#rows++;
    this.samples++;
  }

  /** Brings `stats` and the sorted values up to date; cheap when nothing came since the last time. */
  fold(): void {
    if (this.#folded === this.#rows) return;
    for (let metric = 0; metric < this.#metricCount; metric++) this.#foldMetric(metric);
    if (this.overflowed) {
      this.#rows = 0;
      return;
    }
    const length = this.#rows * this.#metricCount;
    const { columns } = this.#scratch;
    for (let i = 0; i < length; i++) this.#cells[i] = columns[i]!;
    this.#folded = this.#rows;
  }

  count(metric: number): number {
    return this.#stats[metric * this.#stride + COUNT]!;
  }
  min(metric: number): number {
    return this.#stats[metric * this.#stride + MIN]!;
  }
  max(metric: number): number {
    return this.#stats[metric * this.#stride + MAX]!;
  }
  lastMs(metric: number): number {
    return this.#stats[metric * this.#stride + LAST_MS]!;
  }
  last(metric: number): number {
    return this.#stats[metric * this.#stride + LAST]!;
  }
  /** Adds the exact sum of the metric's values. */
  addSumTo(sum: ExactSum, metric: number): void {
    const at = metric * this.#stride;
    const end = at + FIRST_PART + this.#stats[at + PARTS]!;
    for (let i = at + FIRST_PART; i < end; i++) sum.add(this.#stats[i]!);
  }
  /** Adds the metric's values, ascending. Only for a pane that has not overflowed. */
  addValuesTo(merger: RunMerger, metric: number): void {
    const from = metric * this.#folded;
    merger.addRun(this.#cells, from, from + this.count(metric));
  }

  #foldMetric(metric: number): void {
    const { sum, column, columns } = this.#scratch;
    const at = metric * this.#stride;
    let kept = this.overflowed ? 0 : this.count(metric);
    const from = metric * this.#folded;
    for (let i = 0; i < kept; i++) column[i] = this.#cells[from + i]!;
    sum.clear();
    this.addSumTo(sum, metric);

    const width = this.#metricCount + 1;
    for (let row = this.#folded * width; row < this.#rows * width; row += width) {
      const value = this.#cells[row + 1 + metric]!;
      if (Number.isNaN(value)) continue;
      column[kept++] = value;
      sum.add(value);
      this.#take(at, this.#cells[row]!, value);
    }
    this.#storeSum(metric, sum);
    if (this.overflowed) return;
    sortFirst(column, kept);
    const to = metric * this.#rows;
    for (let i = 0; i < kept; i++) columns[to + i] = column[i]!;
  }

  /** Takes one value into the group of `stats` that begins at `at`. */
  #take(at: number, tsMs: number, value: number): void {
    const stats = this.#stats;
    stats[at + COUNT]!++;
    if (value < stats[at + MIN]!) stats[at + MIN] = value;
    if (value > stats[at + MAX]!) stats[at + MAX] = value;
    if (tsMs < stats[at + LAST_MS]!) return;
    if (tsMs === stats[at + LAST_MS]! && value <= stats[at + LAST]!) return;
    stats[at + LAST_MS] = tsMs;
    stats[at + LAST] = value;
  }

  #storeSum(metric: number, sum: ExactSum): void {
    if (FIRST_PART + sum.length > this.#stride) this.#widen(FIRST_PART + sum.length);
    const at = metric * this.#stride;
    this.#stats[at + PARTS] = sum.length;
    for (let i = 0; i < sum.length; i++) this.#stats[at + FIRST_PART + i] = sum.part(i);
  }

  #makeRoom(): void {
    const width = this.#metricCount + 1;
    if (this.#rows < paneRowsMax) {
      const cells = new Float64Array(Math.min(this.#rows * 2, paneRowsMax) * width);
      cells.set(this.#cells);
      this.#cells = cells;
      return;
    }
    this.fold();
    this.overflowed = true;
    this.#rows = 0;
    this.#folded = 0;
  }

  /** Makes each metric's group of `stats` `stride` long. */
  #widen(stride: number): void {
    const stats = new Float64Array(this.#metricCount * stride);
    for (let metric = 0; metric < this.#metricCount; metric++) {
      const from = metric * this.#stride;
      stats.set(this.#stats.subarray(from, from + this.#stride), metric * stride);
    }
    this.#stats = stats;
    this.#stride = stride;
  }
}

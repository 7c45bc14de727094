/**
 * The points of a chart: one row of times, `stepMs` apart, and one column of means for each line.
 *
 * Invariant: times[i] = times[0] + i × stepMs, every column is as long as `times`, and the span
 * from first to last is at most `spanMs`. A sample counts in the step that holds its time, so ten
 * samples a second and one a minute both fit, in any order, and memory is bounded by the span.
 */
import type { MeanMax } from '../../api/contract.ts';

export type Column = readonly (number | null)[];

/** Points of one line; more cannot be told apart on any screen. */
export const pointsMax = 4_000;

interface Line {
  readonly means: (number | null)[];
  /** Largest single value of each step: a mean would hide a spike. */
  readonly peaks: (number | null)[];
  readonly counts: number[];
}

export class Grid<Key> {
  readonly stepMs: number;
  readonly spanMs: number;
  readonly #times: number[] = [];
  readonly #lines = new Map<Key, Line>();

  /** `stepMs` is made coarser, by a whole factor, when the span would not fit `pointsMax` points. */
  constructor(spanMs: number, stepMs: number) {
    this.spanMs = spanMs;
    this.stepMs = stepMs * Math.max(1, Math.ceil(spanMs / stepMs / pointsMax));
  }

  get times(): readonly number[] {
    return this.#times;
  }

  keys(): Iterable<Key> {
    return this.#lines.keys();
  }

  /** The end of the last step: up to there the grid has room. */
  get endMs(): number {
    const last = this.#times.at(-1);
    return last === undefined ? Number.NEGATIVE_INFINITY : last + this.stepMs;
  }

  /** Means per step, null where nothing was measured; all null for a line that is not known. */
  column(key: Key): Column {
    return this.#lines.get(key)?.means ?? this.#times.map(() => null);
  }

  /** Whether the line has any point in the span. */
  has(key: Key): boolean {
    return this.#lines.get(key)?.means.some((mean) => mean !== null) ?? false;
  }

  /** Adds points that are means already, as the collector's history gives them. */
  load(key: Key, times: readonly number[], values: Column): void {
    this.#line(key);
    for (const [index, ts] of times.entries()) {
      const value = values[index];
      if (typeof value === 'number') this.add(key, ts, value);
    }
  }

  /** Counts a value in its step. One from outside the grid's times is ignored. */
  add(key: Key, ts: number, value: number): void {
    const index = this.#indexOf(ts);
    if (index === undefined) return;
    const { means, peaks, counts } = this.#line(key);
    const before = counts[index] ?? 0;
    const mean = means[index] ?? 0;
    counts[index] = before + 1;
    means[index] = mean + (value - mean) / (before + 1);
    peaks[index] = Math.max(peaks[index] ?? value, value);
  }

  /** Makes room up to `toMs` and forgets what is then older than the span. Never goes back. */
  advance(toMs: number): void {
    const target = Math.floor(toMs / this.stepMs) * this.stepMs;
    let last = this.#times.at(-1);
    if (last !== undefined && target <= last) return;
    if (last === undefined || target - last > this.spanMs) {
      this.#drop(this.#times.length);
      last = target - Math.floor(this.spanMs / this.stepMs) * this.stepMs;
      this.#push(last);
    }
    while (last < target) {
      last += this.stepMs;
      this.#push(last);
    }
    this.#drop(Math.ceil((last - this.spanMs - (this.#times[0] ?? last)) / this.stepMs));
  }

  /** Mean of the steps' means and the largest single value, over the whole span. */
  summary(key: Key): MeanMax {
    const line = this.#lines.get(key);
    let sum = 0;
    let steps = 0;
    let max: number | null = null;
    for (const [index, mean] of (line?.means ?? []).entries()) {
      if (mean === null) continue;
      sum += mean;
      steps += 1;
      max = Math.max(max ?? mean, line?.peaks[index] ?? mean);
    }
    return { avg: steps === 0 ? null : sum / steps, max };
  }

  #indexOf(ts: number): number | undefined {
    const first = this.#times[0];
    if (first === undefined) return undefined;
    const index = Math.floor((ts - first) / this.stepMs);
    return index >= 0 && index < this.#times.length ? index : undefined;
  }

  #line(key: Key): Line {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = {
        means: this.#times.map(() => null),
        peaks: this.#times.map(() => null),
        counts: this.#times.map(() => 0),
      };
      this.#lines.set(key, line);
    }
    return line;
  }

  #push(time: number): void {
    this.#times.push(time);
    for (const { means, peaks, counts } of this.#lines.values()) {
      means.push(null);
      peaks.push(null);
      counts.push(0);
    }
  }

  #drop(points: number): void {
    if (points <= 0) return;
    this.#times.splice(0, points);
    for (const line of this.#lines.values()) {
      line.means.splice(0, points);
      line.peaks.splice(0, points);
      line.counts.splice(0, points);
    }
  }
}

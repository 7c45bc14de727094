/** Windows out of panes: every figure of a window is merged from those of its panes. */
import { ExactSum } from './exact-sum.ts';
import { nearestRank, RunMerger } from './quantile.ts';
import type { WindowSpan } from './spans.ts';
import type { Aggregate } from './window.ts';

export class PaneMerger {
  readonly #metricCount: number;
  readonly #sum = new ExactSum();
  readonly #values = new RunMerger();

  constructor(metricCount: number) {
    this.#metricCount = metricCount;
  }

  /** Rows of the span, and one aggregate a metric; null where no row has the metric. */
  merge(span: WindowSpan): { samples: number; aggregates: (Aggregate | null)[] } {
    let samples = 0;
    let overflowed = false;
    for (let i = span.from; i < span.to; i++) {
      const pane = span.panes[i]!;
      pane.fold();
      samples += pane.samples;
      overflowed ||= pane.overflowed;
    }
    const aggregates: (Aggregate | null)[] = [];
    for (let metric = 0; metric < this.#metricCount; metric++) {
      if (overflowed) this.#values.clear();
      else this.#collectValues(span, metric);
      aggregates.push(this.#aggregate(span, metric));
    }
    return { samples, aggregates };
  }

  #collectValues(span: WindowSpan, metric: number): void {
    this.#values.clear();
    for (let i = span.from; i < span.to; i++) span.panes[i]!.addValuesTo(this.#values, metric);
  }

  #aggregate(span: WindowSpan, metric: number): Aggregate | null {
    let count = 0;
    let min = Infinity;
    let max = -Infinity;
    let last = 0;
    this.#sum.clear();
    for (let i = span.from; i < span.to; i++) {
      const pane = span.panes[i]!;
      const paneCount = pane.count(metric);
      if (paneCount === 0) continue;
      count += paneCount;
      min = Math.min(min, pane.min(metric));
      max = Math.max(max, pane.max(metric));
      // Panes ascend and do not overlap in time, so the newest value is the last pane's.
      last = pane.last(metric);
      pane.addSumTo(this.#sum, metric);
    }
    if (count === 0) return null;
    const sum = this.#sum.rounded();
    const sorted = this.#values.sorted();
    return {
      count,
      sum,
      min,
      max,
      avg: sum / count,
      last,
      p50: this.#quantile(sorted, 50),
      p95: this.#quantile(sorted, 95),
      p99: this.#quantile(sorted, 99),
    };
  }

  /** Null when the values were not collected. */
  #quantile(sorted: Float64Array, percent: number): number | null {
    const { length } = this.#values;
    return length === 0 ? null : nearestRank(sorted, length, percent);
  }
}

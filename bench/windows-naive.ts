/**
 * Sliding windows as one would first write them: every sample goes into each window that contains
 * it, and a window keeps its values until it closes. Same results as the engine's for samples in
 * order; what `bench windows` compares it with.
 */
import { ExactSum } from '../collector/windows/exact-sum.ts';
import { nearestRank } from '../collector/windows/quantile.ts';
import type { Aggregate, ServerWindow } from '../collector/windows/window.ts';

export interface NaiveOptions {
  readonly windowMs: number;
  readonly slideMs: number;
  readonly latenessMs: number;
  readonly metricCount: number;
}

interface OpenWindow {
  samples: number;
  /** By metric; the last one given is the newest. */
  readonly values: number[][];
}

interface NaiveSource {
  newestMs: number;
  nextCloseMs: number;
  /** By start, which is the order in which samples in order open them. */
  readonly open: Map<number, OpenWindow>;
}

export class NaiveWindows {
  readonly #options: NaiveOptions;
  readonly #emit: (window: ServerWindow) => void;
  readonly #sources: NaiveSource[] = [];

  constructor(options: NaiveOptions, emit: (window: ServerWindow) => void) {
    this.#options = options;
    this.#emit = emit;
  }

  add(source: number, tsMs: number, values: ArrayLike<number>): void {
    const { windowMs, slideMs, metricCount } = this.#options;
    const state = (this.#sources[source] ??= {
      newestMs: 0,
      nextCloseMs: 0,
      open: new Map<number, OpenWindow>(),
    });
    state.newestMs = Math.max(state.newestMs, tsMs);
    const lastMs = Math.floor(tsMs / slideMs) * slideMs;
    for (let startMs = lastMs - windowMs + slideMs; startMs <= lastMs; startMs += slideMs) {
      let window = state.open.get(startMs);
      if (window === undefined) {
        window = { samples: 0, values: Array.from({ length: metricCount }, () => []) };
        state.open.set(startMs, window);
      }
      window.samples++;
      for (let metric = 0; metric < metricCount; metric++) {
        window.values[metric]!.push(values[metric]!);
      }
    }
  }

  advance(source: number): void {
    const { windowMs, slideMs, latenessMs } = this.#options;
    const state = this.#sources[source]!;
    const watermarkMs = state.newestMs - latenessMs;
    if (watermarkMs < state.nextCloseMs) return;
    state.nextCloseMs = Math.floor(watermarkMs / slideMs) * slideMs + slideMs;
    for (const [startMs, window] of state.open) {
      if (startMs + windowMs > watermarkMs) return;
      state.open.delete(startMs);
      this.#emit({
        source,
        startMs,
        endMs: startMs + windowMs,
        samples: window.samples,
        aggregates: window.values.map(aggregateOf),
        final: true,
        incomplete: false,
        warmUp: false,
      });
    }
  }
}

function aggregateOf(values: readonly number[]): Aggregate {
  const exact = new ExactSum();
  for (const value of values) exact.add(value);
  const sum = exact.rounded();
  const count = values.length;
  const sorted = Float64Array.from(values).sort();
  return {
    count,
    sum,
    min: sorted[0]!,
    max: sorted[count - 1]!,
    avg: sum / count,
    last: values[count - 1]!,
    p50: nearestRank(sorted, count, 50),
    p95: nearestRank(sorted, count, 95),
    p99: nearestRank(sorted, count, 99),
  };
}

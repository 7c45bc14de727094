/**
 * The engine by definition: keeps every sample of one source for ever and computes each window
 * from all that it should contain. Slow, and short enough to be checked by reading.
 */
import type { EngineOptions } from '../engine.ts';
import type { Aggregate, ServerWindow } from '../window.ts';
import { sumByDefinition } from './exact.ts';

export interface Sample {
  readonly tsMs: number;
  readonly values: readonly number[];
}

export interface OracleSource {
  readonly source: number;
  readonly originMs: number;
  readonly replayed: boolean;
}

function aggregateOf(samples: readonly Sample[], metric: number): Aggregate | null {
  const rows = samples
    .map(({ tsMs, values }) => ({ tsMs, value: values[metric]! + 0 }))
    .filter(({ value }) => !Number.isNaN(value));
  if (rows.length === 0) return null;
  const sorted = rows.map(({ value }) => value).sort((a, b) => a - b);
  const newestMs = Math.max(...rows.map(({ tsMs }) => tsMs));
  const count = rows.length;
  const sum = sumByDefinition(sorted) + 0;
  // The smallest value with at least that share of the values not above it.
  const quantile = (percent: number): number =>
    sorted.find((_, i) => (i + 1) * 100 >= percent * count)!;
  return {
    count,
    sum,
    min: sorted[0]!,
    max: sorted[count - 1]!,
    avg: sum / count,
    last: Math.max(...rows.filter(({ tsMs }) => tsMs === newestMs).map(({ value }) => value)),
    p50: quantile(50),
    p95: quantile(95),
    p99: quantile(99),
  };
}

export class Oracle {
  readonly emitted: ServerWindow[] = [];
  readonly #options: EngineOptions;
  readonly #source: OracleSource;
  readonly #samples: Sample[] = [];
  readonly #newestMs = new Map<number, number>();
  readonly #shown = new Set<number>();
  #closedThroughMs = -Infinity;
  #firstPaneMs: number | undefined;

  constructor(options: EngineOptions, source: OracleSource) {
    this.#options = options;
    this.#source = source;
  }

  /** True when the sample is late. */
  add(sample: Sample, lane: number): boolean {
    this.#newestMs.set(lane, Math.max(this.#newestMs.get(lane) ?? -Infinity, sample.tsMs));
    const ends = this.#windowsOver(sample.tsMs).map((startMs) => startMs + this.#options.windowMs);
    if (Math.max(...ends) > this.#closedThroughMs) this.#samples.push(sample);
    return Math.min(...ends) <= this.#closedThroughMs;
  }

  advance(pendingFromMs: number, clock: { nowMs: number; aheadMs: number }): void {
    if (this.#newestMs.size === 0) return;
    const { latenessMs, paneRetentionMs } = this.#options;
    const nowMs = this.#source.replayed ? Infinity : clock.nowMs;
    const newest = [...this.#newestMs.values()];
    const settledMs = Math.min(...newest, nowMs, pendingFromMs + latenessMs) - latenessMs;
    const shownMs = Math.min(...newest, nowMs + clock.aheadMs) - latenessMs;
    const forcedMs = Math.min(Math.max(...newest), nowMs) - paneRetentionMs;
    this.#finalThrough(this.#align(Math.max(settledMs, forcedMs)), settledMs);
    this.#provisionalThrough(shownMs);
  }

  closeIdle(): void {
    this.#provisionalThrough(Infinity);
  }

  closePassed(nowMs: number, pendingFromMs: number): void {
    const settledMs = Math.min(nowMs - this.#options.latenessMs, pendingFromMs);
    this.#finalThrough(Math.min(this.#align(settledMs), this.#lastEndMs()), settledMs);
  }

  finish(): void {
    this.#finalThrough(this.#lastEndMs(), Infinity);
  }

  /** Of all windows that hold samples. */
  #lastEndMs(): number {
    const ends = this.#starts().map((startMs) => startMs + this.#options.windowMs);
    return Math.max(this.#closedThroughMs, ...ends);
  }

  #align(ms: number): number {
    const { slideMs } = this.#options;
    const { originMs } = this.#source;
    return originMs + Math.floor((ms - originMs) / slideMs) * slideMs;
  }

  #windowsOver(tsMs: number): number[] {
    const { windowMs, slideMs } = this.#options;
    const starts = [];
    for (let ms = this.#align(tsMs); ms + windowMs > tsMs; ms -= slideMs) starts.push(ms);
    return starts;
  }

  /** Starts of all windows that hold samples, ascending. */
  #starts(): number[] {
    const starts = new Set(this.#samples.flatMap(({ tsMs }) => this.#windowsOver(tsMs)));
    return [...starts].sort((a, b) => a - b);
  }

  #open(throughMs: number): number[] {
    const { windowMs } = this.#options;
    return this.#starts().filter(
      (startMs) => startMs + windowMs > this.#closedThroughMs && startMs + windowMs <= throughMs,
    );
  }

  #finalThrough(throughMs: number, settledMs: number): void {
    for (const startMs of this.#open(throughMs)) {
      this.#firstPaneMs ??= this.#earliestPaneMs();
      const incomplete = startMs + this.#options.windowMs > settledMs;
      this.#emit(startMs, { final: true, incomplete });
    }
    this.#closedThroughMs = Math.max(this.#closedThroughMs, throughMs);
  }

  #provisionalThrough(throughMs: number): void {
    for (const startMs of this.#open(throughMs)) {
      if (this.#shown.has(startMs)) continue;
      this.#shown.add(startMs);
      this.#emit(startMs, { final: false, incomplete: false });
    }
  }

  #earliestPaneMs(): number {
    return this.#align(Math.min(...this.#samples.map(({ tsMs }) => tsMs)));
  }

  #emit(startMs: number, flags: { final: boolean; incomplete: boolean }): void {
    const endMs = startMs + this.#options.windowMs;
    const inside = this.#samples.filter(({ tsMs }) => tsMs >= startMs && tsMs < endMs);
    this.emitted.push({
      source: this.#source.source,
      startMs,
      endMs,
      samples: inside.length,
      aggregates: Array.from({ length: this.#options.metricCount }, (_, metric) =>
        aggregateOf(inside, metric),
      ),
      ...flags,
      warmUp: startMs < (this.#firstPaneMs ?? this.#earliestPaneMs()),
    });
  }
}

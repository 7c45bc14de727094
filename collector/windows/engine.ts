/**
 * Sliding windows over event time: pure, without clock or I/O. The caller says what arrived
 * (`add`), when a batch is complete (`advance`) and when the clock closes a silent source
 * (`closeIdle`); the engine answers with windows.
 *
 * Invariant: of each source all windows that end at `closedThroughMs` or before are final, were
 * emitted as final exactly once if they hold samples, and never change; no other window is final;
 * and a pane is kept exactly as long as some window over it is not final.
 */
import { assert } from './assert.ts';
import { PaneMerger } from './merge.ts';
import { Pane, PaneScratch } from './pane.ts';
import { type EndRange, firstStartAfter, indexFrom, spansOf, type WindowSpan } from './spans.ts';
import { type Closed, Source, type SourceCheckpoint, type SourceOptions } from './source.ts';
import { alignDown } from './watermark.ts';
import type { ServerWindow } from './window.ts';

export interface EngineOptions {
  readonly windowMs: number;
  /** The window is a whole number of slides. */
  readonly slideMs: number;
  /** How far out of order a source's samples may come. */
  readonly latenessMs: number;
  /** How long a window waits for samples that are announced as pending, in event time. */
  readonly paneRetentionMs: number;
  readonly metricCount: number;
}

/**
 * `late`: at least one window that should contain the sample was final already and is unchanged;
 * the sample counts in those that were not, if any.
 */
export type Added = 'counted' | 'late';

/** What the clocks say of a live source; a replayed one has nothing to do with them. */
export interface SourceClock {
  /** The collector's wall time. */
  readonly nowMs: number;
  /** By how much the source's clock is known to be ahead of it; 0 where that is not known. */
  readonly aheadMs: number;
}

const noClock: SourceClock = { nowMs: Infinity, aheadMs: 0 };

export interface EngineStats {
  readonly sources: number;
  readonly panes: number;
  readonly pooledPanes: number;
  /** Windows that were emitted as provisional and are not final yet. */
  readonly provisionalWindows: number;
}

/** Free panes kept beyond as many as are in use. */
const pooledPanesSpare = 64;

export class WindowEngine {
  readonly #options: EngineOptions;
  readonly #emit: (window: ServerWindow) => void;
  readonly #merger: PaneMerger;
  readonly #scratch: PaneScratch;
  readonly #sources: (Source | undefined)[] = [];
  readonly #pool: Pane[] = [];
  #sourceCount = 0;
  #paneCount = 0;

  /** `emit` must not call the engine. */
  constructor(options: EngineOptions, emit: (window: ServerWindow) => void) {
    const { windowMs, slideMs, latenessMs, paneRetentionMs, metricCount } = options;
    assert(Number.isSafeInteger(slideMs) && slideMs > 0, 'the slide is a whole number of ms');
    assert(windowMs > 0 && windowMs % slideMs === 0, 'a window is a whole number of slides');
    assert(latenessMs >= 0, 'lateness is not negative');
    assert(paneRetentionMs >= windowMs + latenessMs, 'panes outlive a window and the lateness');
    assert(Number.isSafeInteger(metricCount) && metricCount > 0, 'there is at least one metric');
    this.#options = options;
    this.#emit = emit;
    this.#merger = new PaneMerger(metricCount);
    this.#scratch = new PaneScratch(metricCount);
  }

  /** Declares a source by a small dense number of the caller's. */
  open(source: number, options: SourceOptions): void {
    assert(Number.isSafeInteger(source) && source >= 0, 'a source is a small integer');
    assert(this.#sources[source] === undefined, 'the source is not open yet');
    while (this.#sources.length < source) this.#sources.push(undefined);
    this.#sources[source] = new Source(source, options);
    this.#sourceCount++;
  }

  /** Forgets a source and frees its panes, emitting nothing. */
  remove(source: number): void {
    const state = this.#get(source);
    this.#dropPanes(state, state.panes.length);
    this.#sources[source] = undefined;
    this.#sourceCount--;
  }

  /**
   * Takes one sample; emits nothing. `values` has one value a metric, NaN where it is absent, none
   * beyond ±1e18; equal samples count as often as they come, so the caller drops duplicates.
   */
  add(source: number, tsMs: number, values: ArrayLike<number>, lane = 0): Added {
    const state = this.#get(source);
    this.#append(state, tsMs, values);
    state.lanes.see(lane, tsMs);
    return tsMs < state.closedThroughMs ? 'late' : 'counted';
  }

  /**
   * Takes a sample back from the store, after `open` with a checkpoint and before anything else.
   * The checkpoint knows how far the lanes had come, so the lane is not asked for.
   */
  restoreSample(source: number, tsMs: number, values: ArrayLike<number>): void {
    this.#append(this.#get(source), tsMs, values);
  }

  /** Samples from here on are in windows that are not final; −∞ when none is final yet. */
  restoreFromMs(source: number): number {
    return firstStartAfter(this.#get(source).closedThroughMs, this.#options);
  }

  /** What to store in the transaction that stores the batch, after its `advance`. */
  checkpoint(source: number): SourceCheckpoint {
    return this.#get(source).checkpoint();
  }

  /** The part of `checkpoint` that whoever takes the source over must know; of each window it is asked for. */
  closed(source: number): Closed {
    return this.#get(source).closed();
  }

  /** What all lanes of the source have reached; +∞ before any sample. */
  reachedMs(source: number): number {
    return this.#get(source).lanes.lowestMs;
  }

  /** All windows that end here or before are final; −∞ when none is. Never goes back. */
  closedThroughMs(source: number): number {
    return this.#get(source).closedThroughMs;
  }

  /**
   * Emits what a batch has completed. `pendingFromMs`: the sender still holds samples from this
   * time on, so nothing that ends later is final. Nor is what ends after the collector's wall time:
   * one sample from a clock that jumped ahead would otherwise make every later one late. Of a source
   * whose clock is known to be ahead the windows until its own now come out all the same, as
   * provisional: when that clock is put right, nothing is late.
   */
  advance(source: number, pendingFromMs = Infinity, { nowMs, aheadMs } = noClock): void {
    const state = this.#get(source);
    if (state.lanes.highestMs === -Infinity) return;
    const { slideMs, latenessMs, paneRetentionMs } = this.#options;
    const clampMs = state.replayed ? Infinity : nowMs;
    const settledMs = Math.min(state.lanes.watermarkMs(clampMs, latenessMs), pendingFromMs);
    const finalMs = Math.max(settledMs, state.lanes.retainedFromMs(clampMs, paneRetentionMs));
    if (finalMs >= state.closedThroughMs + slideMs) {
      this.#close(state, this.#align(state, finalMs), settledMs);
    }
    const watermarkMs = state.lanes.watermarkMs(clampMs + aheadMs, latenessMs);
    state.lowerShown(this.#align(state, watermarkMs));
    const backfilled = state.backfilledToMs !== -Infinity;
    if (backfilled || watermarkMs >= state.shownThroughMs + slideMs) {
      this.#show(state, this.#align(state, watermarkMs));
    }
  }

  /** Samples of before this time are lost: windows that begin before it are incomplete. */
  lacksBefore(source: number, ms: number): void {
    const state = this.#get(source);
    state.lacksBeforeMs = Math.max(state.lacksBeforeMs, ms);
  }

  /** One of a source's lanes is silent while others go on: its windows no longer wait for it. */
  forgetLane(source: number, lane: number): void {
    this.#get(source).lanes.forget(lane);
  }

  /**
   * The source is silent, or said goodbye: emits every window that holds samples and was not
   * emitted, as provisional, for the source may come back with what is missing.
   */
  closeIdle(source: number): void {
    const state = this.#get(source);
    this.#emitProvisional(state, { afterMs: state.closedThroughMs, throughMs: Infinity });
  }

  /**
   * The source said that it sends nothing for now: by its own clock it is `nowMs`, so what it still
   * sends, when it is back, is of later, and windows that end before are final as if a sample had
   * said so. `pendingFromMs` as for `advance`. Windows without samples stay open.
   */
  closePassed(source: number, nowMs: number, pendingFromMs = Infinity): void {
    const state = this.#get(source);
    const newest = state.panes.at(-1);
    if (!newest) return;
    const settledMs = Math.min(nowMs - this.#options.latenessMs, pendingFromMs);
    const lastEndMs = newest.startMs + this.#options.windowMs;
    const throughMs = Math.min(this.#align(state, settledMs), lastEndMs);
    if (throughMs > state.closedThroughMs) this.#close(state, throughMs, settledMs);
  }

  /**
   * Nothing more is waited for: every window that holds samples becomes final. `pendingFromMs`: from
   * this time on samples could still come, so what ends later is incomplete.
   */
  finish(source: number, pendingFromMs = Infinity): void {
    const state = this.#get(source);
    const newest = state.panes.at(-1);
    if (!newest) return;
    this.#close(state, newest.startMs + this.#options.windowMs, pendingFromMs);
  }

  stats(): EngineStats {
    let provisionalWindows = 0;
    for (const state of this.#sources) provisionalWindows += state?.provisional.size ?? 0;
    return {
      sources: this.#sourceCount,
      panes: this.#paneCount,
      pooledPanes: this.#pool.length,
      provisionalWindows,
    };
  }

  #get(source: number): Source {
    const state = this.#sources[source];
    assert(state !== undefined, 'the source is open');
    return state;
  }

  #align(state: Source, ms: number): number {
    return alignDown(ms, state.originMs, this.#options.slideMs);
  }

  #append(state: Source, tsMs: number, values: ArrayLike<number>): void {
    let pane = state.current;
    // Written so that NaN, which is in no pane, is caught too.
    if (!(pane && tsMs >= pane.startMs && tsMs < pane.startMs + this.#options.slideMs)) {
      pane = this.#paneOf(state, tsMs);
      if (!pane) return;
      state.current = pane;
    }
    pane.append(tsMs, values);
  }

  /** The pane of a time, made when it is the first; undefined when all its windows are final. */
  #paneOf(state: Source, tsMs: number): Pane | undefined {
    assert(Number.isSafeInteger(tsMs), 'a time is in whole ms');
    const { panes } = state;
    const startMs = this.#align(state, tsMs);
    if (startMs < firstStartAfter(state.closedThroughMs, this.#options)) return undefined;
    const index = indexFrom(panes, startMs);
    const found = panes[index];
    if (found?.startMs === startMs) return found;
    const pane = this.#pool.pop() ?? new Pane(this.#options.metricCount, this.#scratch);
    pane.begin(startMs);
    if (index === panes.length) panes.push(pane);
    else panes.splice(index, 0, pane);
    this.#paneCount++;
    if (startMs + this.#options.slideMs <= state.shownThroughMs) state.markBackfilled(startMs);
    return pane;
  }

  #close(state: Source, throughMs: number, settledMs: number): void {
    const range = { afterMs: state.closedThroughMs, throughMs };
    assert(throughMs >= range.afterMs, 'windows close in order');
    for (const span of spansOf(state.panes, this.#options, range)) {
      state.firstPaneMs ??= state.panes[0]!.startMs;
      state.provisional.delete(span.startMs);
      const isWaiting = span.startMs + this.#options.windowMs > settledMs;
      const incomplete = isWaiting || span.startMs < state.lacksBeforeMs;
      this.#emitWindow(state, span, { final: true, incomplete });
    }
    state.closedThroughMs = throughMs;
    state.shownThroughMs = Math.max(state.shownThroughMs, throughMs);
    this.#dropPanes(state, indexFrom(state.panes, firstStartAfter(throughMs, this.#options)));
  }

  #show(state: Source, throughMs: number): void {
    const { closedThroughMs, shownThroughMs } = state;
    this.#emitProvisional(state, {
      afterMs: Math.max(closedThroughMs, state.backfilledFromMs),
      throughMs: Math.min(shownThroughMs, state.backfilledToMs + this.#options.windowMs),
    });
    state.clearBackfilled();
    this.#emitProvisional(state, { afterMs: shownThroughMs, throughMs });
    state.shownThroughMs = Math.max(shownThroughMs, throughMs);
  }

  #emitProvisional(state: Source, range: EndRange): void {
    for (const span of spansOf(state.panes, this.#options, range)) {
      if (state.provisional.has(span.startMs)) continue;
      state.provisional.add(span.startMs);
      this.#emitWindow(state, span, { final: false, incomplete: false });
    }
  }

  #emitWindow(
    state: Source,
    span: WindowSpan,
    flags: { final: boolean; incomplete: boolean },
  ): void {
    const { samples, aggregates } = this.#merger.merge(span);
    const firstPaneMs = state.firstPaneMs ?? state.panes[0]!.startMs;
    this.#emit({
      source: state.number,
      startMs: span.startMs,
      endMs: span.startMs + this.#options.windowMs,
      samples,
      aggregates,
      final: flags.final,
      incomplete: flags.incomplete,
      warmUp: span.startMs < firstPaneMs,
    });
  }

  /** Takes the oldest `count` panes away and keeps what can be used again. */
  #dropPanes(state: Source, count: number): void {
    for (const pane of state.panes.splice(0, count)) {
      if (state.current === pane) state.current = undefined;
      this.#paneCount--;
      const room = this.#pool.length < this.#paneCount + pooledPanesSpare;
      if (room && pane.poolable) this.#pool.push(pane);
    }
  }
}

/** One server, whole: its newest sample, top processes, inventory and the lines of its charts. */
import type { Events, ServerSeries, ServerSummary, ServerView } from '../../api/contract.ts';
import { METRICS } from '../../../wire/metrics.ts';
import type { Sample } from '../../../wire/records/sample.ts';
import { Grid } from '../lib/grid.ts';
import type { Range } from '../lib/route.ts';
import { type LineName, LINES } from '../lib/sample-lines.ts';

/** Later than this after its newest event, a chart ends there instead of now. */
const liveWithinMs = 2 * 60_000;

export class MachineState {
  readonly id: number;
  readonly range: Range;
  view: ServerView | null = null;
  sample: Sample | null = null;
  processes: ServerView['processes'] = null;
  lines: Grid<LineName>;
  /** Rises with every change of the charts' data. */
  revision = 0;
  /** Why there is nothing to show, for people. */
  problem: string | null = null;
  #newestMs = 0;

  constructor(id: number, range: Range) {
    this.id = id;
    this.range = range;
    this.lines = new Grid(range * 60_000, 1_000);
  }

  load(view: ServerView, series: ServerSeries): void {
    this.view = view;
    this.problem = null;
    const fromStream = this.sample;
    if (view.sample !== null) this.#setSample(view.sample);
    if (view.processes !== null) this.processes = view.processes;
    // The collector ends the series at the server's newest event, which for a replayed file is long ago.
    const lines = new Grid<LineName>(this.range * 60_000, series.step_ms);
    this.#newestMs = Math.max(series.times.at(-1) ?? 0, view.summary.ts, this.sample?.ts ?? 0);
    lines.advance(this.#newestMs);
    for (const { name } of LINES) lines.load(name, series.times, series.values[name]);
    this.lines = lines;
    this.revision += 1;
    // The stream may have been quicker than the answer.
    if (fromStream !== null && fromStream.ts > (view.sample?.ts ?? 0)) this.#add(fromStream);
  }

  addDetail({ id, sample, delivery }: Events['detail']): void {
    if (id !== this.id) return;
    if (this.view !== null) this.view = { ...this.view, delivery };
    this.#add(sample);
  }

  /** A row of `samples`; of another collector's server its windows are all that comes here. */
  addRow([id, ts, ...values]: Events['samples'][number]): void {
    if (id !== this.id || typeof ts !== 'number' || this.view?.summary.owner == null) return;
    this.#newestMs = Math.max(this.#newestMs, ts);
    this.lines.advance(this.#newestMs);
    for (const [index, metric] of METRICS.entries()) {
      const value = values[index];
      if (typeof value === 'number') this.lines.add(metric, ts, value);
    }
    this.revision += 1;
  }

  /** It is another state, or its counts are others now. */
  setSummary(summary: ServerSummary): void {
    if (summary.id === this.id && this.view !== null) this.view = { ...this.view, summary };
  }

  #add(sample: Sample): void {
    this.#newestMs = Math.max(this.#newestMs, sample.ts);
    this.lines.advance(this.#newestMs);
    for (const { name, of } of LINES) {
      const value = of(sample);
      if (value !== undefined) this.lines.add(name, sample.ts, value);
    }
    if (this.sample === null || sample.ts >= this.sample.ts) this.#setSample(sample);
    this.revision += 1;
  }

  #setSample(sample: Sample): void {
    this.sample = sample;
    const { processes, ts } = sample;
    if (processes !== undefined) this.processes = { ts, list: processes };
  }

  tick(nowMs: number): void {
    if (this.isLive(nowMs) && nowMs >= this.lines.endMs) {
      this.lines.advance(nowMs);
      this.revision += 1;
    }
  }

  /** Where the charts end: now, or the newest event of a server whose events are from another time. */
  endMs(nowMs: number): number {
    return this.isLive(nowMs) ? Math.max(nowMs, this.#newestMs) : this.#newestMs;
  }

  /** Whether its newest event is of now. */
  isLive(nowMs: number): boolean {
    return Math.abs(nowMs - this.#newestMs) < liveWithinMs;
  }
}

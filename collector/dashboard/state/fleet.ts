/** All servers: the newest values of each, and their CPU and memory over the chosen range. */
import type { Events, FleetSeries, FleetView, MeanMax, ServerSummary } from '../../api/contract.ts';
import { Grid } from '../lib/grid.ts';
import type { Range } from '../lib/route.ts';

/** Lines of a fleet chart; the collector sends history for no more. */
export const linesMax = 200;
/** A sample from further ahead of the collector's clock than this draws no line. */
const aheadMsMax = 5_000;

export interface RangeSummary {
  readonly cpu: MeanMax;
  readonly mem: MeanMax;
}

interface History {
  readonly cpu: MeanMax;
  readonly mem: MeanMax;
  readonly hasLine: boolean;
}

export class FleetState {
  readonly servers = new Map<number, ServerSummary>();
  version = '';
  /** The collector was replaced by another version while this page was open. */
  outdated = false;
  loaded = false;
  range: Range;
  cpu: Grid<number>;
  mem: Grid<number>;
  /** Rises with every change of the charts' data. */
  revision = 0;
  /** The newest event time of any server that reports live. */
  newestTs = 0;
  #history = new Map<number, History>();

  constructor(range: Range) {
    this.range = range;
    this.cpu = new Grid(range * 60_000, 1_000);
    this.mem = new Grid(range * 60_000, 1_000);
  }

  loadView(view: FleetView): void {
    this.servers.clear();
    for (const server of view.servers) this.setServer(server);
    this.outdated ||= this.version !== '' && this.version !== view.version;
    this.version = view.version;
    this.loaded = true;
  }

  loadSeries(series: FleetSeries, range: Range, nowMs: number): void {
    const spanMs = range * 60_000;
    this.range = range;
    this.cpu = new Grid(spanMs, series.step_ms);
    this.mem = new Grid(spanMs, series.step_ms);
    this.#advance(nowMs);
    this.#history = new Map();
    for (const server of series.servers) {
      this.cpu.load(server.id, series.times, server.cpu);
      this.mem.load(server.id, series.times, server.mem);
      const { cpu_summary: cpu, mem_summary: mem } = server;
      this.#history.set(server.id, { cpu, mem, hasLine: server.cpu.length > 0 });
    }
    this.revision += 1;
  }

  setServer(summary: ServerSummary): void {
    if (summary.state === 'decommissioned') {
      this.servers.delete(summary.id);
      return;
    }
    this.servers.set(summary.id, summary);
    if (!summary.replayed && !summary.skewed) this.newestTs = Math.max(this.newestTs, summary.ts);
  }

  /** Adds rows of `samples`. Answers whether all their servers are known. */
  addSamples(rows: Events['samples'], nowMs: number): boolean {
    this.#advance(nowMs);
    let known = true;
    for (const row of rows) {
      const [id, ts, ...values] = row;
      const server = typeof id === 'number' ? this.servers.get(id) : undefined;
      if (server === undefined || typeof ts !== 'number') known = false;
      else this.#addSample(server, ts, values, nowMs);
    }
    this.revision += 1;
    return known;
  }

  #addSample(
    server: ServerSummary,
    ts: number,
    values: readonly (number | null)[],
    nowMs: number,
  ): void {
    const [cpu, mem] = values;
    if (ts < nowMs + aheadMsMax) {
      this.#advance(ts);
      if (typeof cpu === 'number') this.cpu.add(server.id, ts, cpu);
      if (typeof mem === 'number') this.mem.add(server.id, ts, mem);
    }
    // Whoever sends is up, even when what it sends is a backlog: that is older than what is shown.
    const heard: ServerSummary = { ...server, state: 'up', last_seen_ms: nowMs };
    this.setServer(ts < server.ts ? heard : { ...heard, ts, values });
  }

  /** Time goes on for the charts without samples too. */
  tick(nowMs: number): void {
    if (nowMs < this.cpu.endMs) return;
    this.#advance(nowMs);
    this.revision += 1;
  }

  #advance(toMs: number): void {
    this.cpu.advance(toMs);
    this.mem.advance(toMs);
  }

  /** The servers that have a line, the first `linesMax` by id, so that a new one moves no other. */
  lineIds(): number[] {
    return [...this.cpu.keys()]
      .filter((id) => this.servers.has(id))
      .sort((one, other) => one - other)
      .slice(0, linesMax);
  }

  /**
   * Mean and maximum over the range. History comes as means over a step, which hide its spikes, so
   * the collector's own maximum counts too; it may be older than the range by what passed since the
   * last load, at most a minute. A server without a line has no history but the collector's summary.
   */
  summary(id: number): RangeSummary {
    const history = this.#history.get(id);
    if (history?.hasLine === false) return { cpu: history.cpu, mem: history.mem };
    return {
      cpu: withMax(this.cpu.summary(id), history?.cpu.max ?? null),
      mem: withMax(this.mem.summary(id), history?.mem.max ?? null),
    };
  }
}

function withMax(summary: MeanMax, max: number | null): MeanMax {
  if (max === null || summary.max === null) return { ...summary, max: summary.max ?? max };
  return { ...summary, max: Math.max(summary.max, max) };
}

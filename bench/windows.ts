/**
 * What a sample costs on its way into windows: the engine from 10 to 10,000 servers, beside the
 * naive way, and with more overlap. Each server sends four metrics a second, the servers' samples
 * come interleaved, and each is a batch of its own, which is the dearest way there is.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WindowEngine } from '../collector/windows/engine.ts';
import type { ServerWindow } from '../collector/windows/window.ts';
import { type BenchResult, median, rounded } from './result.ts';
import { NaiveWindows } from './windows-naive.ts';

const metricCount = 4;
const runs = 5;
const secondsWarmUp = 60;
const secondsMin = 40;
/** Samples of one run, or as many as `secondsMin` make. */
const samplesMin = 1_000_000;
const startMs = Date.UTC(2026, 0, 1);
const valueRows = 4096;

interface Contender {
  add(source: number, tsMs: number, values: Float64Array): void;
  advance(source: number, nowMs: number): void;
}

interface Setup {
  readonly servers: number;
  readonly slideMs: number;
  readonly make: (setup: Setup, emit: (window: ServerWindow) => void) => Contender;
}

export async function run(): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const engineBytes = bytesPerServer({ servers: 10_000, slideMs: 10_000, make: engine });
  const naiveBytes = bytesPerServer({ servers: 10_000, slideMs: 10_000, make: naive });
  figures['bytes_per_server'] = Math.round(engineBytes);
  figures['naive_bytes_per_server'] = Math.round(naiveBytes);

  const costs: Record<string, number> = {};
  const measure = (name: string, setup: Setup): void => {
    const ns = costNs(setup);
    costs[name] = ns;
    figures[`${name}_samples_per_s`] = Math.round(1e9 / ns);
    figures[`${name}_ns_per_sample`] = rounded(ns);
  };
  for (const servers of [10, 100, 1_000, 10_000]) {
    measure(`servers_${servers}`, { servers, slideMs: 10_000, make: engine });
  }
  measure('naive_servers_10000', { servers: 10_000, slideMs: 10_000, make: naive });
  measure('servers_100_slide_1s', { servers: 100, slideMs: 1_000, make: engine });
  measure('naive_servers_100_slide_1s', { servers: 100, slideMs: 1_000, make: naive });

  const ratio = (above: string, below: string): number =>
    rounded((costs[above] ?? Number.NaN) / (costs[below] ?? Number.NaN));
  const ratios = {
    cost_10000_to_10_servers: ratio('servers_10000', 'servers_10'),
    cost_naive_to_engine_10000_servers: ratio('naive_servers_10000', 'servers_10000'),
    cost_slide_1s_to_10s: ratio('servers_100_slide_1s', 'servers_100'),
    cost_naive_to_engine_slide_1s: ratio('naive_servers_100_slide_1s', 'servers_100_slide_1s'),
    bytes_naive_to_engine: rounded(naiveBytes / engineBytes),
  };
  return { bench: 'windows', figures, ratios };
}

function engine(setup: Setup, emit: (window: ServerWindow) => void): Contender {
  const made = new WindowEngine(
    {
      windowMs: 30_000,
      slideMs: setup.slideMs,
      latenessMs: 5_000,
      paneRetentionMs: 86_400_000,
      metricCount,
    },
    emit,
  );
  for (let source = 0; source < setup.servers; source++) {
    made.open(source, { originMs: 0, replayed: false });
  }
  return {
    add: (source, tsMs, values) => made.add(source, tsMs, values),
    advance: (source, nowMs) => made.advance(source, Infinity, nowMs),
  };
}

function naive({ slideMs }: Setup, emit: (window: ServerWindow) => void): Contender {
  return new NaiveWindows({ windowMs: 30_000, slideMs, latenessMs: 5_000, metricCount }, emit);
}

/** Values with every bit in use, so that sums have something to round. */
function makeValues(): Float64Array[] {
  return Array.from({ length: valueRows }, (_, i) =>
    Float64Array.from({ length: metricCount }, (_, j) => ((i * 7919 + j * 104_729) % 10_007) / 97),
  );
}

/** Feeds seconds [from, to) of all servers. */
function feed(contender: Contender, servers: number, span: { from: number; to: number }): void {
  const values = makeValues();
  let row = 0;
  for (let second = span.from; second < span.to; second++) {
    const tsMs = startMs + second * 1000;
    for (let source = 0; source < servers; source++) {
      row = (row + 1) % valueRows;
      contender.add(source, tsMs, values[row]!);
      contender.advance(source, tsMs + 1000);
    }
  }
}

/** Nanoseconds a sample, windows included: the median of the runs. */
function costNs(setup: Setup): number {
  const { servers } = setup;
  const seconds = Math.max(secondsMin, Math.ceil(samplesMin / servers));
  const costs: number[] = [];
  for (let n = 0; n < runs; n++) {
    let samplesOut = 0;
    const contender = setup.make(setup, (window) => {
      samplesOut += window.samples;
    });
    feed(contender, servers, { from: 0, to: secondsWarmUp });
    samplesOut = 0;
    const began = performance.now();
    feed(contender, servers, { from: secondsWarmUp, to: secondsWarmUp + seconds });
    costs.push(((performance.now() - began) * 1e6) / (servers * seconds));
    // Each second closes a second's worth of windows, so what comes out is known.
    const expected = (servers * seconds * 30_000) / setup.slideMs;
    if (samplesOut !== expected)
      throw new Error(`${samplesOut} samples in windows, not ${expected}`);
  }
  return median(costs);
}

/** Heap and array buffers that a server holds after two minutes. */
function bytesPerServer(setup: Setup): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  const before = usedBytes();
  const contender = setup.make(setup, () => {});
  feed(contender, setup.servers, { from: 0, to: 120 });
  collect();
  const bytes = (usedBytes() - before) / setup.servers;
  // Still in use here, so that it is not collected above.
  contender.advance(0, startMs);
  return bytes;
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * What a sample costs on its way into windows: the engine from 10 to 10,000 servers, beside the
 * naive way, and with more overlap. Each server sends four metrics a second, the servers' samples
 * come interleaved, and each is a batch of its own, which is the dearest way there is.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BenchResult, median, rounded } from './result.ts';
import { CONTENDERS, feed, type Setup } from './windows-load.ts';

const runs = 5;
const secondsWarmUp = 60;
const secondsMin = 40;

interface Case extends Setup {
  readonly contender: keyof typeof CONTENDERS;
  /** Of one run; more when `secondsMin` make more. */
  readonly samples: number;
}

export async function run(): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const engineBytes = await bytesPerServer('engine');
  const naiveBytes = await bytesPerServer('naive');
  figures['bytes_per_server'] = Math.round(engineBytes);
  figures['naive_bytes_per_server'] = Math.round(naiveBytes);

  const costs: Record<string, number> = {};
  for (const [name, oneCase] of cases()) {
    const ns = costNs(oneCase);
    costs[name] = ns;
    figures[`${name}_samples_per_s`] = rounded(1e9 / ns);
    figures[`${name}_ns_per_sample`] = rounded(ns);
  }
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

function cases(): [string, Case][] {
  const tenSeconds = { slideMs: 10_000, samples: 1_000_000 };
  const oneSecond = { slideMs: 1_000, samples: 100_000, servers: 100 };
  return [
    ...[10, 100, 1_000, 10_000].map((servers): [string, Case] => [
      `servers_${servers}`,
      { ...tenSeconds, servers, contender: 'engine' },
    ]),
    ['naive_servers_10000', { ...tenSeconds, servers: 10_000, contender: 'naive' }],
    ['servers_100_slide_1s', { ...oneSecond, contender: 'engine' }],
    ['naive_servers_100_slide_1s', { ...oneSecond, contender: 'naive' }],
  ];
}

/** Nanoseconds a sample, windows included: the median of the runs. */
function costNs(oneCase: Case): number {
  const { servers, slideMs, samples } = oneCase;
  const seconds = Math.max(secondsMin, Math.ceil(samples / servers));
  const costs: number[] = [];
  for (let n = 0; n < runs; n++) {
    let samplesOut = 0;
    const contender = CONTENDERS[oneCase.contender](oneCase, (window) => {
      samplesOut += window.samples;
    });
    feed(contender, servers, { from: 0, to: secondsWarmUp });
    samplesOut = 0;
    const began = performance.now();
    feed(contender, servers, { from: secondsWarmUp, to: secondsWarmUp + seconds });
    costs.push(((performance.now() - began) * 1e6) / (servers * seconds));
    // Each second closes a second's worth of windows, so what comes out is known.
    const expected = (servers * seconds * 30_000) / slideMs;
    if (samplesOut !== expected) {
      throw new Error(`${samplesOut} samples in windows, not ${expected}`);
    }
  }
  return median(costs);
}

/**
 * Heap and array buffers that a server holds after two minutes, in a process of its own: array
 * buffers of what ran before are freed some time after a collection, and would be counted as less.
 */
async function bytesPerServer(contender: keyof typeof CONTENDERS): Promise<number> {
  const script = fileURLToPath(new URL('windows-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    script,
    contender,
  ]);
  return Number(stdout);
}

/**
 * What a second of measuring costs the machine and the loop: our sampler against
 * `systeminformation` and against the same reads through `fs.promises`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  currentLoad,
  disksIO,
  fsSize,
  fsStats,
  mem,
  networkStats,
  processes as siProcesses,
} from 'systeminformation';
import { createSampler, type Sampler } from '../agent/metrics/sampler.ts';
import type { Clock } from '../runtime/clock.ts';
import type { BenchResult } from './result.ts';

const idleChildren = 200;
const runs = 5;
const never = new AbortController().signal;

/** Goes a second ahead for each sample, so that what is read every ten seconds is paid for. */
let skippedMs = 0;
const clock: Clock = {
  wallMs: () => Date.now() + skippedMs,
  monotonicMs: () => performance.now() + skippedMs,
};

function sampleNextSecond(sampler: Sampler): void {
  skippedMs += 1000;
  sampler.sample();
}

/** One contender: one base sample, and one scan of all processes. */
interface Contender {
  readonly name: string;
  readonly base: () => unknown;
  readonly scan: () => Promise<unknown>;
  /** Samples of one run; `systeminformation` takes a thousand times as long. */
  readonly baseCount: number;
  readonly scanCount: number;
  /** Time to let pass before each; within half a second `systeminformation` repeats itself. */
  readonly pauseMs: number;
}

interface Work {
  readonly work: () => unknown;
  readonly count: number;
  readonly pauseMs: number;
}

interface Costs {
  readonly name: string;
  readonly base: Cost;
  readonly scan: Cost;
}

/** Milliseconds for which nothing else could run, of each base sample and each slice of a scan. */
interface Held {
  readonly baseMs: readonly number[];
  readonly sliceMs: readonly number[];
}

interface Cost {
  /** Microseconds from asking to having. */
  readonly wallUs: number;
  /** Microseconds of CPU, those of child processes included. */
  readonly cpuUs: number;
}

export async function run(): Promise<BenchResult> {
  const children = await startSleepers(idleChildren);
  const sampler = createSampler({ clock });
  try {
    const held = await heldBy(sampler);
    const costs: Costs[] = [];
    for (const contender of contenders(sampler)) {
      const { name, baseCount, scanCount, pauseMs } = contender;
      const base = await costOf({ work: contender.base, count: baseCount, pauseMs });
      const scan = await costOf({ work: contender.scan, count: scanCount, pauseMs });
      costs.push({ name, base, scan });
    }
    return resultOf(held, costs);
  } finally {
    sampler.close();
    for (const child of children) child.kill('SIGKILL');
  }
}

function contenders(sampler: Sampler): Contender[] {
  return [
    {
      name: 'windrow',
      base: () => sampleNextSecond(sampler),
      scan: () => sampler.scanProcesses(never),
      baseCount: 500,
      scanCount: 50,
      pauseMs: 0,
    },
    {
      name: 'promises',
      base: promisesBase,
      scan: promisesScan,
      baseCount: 100,
      scanCount: 10,
      pauseMs: 0,
    },
    {
      name: 'systeminformation',
      base: () =>
        Promise.all([currentLoad(), mem(), networkStats('*'), disksIO(), fsStats(), fsSize()]),
      scan: () => siProcesses(),
      baseCount: 3,
      scanCount: 2,
      pauseMs: 600,
    },
  ];
}

/** The files of the base set, as most agents would read them. */
async function promisesBase(): Promise<string[]> {
  const names = ['stat', 'meminfo', 'loadavg', 'uptime', 'net/dev', 'diskstats', 'self/mounts'];
  const texts = await Promise.all(names.map((name) => readFile(`/proc/${name}`, 'utf8')));
  await statfs('/');
  return texts.flatMap((text) => text.split('\n').map((line) => line.trim().split(/\s+/)[1] ?? ''));
}

async function promisesScan(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const reads = pids.flatMap((pid) => [`/proc/${pid}/stat`, `/proc/${pid}/io`]);
  const texts = await Promise.allSettled(reads.map((path) => readFile(path, 'utf8')));
  return texts.filter(({ status }) => status === 'fulfilled').length;
}

/** Medians over the runs, the first of which is warm-up. */
async function costOf({ work, count, pauseMs }: Work): Promise<Cost> {
  const walls: number[] = [];
  const cpus: number[] = [];
  for (let n = 0; n <= runs; n += 1) {
    const cpuBefore = cpuUs();
    let wallMs = 0;
    for (let done = 0; done < count; done += 1) {
      if (pauseMs > 0) await setTimeout(pauseMs);
      const startMs = performance.now();
      await work();
      wallMs += performance.now() - startMs;
    }
    if (n === 0) continue;
    walls.push((wallMs * 1000) / count);
    cpus.push((cpuUs() - cpuBefore) / count);
  }
  return { wallUs: quantile(walls, 0.5), cpuUs: quantile(cpus, 0.5) };
}

/** CPU time of this process and, by cutime and cstime of proc(5), of its children that ended. */
function cpuUs(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return userCPUTime + systemCPUTime + endedChildrenUs();
}

/** In ticks of 10 ms, which is fine enough for contenders that start processes. */
function endedChildrenUs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

async function heldBy(sampler: Sampler): Promise<Held> {
  const baseMs: number[] = [];
  for (let n = 0; n < 3000; n += 1) {
    const startMs = performance.now();
    sampleNextSecond(sampler);
    baseMs.push(performance.now() - startMs);
    await setImmediate();
  }
  // What ran before the code was compiled is warm-up: an agent samples for months. Whole scans of
  // it: while the first one waits for names, the loop is free for thousands of empty turns.
  for (let n = 0; n < 50; n += 1) await scanAndWatch(sampler, []);
  const sliceMs: number[] = [];
  for (let n = 0; n < 250; n += 1) await scanAndWatch(sampler, sliceMs);
  return { baseMs: baseMs.slice(500), sliceMs };
}

/** A turn of the loop shorter than this did no work of a scan: a slice takes milliseconds. */
const waitingTurnMsMax = 0.05;

/** One scan, and how long each of its slices held the loop. */
async function scanAndWatch(sampler: Sampler, sliceMs: number[]): Promise<void> {
  let isScanning = true;
  let lastMs = performance.now();
  const scanned = sampler.scanProcesses(never).finally(() => {
    isScanning = false;
  });
  for (;;) {
    const nowMs = performance.now();
    // A turn in which the scan only waited for names held nothing, and thousands would hide the rest.
    if (nowMs - lastMs > waitingTurnMsMax) sliceMs.push(nowMs - lastMs);
    if (!isScanning) break;
    lastMs = nowMs;
    await setImmediate();
  }
  await scanned;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A sample each second and a scan each five seconds, as the agent does by default. */
function cpuSecondsPerMinute({ base, scan }: Costs): { base: number; all: number } {
  const baseS = (base.cpuUs * 60) / 1e6;
  return { base: baseS, all: baseS + (scan.cpuUs * 12) / 1e6 };
}

function resultOf(held: Held, costs: readonly Costs[]): BenchResult {
  const figures: Record<string, number> = {
    base_held_p50_ms: rounded(quantile(held.baseMs, 0.5)),
    base_held_p99_ms: rounded(quantile(held.baseMs, 0.99)),
    scan_slice_p50_ms: rounded(quantile(held.sliceMs, 0.5)),
    scan_slice_p99_ms: rounded(quantile(held.sliceMs, 0.99)),
  };
  const ratios: Record<string, number> = {};
  const [ours] = costs;
  const rows = costs.map((cost) => {
    const perMinute = cpuSecondsPerMinute(cost);
    figures[`${cost.name}_base_us`] = rounded(cost.base.wallUs);
    figures[`${cost.name}_scan_us`] = rounded(cost.scan.wallUs);
    figures[`${cost.name}_base_cpu_s_per_min`] = rounded(perMinute.base);
    figures[`${cost.name}_cpu_s_per_min`] = rounded(perMinute.all);
    if (ours !== undefined && cost !== ours) {
      const own = cpuSecondsPerMinute(ours);
      ratios[`${cost.name}_to_windrow_base_cpu`] = rounded(perMinute.base / own.base);
      ratios[`${cost.name}_to_windrow_cpu`] = rounded(perMinute.all / own.all);
    }
    return {
      sampler: cost.name,
      'base µs': Math.round(cost.base.wallUs),
      [`scan of ${idleChildren}+ µs`]: Math.round(cost.scan.wallUs),
      'base CPU s/min': rounded(perMinute.base),
      'with scans CPU s/min': rounded(perMinute.all),
    };
  });
  console.table(rows);
  console.table([
    {
      held: 'base set',
      'p50 ms': figures['base_held_p50_ms'],
      'p99 ms': figures['base_held_p99_ms'],
    },
    {
      held: 'slice of a scan',
      'p50 ms': figures['scan_slice_p50_ms'],
      'p99 ms': figures['scan_slice_p99_ms'],
    },
  ]);
  return { bench: 'sampler', figures, ratios };
}

/** Three significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

async function startSleepers(count: number): Promise<ChildProcess[]> {
  const children = Array.from({ length: count }, () =>
    spawn('sleep', ['600'], { stdio: 'ignore' }),
  );
  await Promise.all(children.map((child) => once(child, 'spawn')));
  return children;
}

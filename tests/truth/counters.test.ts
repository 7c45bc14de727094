/**
 * What the agent reads, against others who read the same at nearly the same moment: ours before,
 * theirs, ours again. A counter only grows, so theirs lies between; what goes up and down lies
 * between once nothing else moves it, so that is looked at again until it does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseCpu } from '../../agent/metrics/linux/cpu.ts';
import type { DeviceLine } from '../../agent/metrics/devices.ts';
import { parseDiskstats } from '../../agent/metrics/linux/disk.ts';
import { KeptFile } from '../../agent/metrics/linux/kept-file.ts';
import { parseNetDev } from '../../agent/metrics/linux/network.ts';
import { Scan } from '../../agent/metrics/linux/scan.ts';
import { createSampler } from '../../agent/metrics/sampler.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/http.ts';
import { missing } from '../support/tools.ts';
import { output, rowOf } from './tools.ts';

describe.skipIf(missing('free'))('memory', () => {
  it('is what free says before or after, or between', async () => {
    const sampler = createSampler();
    onTestFinished(() => sampler.close());
    await eventually(async () => {
      const before = await freeBytes();
      const ours = sampler.sample();
      const after = await freeBytes();
      expect(ours.mem_total).toBe(before.total);
      const [least, most] = [before.available, after.available].sort((a, b) => a - b);
      expect(ours.mem_available).toBeGreaterThanOrEqual(least ?? Number.NaN);
      expect(ours.mem_available).toBeLessThanOrEqual(most ?? Number.NaN);
      expect(ours.mem_used).toBe(before.total - (ours.mem_available ?? 0));
    });
  });
});

describe.skipIf(missing('prometheus-node-exporter'))('raw counters', () => {
  it('of node_exporter lie between ours before and ours after', async () => {
    const exporter = await startExporter();
    const before = ourCounters();
    const theirs = countersOf(await exporter());
    const after = ourCounters();
    const shared = [...before.keys()].filter((name) => theirs.has(name) && after.has(name));
    const kinds = new Set(shared.map((name) => name.split(' ')[0]));
    expect(kinds).toEqual(new Set(['cpu', 'disk', 'net']));
    const outside = shared.filter((name) => {
      const value = theirs.get(name) ?? Number.NaN;
      return !(value >= (before.get(name) ?? 0) && value <= (after.get(name) ?? 0));
    });
    expect(outside).toEqual([]);
  });
});

async function freeBytes(): Promise<{ total: number; available: number }> {
  // The row is named in the header's first column, which has no name.
  const table = (await output('free', ['--bytes'])).replace('total', 'row total');
  const { total = Number.NaN, available = Number.NaN } = rowOf(table, 'row', 'Mem:');
  return { total, available };
}

/** Modes whose ticks only grow: the kernel corrects idle and iowait backwards. */
const modes = ['user', 'nice', 'system', '', '', 'irq', 'softirq', 'steal'];
const ticksPerSecond = 100;
const sectorBytes = 512;

/** `cpu 0 user` → ticks, `net eth0 in` → bytes, `disk sda read` → bytes. */
function ourCounters(): Map<string, number> {
  const counters = new Map<string, number>();
  for (const [core, ticks] of readProc('stat', parseCpu).cores) {
    modes.forEach((mode, at) => {
      if (mode !== '') counters.set(`cpu ${core} ${mode}`, ticks[at] ?? Number.NaN);
    });
  }
  const add = (lines: readonly DeviceLine[], kind: string, [first, second]: readonly string[]) => {
    const factor = kind === 'disk' ? sectorBytes : 1;
    for (const line of lines) {
      counters.set(`${kind} ${line.name} ${first}`, line.first * factor);
      counters.set(`${kind} ${line.name} ${second}`, line.second * factor);
    }
  };
  add(readProc('net/dev', parseNetDev), 'net', ['in', 'out']);
  add(readProc('diskstats', parseDiskstats), 'disk', ['read', 'write']);
  return counters;
}

function readProc<T>(name: string, parse: (scan: Scan) => T): T {
  const file = new KeptFile(join('/proc', name), new Scan());
  try {
    return parse(file.read());
  } finally {
    file.close();
  }
}

const SERIES: readonly (readonly [RegExp, string, string])[] = [
  [/^node_network_receive_bytes_total\{device="(.+)"\} (\S+)$/, 'net', 'in'],
  [/^node_network_transmit_bytes_total\{device="(.+)"\} (\S+)$/, 'net', 'out'],
  [/^node_disk_read_bytes_total\{device="(.+)"\} (\S+)$/, 'disk', 'read'],
  [/^node_disk_written_bytes_total\{device="(.+)"\} (\S+)$/, 'disk', 'write'],
];
const cpuSeries = /^node_cpu_seconds_total\{cpu="(\d+)",mode="(\w+)"\} (\S+)$/;

/** Theirs, under our names and in our units. */
function countersOf(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, core, mode, seconds] = cpuSeries.exec(line) ?? [];
    if (seconds !== undefined) {
      counters.set(`cpu ${core} ${mode}`, Math.round(Number(seconds) * ticksPerSecond));
    }
    for (const [series, kind, way] of SERIES) {
      const [, device, value] = series.exec(line) ?? [];
      if (value !== undefined) counters.set(`${kind} ${device} ${way}`, Number(value));
    }
  }
  return counters;
}

/** Starts node_exporter. @returns how to read it */
async function startExporter(): Promise<() => Promise<string>> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/metrics`;
  const args = [`--web.listen-address=127.0.0.1:${port}`];
  const child = spawn('prometheus-node-exporter', args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const read = async (): Promise<string> => (await fetch(url)).text();
  await eventually(read);
  return read;
}

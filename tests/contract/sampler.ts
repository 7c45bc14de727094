/** What every platform's sampler must do, so that a page need not know on what a machine runs. */
import { expect } from 'vitest';
import type { Measurements, ProcessRow } from '../../wire/records/sample.ts';
import { sampleSchema } from '../../wire/records/sample.ts';
import { WIRE_VERSION } from '../../wire/version.ts';

/** All that a sample may have beside who sent it and when. */
const IDENTITY = new Set('v server_id ts boot_id seq interval_ms origin_ms unavailable'.split(' '));
const METRICS = Object.keys(sampleSchema.shape).filter((key) => !IDENTITY.has(key));
/** What can only be told by two readings. */
const RATES = [
  'cpu_pct',
  'cpu',
  'cores',
  'net_in',
  'net_out',
  'disk_io',
  'disk_read',
  'disk_write',
];
const listMax = 5;
/** Each share is rounded to two decimals. */
const roundingPct = 0.1;

/**
 * @param first the sampler's first sample
 * @param second one a second later, with two scans of the processes, `topProcesses` 5
 * @param expected metrics that this machine must have
 */
export function expectSamples(
  first: Measurements,
  second: Measurements,
  expected: readonly (keyof Measurements)[],
): void {
  for (const sample of [first, second]) expectWhole(sample);
  for (const rate of RATES) {
    expect(first, `${rate} of one reading`).not.toHaveProperty(rate);
    expect(first.unavailable?.[rate]).toBeTypeOf('string');
  }
  expect(second).toEqual(
    expect.objectContaining(Object.fromEntries(expected.map((key) => [key, expect.anything()]))),
  );
  expectLevels(second);
  expectShares(second);
  expectProcesses(second);
}

/** It passes the wire, and every metric is there or says why not: never both, never neither. */
function expectWhole(sample: Measurements): void {
  const identity = { v: WIRE_VERSION, server_id: 'pc', ts: 1, boot_id: 'b', seq: 0 };
  sampleSchema.strict().parse({ ...identity, ...sample });
  const { unavailable = {} } = sample;
  for (const metric of METRICS) {
    // The processes are in the sample behind a scan alone.
    if (metric === 'processes' && sample.processes === undefined) continue;
    const isThere = Object.hasOwn(sample, metric);
    expect(isThere !== Object.hasOwn(unavailable, metric), `${metric} or its reason`).toBe(true);
  }
  for (const [metric, reason] of Object.entries(unavailable)) {
    expect(reason, metric).not.toBe('');
    const [whole = '', part] = metric.split('.');
    expect(METRICS, metric).toContain(whole);
    if (part === undefined) continue;
    const value: unknown = (sample as Record<string, unknown>)[whole];
    expect(value, `${metric} is unavailable`).not.toHaveProperty(part);
  }
}

function expectLevels(sample: Measurements): void {
  const { mem_total = 0, mem_used = 0, mem_available = 0, mem_pct = 0, fs = [] } = sample;
  expect(mem_total).toBeGreaterThan(2 ** 26);
  expect(mem_used + mem_available).toBe(mem_total);
  expect(mem_pct).toBeCloseTo((mem_used / mem_total) * 100, 1);
  expect(sample.uptime_s).toBeGreaterThan(0);
  for (const { mount, total, used, used_pct } of fs) {
    expect(total, mount).toBeGreaterThan(0);
    expect(used, mount).toBeLessThanOrEqual(total);
    expect(used_pct, mount).toBeGreaterThanOrEqual(Math.floor((used / total) * 100));
  }
  expect(sample.disk_used_pct).toBe(Math.max(...fs.map(({ used_pct }) => used_pct)));
}

function expectShares({ cpu_pct, cpu, cores = [] }: Measurements): void {
  expect(cores.length).toBeGreaterThan(0);
  expect(cpu?.pct).toBe(cpu_pct);
  for (const { pct, user, system, steal = 0 } of cpu === undefined ? cores : [cpu, ...cores]) {
    expect(Math.abs(pct - (user + system + steal))).toBeLessThanOrEqual(roundingPct);
  }
}

function expectProcesses({ processes }: Measurements): void {
  if (processes === undefined) throw new Error('there are no processes');
  const { count = 0, by_cpu, by_mem, by_io = [] } = processes;
  expect(count).toBeGreaterThan(1);
  for (const list of [by_cpu, by_mem, by_io]) {
    expect(list.length).toBeLessThanOrEqual(listMax);
    expect(new Set(list.map(({ pid }) => pid)).size).toBe(list.length);
  }
  expect(by_mem.length).toBeGreaterThan(0);
  expectLargestFirst(by_cpu, ({ cpu_pct }) => cpu_pct);
  expectLargestFirst(by_mem, ({ rss = 0 }) => rss);
  expectLargestFirst(by_io, ({ read = 0, write = 0 }) => read + write);
}

function expectLargestFirst(rows: readonly ProcessRow[], measure: (row: ProcessRow) => number) {
  const measures = rows.map(measure);
  expect(measures).toEqual([...measures].sort((a, b) => b - a));
}

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { Machine, readOnce, readTwice, scanOf } from '../testing/machine.ts';
import { cpuSource, parseCpu, sharesBetween } from './cpu.ts';
import { KeptFile } from './kept-file.ts';
import { Scan } from './scan.ts';

//                   user nice system idle iowait irq softirq steal guest guest_nice
const before = 'cpu  1000 200 300 8000 400 50 50 100 600 150\n';

function shares(after: string) {
  const from = parseCpu(scanOf(before)).machine;
  const to = parseCpu(scanOf(after)).machine;
  if (to === undefined) throw new Error('no cpu line');
  return sharesBetween(from, to);
}

function statOf(cores: Record<number, string>): string {
  const lines = Object.entries(cores).map(([core, ticks]) => `cpu${core} ${ticks}\n`);
  return `${before}${lines.join('')}intr 1 2 3\n`;
}

/** A core that was busy half of its time. */
function at(ticks: number): string {
  return `${ticks} 0 0 ${ticks} 0 0 0 0 0 0`;
}

test('guest time is inside user and nice and is not counted twice', () => {
  // 40 of user are a guest's; the machine spent 100 ticks, half of them idle.
  expect(shares('cpu 1040 200 310 8050 400 50 50 100 640 150\n')).toEqual({
    pct: 50,
    user: 40,
    system: 10,
    iowait: 0,
    steal: 0,
  });
});

test('steal and iowait are part of the time that passed; iowait is not work', () => {
  expect(shares('cpu 1010 210 305 8040 410 53 52 120 600 150\n')).toEqual({
    pct: 50,
    user: 20,
    system: 10,
    iowait: 10,
    steal: 20,
  });
});

test('iowait that the kernel corrected backwards counts as none, not as negative', () => {
  expect(shares('cpu 1050 200 300 8050 390 50 50 100 600 150\n')).toEqual({
    pct: 50,
    user: 50,
    system: 0,
    iowait: 0,
    steal: 0,
  });
});

test('counters that restarted are a reset, counters that stood still are no time', () => {
  expect(shares('cpu 10 0 5 100 0 0 0 0 0 0\n')).toBe('reset');
  expect(shares(before)).toBe('no_time_passed');
});

test("a kernel's or a container's short line is read for what it has", () => {
  const from = parseCpu(scanOf('cpu 10 0 10 80\n')).machine;
  const to = parseCpu(scanOf('cpu 20 0 10 170\n')).machine ?? [];
  expect(sharesBetween(from, to)).toMatchObject({ pct: 10, user: 10, steal: 0 });
});

test('each core has its own shares', () => {
  const machine = new Machine('server');
  const source = cpuSource(machine.file('stat'), machine.clock);
  const draft = readTwice(source, machine, () => {
    machine.write(
      'proc/stat',
      [
        'cpu  1100 200 300 8100 400 50 50 100 600 150',
        'cpu0 600 100 150 4000 200 25 25 50 300 75',
        'cpu1 500 100 150 4100 200 25 25 50 300 75',
        '',
      ].join('\n'),
    );
  });
  expect(draft.cpu_pct).toBe(50);
  expect(draft.cores?.map((core) => core.pct)).toEqual([100, 0]);
  expect(draft.unavailable).toEqual({});
});

test('a core that goes offline or comes back gives nobody its numbers', () => {
  const machine = new Machine();
  const source = cpuSource(machine.file('stat'), machine.clock);
  const steps = [
    { cores: { 0: at(1), 1: at(1), 2: at(1) }, given: undefined },
    { cores: { 0: at(2), 1: at(2), 2: at(2) }, given: 3 },
    { cores: { 0: at(3), 2: at(3) }, given: undefined },
    { cores: { 0: at(4), 2: at(4) }, given: 2 },
    { cores: { 0: at(5), 1: at(9), 2: at(5) }, given: undefined },
    { cores: { 0: at(6), 2: at(6), 3: at(1) }, given: undefined },
  ];
  for (const { cores, given } of steps) {
    machine.write('proc/stat', statOf(cores));
    machine.clock.advance(1000);
    const draft = readOnce(source);
    expect(draft.cores?.length).toBe(given);
    expect(draft.unavailable['cores'] === undefined).toBe(given !== undefined);
  }
});

test('the interval in which the machine slept has no shares, the next one does', () => {
  const machine = new Machine('server');
  const source = cpuSource(machine.file('stat'), machine.clock);
  const slept = readTwice(source, machine, () => machine.clock.sleep(60_000));
  expect(slept.unavailable).toEqual({ cpu_pct: 'suspended', cpu: 'suspended', cores: 'suspended' });
  machine.clock.advance(1000);
  expect(readOnce(source).unavailable['cpu_pct']).toBe('no_time_passed');
});

test('a busy core shows on this machine', () => {
  const source = cpuSource(new KeptFile('/proc/stat', new Scan()), systemClock);
  const cores = readFileSync('/proc/stat', 'latin1').match(/^cpu\d/gm)?.length ?? 0;
  readOnce(source);
  const [fromMs, before] = [performance.now(), process.cpuUsage()];
  const endMs = fromMs + 500;
  while (performance.now() < endMs) Math.sqrt(endMs);
  const busyMs = process.cpuUsage(before).user / 1_000;
  const draft = readOnce(source);
  const busyPct = (100 * busyMs) / (performance.now() - fromMs) / cores;
  source.close();
  expect(draft.cores?.length).toBe(cores);
  // As far as others let us have a core, whatever else ran; a tick of 10 ms may be missing.
  expect(draft.cpu?.user).toBeGreaterThan(busyPct * 0.7);
  // The busiest one is no less busy than all of them are, however often we were moved.
  const busiestPct = Math.max(...(draft.cores ?? []).map((core) => core.pct));
  expect(busiestPct).toBeGreaterThan(busyPct * 0.7);
});

import { expect, it } from 'vitest';
import { addStages, StageTimes } from './stage-times.ts';

/** Keeps the CPU busy for so long. */
function work(ms: number): void {
  const { user, system } = process.threadCpuUsage();
  const done = (): number => {
    const now = process.threadCpuUsage();
    return (now.user + now.system - user - system) / 1_000;
  };
  while (done() < ms);
}

it('each stage has its own time, by the clock and of the CPU', () => {
  const times = new StageTimes(['one', 'other']);
  expect(times.timed('one', () => (work(20), 'result'))).toBe('result');
  times.timed('one', () => work(10));
  const { one, other } = times.soFar;
  expect(one.cpuMs).toBeGreaterThanOrEqual(30);
  expect(one.ms).toBeGreaterThanOrEqual(30);
  expect(other).toEqual({ ms: 0, cpuMs: 0 });
});

it('who waits takes time, and no CPU', () => {
  const times = new StageTimes(['one']);
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  times.timed('one', () => Atomics.wait(nobody, 0, 0, 60));
  const { ms, cpuMs } = times.soFar.one;
  expect(ms).toBeGreaterThanOrEqual(59);
  expect(cpuMs).toBeLessThan(30);
});

it('what fails took its time all the same', () => {
  const times = new StageTimes(['one']);
  const fail = (): void => {
    work(5);
    throw new Error('failed');
  };
  expect(() => times.timed('one', fail)).toThrow('failed');
  expect(times.soFar.one.cpuMs).toBeGreaterThanOrEqual(5);
});

it('threads are added stage by stage', () => {
  const one = { read: { ms: 1, cpuMs: 2 }, hash: { ms: 3, cpuMs: 4 } };
  const other = { read: { ms: 10, cpuMs: 20 }, hash: { ms: 30, cpuMs: 40 } };
  expect(addStages(one, other)).toEqual({
    read: { ms: 11, cpuMs: 22 },
    hash: { ms: 33, cpuMs: 44 },
  });
});

import { expect, test } from 'vitest';
import { average, gapMs, latest, quarters, scaleTop, stack } from './scale.ts';

test('the top of a scale is round and at or above the value', () => {
  expect(scaleTop(11, 1)).toBe(20);
  expect(scaleTop(20, 1)).toBe(20);
  expect(scaleTop(6_100, 1)).toBe(8_000);
  expect(scaleTop(0.3, 0.1)).toBeCloseTo(0.4);
  expect(scaleTop(99, 1)).toBe(100);
});

test('an idle machine keeps the floor', () => {
  expect(scaleTop(null, 10_000)).toBe(10_000);
  expect(scaleTop(12, 10_000)).toBe(10_000);
  expect(scaleTop(Number.NaN, 10_000)).toBe(10_000);
  expect(quarters(8)).toEqual([0, 2, 4, 6, 8]);
});

test('an agent of one sample a minute draws a line, one that stopped leaves a gap', () => {
  const everyMinute = Array.from({ length: 300 }, (_, s) => (s % 60 === 0 ? 1 : null));
  expect(gapMs(everyMinute, 1_000)).toBe(180_000);
  expect(gapMs([1, 1, 1, null, 1], 1_000)).toBe(10_000);
  expect(gapMs([1, 1, 1, null, 1], 15_000)).toBe(45_000);
  expect(gapMs([], 1_000)).toBe(10_000);
});

/** Points after so many steps each, from the first on. */
const spaced = (distances: readonly number[]): (number | null)[] => [
  1,
  ...distances.flatMap((steps) => [...Array.from({ length: steps - 1 }, () => null), 1]),
];
const times = (count: number, distance: number) => Array.from({ length: count }, () => distance);

test('samples and another collector’s windows in one line leave no gaps, but a minute does', () => {
  const windows = times(10, 10);
  const samples = times(60, 1);
  for (const mixed of [
    [...windows, ...samples],
    [...samples, ...windows],
    [...windows, ...times(2, 1), ...windows],
    [...samples, ...windows, ...samples, 60, ...samples],
    [...windows, 60, ...windows, ...samples],
    [...windows, 60, 60, ...samples],
  ]) {
    expect(gapMs(spaced(mixed), 1_000)).toBe(30_000);
  }
  expect(gapMs(spaced([...samples, 60, ...samples, 15, ...samples]), 1_000)).toBe(10_000);
});

test('the newest window of a line that was samples before is its newest value', () => {
  const line = [...spaced([...times(60, 1), ...times(4, 10)]), ...times(20, 1).map(() => null)];
  expect(latest(line, 1_000)).toBe(1);
  expect(average([line], 1_000).at(-1)).toBe(1);
});

test('stacked areas stand on one another, and nothing known stays a gap', () => {
  const [user, system] = stack([
    [1, null, null],
    [2, 3, null],
  ]);
  expect(user).toEqual([1, null, null]);
  expect(system).toEqual([3, 3, null]);
});

test('the average counts a line from its first point on, and until it has stopped', () => {
  const stopped = [10, ...Array.from({ length: 11 }, () => null)];
  const goesOn = [null, ...Array.from({ length: 11 }, () => 20)];
  expect(average([stopped, goesOn], 1_000)).toEqual([
    10,
    ...Array.from({ length: 10 }, () => 15),
    20,
  ]);
  expect(average([], 1_000)).toEqual([]);
});

test('the average does not flutter because servers sample in different seconds', () => {
  const even = [10, null, 10, null, 10];
  const odd = [20, 20, null, 20, null];
  expect(average([even, odd], 1_000)).toEqual([15, 15, 15, 15, 15]);
});

test('the newest value is looked for behind empty steps, but not behind an outage', () => {
  expect(latest([1, 2, null, null], 1_000)).toBe(2);
  expect(latest([1, 2, ...Array.from({ length: 30 }, () => null)], 1_000)).toBeNull();
  expect(latest([], 1_000)).toBeNull();
});

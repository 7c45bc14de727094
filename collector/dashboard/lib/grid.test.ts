import fc from '../../../runtime/testing/property.ts';
import { expect, test } from 'vitest';
import { Grid, pointsMax } from './grid.ts';

const at = (grid: Grid<string>, key: string, ts: number): number | null | undefined =>
  grid.column(key)[grid.times.findIndex((time) => ts >= time && ts < time + grid.stepMs)];

test('samples of one step become their mean, whatever their order', () => {
  const grid = new Grid<string>(10_000, 1_000);
  grid.advance(20_500);
  for (const value of [10, 40, 10]) grid.add('a', 20_100, value);
  expect(at(grid, 'a', 20_000)).toBe(20);
  expect(at(grid, 'a', 19_000)).toBeNull();
});

test('a late sample lands in its own step, and one before the span nowhere', () => {
  const grid = new Grid<string>(10_000, 1_000);
  grid.advance(20_500);
  grid.add('a', 12_700, 7);
  grid.add('a', 1_000, 99);
  expect(at(grid, 'a', 12_000)).toBe(7);
  expect(grid.summary('a')).toEqual({ avg: 7, max: 7 });
});

test('a spike inside a step is kept in the maximum, though the line shows the mean', () => {
  const grid = new Grid<string>(60_000, 10_000);
  grid.advance(60_000);
  for (const value of [0, 100, 2]) grid.add('a', 50_000, value);
  expect(grid.summary('a').max).toBe(100);
  expect(at(grid, 'a', 50_000)).toBe(34);
});

test('a line that appears later has nulls before', () => {
  const grid = new Grid<string>(5_000, 1_000);
  grid.advance(5_000);
  grid.add('late', 5_000, 1);
  expect(grid.column('late')).toEqual([null, null, null, null, null, 1]);
  expect(grid.has('late')).toBe(true);
  expect(grid.has('never')).toBe(false);
  expect(grid.column('never')).toHaveLength(grid.times.length);
});

test('a jump of more than the span starts anew instead of filling millions of points', () => {
  const grid = new Grid<string>(5_000, 1_000);
  grid.advance(5_000);
  grid.add('a', 5_000, 1);
  grid.advance(9_000_000_000);
  expect(grid.times).toHaveLength(6);
  expect(grid.summary('a')).toEqual({ avg: null, max: null });
});

test('an hour of four samples a second stays inside the bound', () => {
  const grid = new Grid<string>(3_600_000, 250);
  expect(grid.stepMs).toBe(1_000);
  grid.advance(3_600_000);
  expect(grid.times.length).toBeLessThanOrEqual(pointsMax + 1);
});

test('history loads as it is, and live samples go on behind it', () => {
  const grid = new Grid<string>(3_000, 1_000);
  grid.advance(3_000);
  grid.load('a', [0, 1_000, 2_000], [5, null, 6]);
  grid.advance(4_000);
  grid.add('a', 4_200, 9);
  expect(grid.times).toEqual([1_000, 2_000, 3_000, 4_000]);
  expect(grid.column('a')).toEqual([null, 6, null, 9]);
});

test('the invariant holds after any mixture of time and samples', () => {
  const step = fc.record({ to: fc.integer({ min: 0, max: 100_000 }), value: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const grid = new Grid<string>(9_000, 700);
      for (const { to, value } of steps) {
        grid.advance(to);
        grid.add(value % 2 === 0 ? 'even' : 'odd', to, value);
      }
      const times = [...grid.times];
      for (const [index, time] of times.entries()) {
        expect(time).toBe((times[0] ?? 0) + index * grid.stepMs);
      }
      for (const key of grid.keys()) expect(grid.column(key)).toHaveLength(times.length);
      if (times.length > 0) {
        expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThanOrEqual(grid.spanMs);
      }
    }),
  );
});

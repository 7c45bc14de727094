import { expect, test } from 'vitest';
import { byUnit, columnsOf } from './window-columns.ts';

function windowAt(end: number, values: Record<string, number>) {
  return { start: end - 30_000, end, values, verdict: 'breach' as const };
}

test('where windows are missing the line has a gap, and a missing value stays missing', () => {
  const windows = [
    windowAt(10_000, { a: 1, b: 9 }),
    windowAt(20_000, { a: 2 }),
    windowAt(60_000, { a: 3, b: 8 }),
  ];
  expect(columnsOf(windows, ['a', 'b'])).toEqual({
    times: [10_000, 20_000, 30_000, 60_000],
    columns: [
      [1, 2, null, 3],
      [9, null, null, 8],
    ],
    stepMs: 10_000,
  });
});

test('a single window is a point, none is no chart', () => {
  expect(columnsOf([windowAt(10_000, { a: 1 })], ['a']).columns).toEqual([[1]]);
  expect(columnsOf([], ['a'])).toEqual({ times: [], columns: [[]], stepMs: 10_000 });
});

test('figures of one unit share a chart', () => {
  expect([...byUnit(['cpu_pct.avg', 'net_in.avg', 'mem_pct.avg'])]).toEqual([
    ['%', ['cpu_pct.avg', 'mem_pct.avg']],
    ['B/s', ['net_in.avg']],
  ]);
});

import { expect, test } from 'vitest';
import { formatOrder, nextOrder, parseOrder, sortRows } from './sort.ts';

const cells = [3, null, 1, 2];

test('unavailable cells come last in both directions', () => {
  expect(sortRows(cells, (cell) => cell, false)).toEqual([1, 2, 3, null]);
  expect(sortRows(cells, (cell) => cell, true)).toEqual([3, 2, 1, null]);
});

test('equal cells keep their order, so that rows do not swap places for nothing', () => {
  const rows = ['a', 'b', 'c'].map((name) => ({ name, cell: 5 }));
  expect(sortRows(rows, ({ cell }) => cell, true)).toEqual(rows);
});

test('names sort as people count', () => {
  expect(sortRows(['n10', 'n9'], (name) => name, false)).toEqual(['n9', 'n10']);
});

test('the first click shows the largest number or the first name, the second turns it', () => {
  const byName = parseOrder('', 'name');
  expect(byName).toEqual({ column: 'name', descending: false });
  const byCpu = nextOrder(byName, 'cpu', false);
  expect(formatOrder(byCpu)).toBe('-cpu');
  expect(formatOrder(nextOrder(byCpu, 'cpu', false))).toBe('cpu');
  expect(formatOrder(nextOrder(byCpu, 'name', true))).toBe('name');
});

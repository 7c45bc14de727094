import fc from '../../runtime/testing/property.ts';
import { expect, test } from 'vitest';
import { Top } from './top.ts';

test('keeps what a full sort would keep, in the same order, without zeros', () => {
  const measures = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
  fc.assert(
    fc.property(measures, fc.integer({ min: 1, max: 12 }), (all, size) => {
      const top = new Top<{ measure: number; index: number }>(size);
      const rows = all.map((measure, index) => ({ measure, index }));
      for (const row of rows) top.offer(row.measure, row);
      const sorted = rows.filter(({ measure }) => measure > 0);
      sorted.sort((a, b) => b.measure - a.measure || a.index - b.index);
      expect(top.rows()).toEqual(sorted.slice(0, size));
    }),
  );
});

test('a measure that is not a number is not kept', () => {
  const top = new Top<string>(3);
  top.offer(Number.NaN, 'unknown');
  expect(top.rows()).toEqual([]);
});

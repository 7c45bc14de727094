import { expect, it } from 'vitest';
import { plural, wordFor } from './plural.ts';

it('of one the word is another than of none and of many', () => {
  expect([0, 1, 2].map((rows) => plural(rows, 'row'))).toEqual(['0 rows', '1 row', '2 rows']);
  const forms = ['file on its way', 'files on their way'] as const;
  expect(plural(1, ...forms)).toBe('1 file on its way');
  expect(plural(21, ...forms)).toBe('21 files on their way');
  expect([wordFor(1, 'record'), wordFor(1_000, 'record')]).toEqual(['record', 'records']);
});

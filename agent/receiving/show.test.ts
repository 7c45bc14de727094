import { expect, it } from 'vitest';
import type { Speeds } from '../sending/speeds.ts';
import { createShow, type Totals } from './show.ts';

function summaryOf(counts: number): string {
  let text = '';
  const terminal = { isTTY: true, write: (more: string) => (text += more) };
  const totals: Totals = {
    blocks: 0,
    bytes: 0,
    duplicates: counts,
    failures: counts,
    malformed: counts,
    notAssembled: counts,
  };
  createShow(terminal as unknown as NodeJS.WriteStream).summary(totals, {} as Speeds);
  return text;
}

it.each([
  [0, '0 blocks, 0 B stored\n'],
  [
    1,
    '0 blocks, 0 B stored; 1 was there already; 1 failed; 1 record was no block; 1 file could not be put together\n',
  ],
  [
    2,
    '0 blocks, 0 B stored; 2 were there already; 2 failed; 2 records were no blocks; 2 files could not be put together\n',
  ],
])('a terminal is told in words what came of it: %i of each', (counts, text) => {
  expect(summaryOf(counts)).toBe(text);
});

import { expect, it } from 'vitest';
import { OverElsewhere } from './over-elsewhere.ts';

function createOver() {
  let nowMs = 0;
  const over = new OverElsewhere((atMs) => nowMs - atMs <= 100);
  return { over, at: (ms: number) => void (nowMs = ms) };
}

it('what an alert that ended elsewhere was judged by is not judged again, and what comes later is', () => {
  const { over } = createOver();
  over.note('cpu', 'pc', 10);
  expect([over.covers('cpu', 'pc', 10), over.covers('mem', 'pc', 10)]).toEqual([true, false]);
  expect(over.covers('cpu', 'pc', 11)).toBe(false);
  expect(over.size).toBe(0);
});

it('of servers and rules that are gone nothing is kept for longer than it may be asked for', () => {
  const { over, at } = createOver();
  for (let i = 0; i < 5_000; i += 1) {
    at(i);
    over.note('cpu', `pc-${i}`, i);
  }
  expect(over.size).toBe(101);
  // One that ended again is of now, however long it is known.
  over.note('cpu', 'pc-4900', 4_999);
  at(5_099);
  over.note('cpu', 'pc', 5_099);
  expect(over.covers('cpu', 'pc-4900', 4_999)).toBe(true);
  expect(over.size).toBe(3);
  over.note('cpu', 'old', 4_000);
  expect(over.covers('cpu', 'old', 3_000)).toBe(false);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryOutbox } from './memory.ts';
import type { Waiting } from './port.ts';

function waiting(seq: number): Waiting {
  return { record: { value: seq }, tsMs: seq, seq };
}

function seqs(list: readonly Waiting[]): (number | undefined)[] {
  return list.map(({ seq }) => seq);
}

it('gives the oldest first, again and again, until they are acknowledged', () => {
  const outbox = createMemoryOutbox(100);
  for (let seq = 0; seq < 5; seq += 1) outbox.add(waiting(seq));
  const given = outbox.oldest(2);
  expect(seqs(given)).toEqual([0, 1]);
  expect(seqs(outbox.oldest(2))).toEqual([0, 1]);
  outbox.acknowledge(given);
  expect(seqs(outbox.oldest(9))).toEqual([2, 3, 4]);
  expect(outbox.size).toBe(3);
});

it('a full outbox drops its oldest, counts them, and never grows beyond its bound and a sixteenth', () => {
  const outbox = createMemoryOutbox(160);
  for (let seq = 0; seq < 10_000; seq += 1) {
    outbox.add(waiting(seq));
    expect(outbox.size).toBeLessThanOrEqual(170);
    if (seq >= 160) expect(outbox.size).toBeGreaterThanOrEqual(160);
  }
  expect(outbox.dropped).toBe(10_000 - outbox.size);
  expect(outbox.oldest(1)[0]?.seq).toBe(outbox.dropped);
});

it('acknowledging what was dropped meanwhile takes nothing else with it', () => {
  const outbox = createMemoryOutbox(16);
  for (let seq = 0; seq < 16; seq += 1) outbox.add(waiting(seq));
  const given = outbox.oldest(10);
  for (let seq = 16; seq < 22; seq += 1) outbox.add(waiting(seq));
  expect(outbox.dropped).toBeGreaterThan(0);
  outbox.acknowledge(given);
  expect(seqs(outbox.oldest(99))).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
});

it('what was given stays as it was, however the outbox changes', () => {
  const outbox = createMemoryOutbox(16);
  for (let seq = 0; seq < 4; seq += 1) outbox.add(waiting(seq));
  const given = outbox.oldest(4);
  outbox.acknowledge(outbox.oldest(1));
  outbox.add(waiting(4));
  expect(seqs(given)).toEqual([0, 1, 2, 3]);
});

it('every record is either acknowledged, still waiting in order, or counted as dropped', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('add' as const) },
      { weight: 1, arbitrary: fc.nat({ max: 30 }) },
    ),
    { maxLength: 400, size: 'max' },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), steps, (recordsMax, list) => {
      const outbox = createMemoryOutbox(recordsMax);
      let next = 0;
      let acknowledged = 0;
      for (const step of list) {
        if (step === 'add') outbox.add(waiting(next++));
        else {
          const given = outbox.oldest(step);
          acknowledged += given.length;
          outbox.acknowledge(given);
        }
      }
      const left = seqs(outbox.oldest(outbox.size));
      expect(left).toEqual(left.map((_, i) => next - left.length + i));
      expect(acknowledged + left.length + outbox.dropped).toBe(next);
    }),
  );
});

it('tells the earliest time that still waits, even when the wall clock went back in between', () => {
  const outbox = createMemoryOutbox(100);
  const times = [10, 11, 12, 3, 4];
  times.forEach((tsMs, seq) => outbox.add({ record: { value: seq }, tsMs, seq }));
  expect(outbox.earliestBehindMs(2)).toBe(3);
  expect(outbox.earliestBehindMs(4)).toBe(4);
  expect(outbox.earliestBehindMs(5)).toBeUndefined();
});

import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { Sequence } from './sequence.ts';

const numbers = fc.array(fc.nat({ max: 60 }), { maxLength: 200 });

it('takes each number exactly once, whatever the order', () => {
  fc.assert(
    fc.property(numbers, (sent) => {
      const sequence = new Sequence(undefined);
      const seen = new Set<number>();
      for (const seq of sent) {
        expect(sequence.add(seq)).toBe(!seen.has(seq));
        seen.add(seq);
      }
    }),
  );
});

it('keeps disjoint, ascending, joined intervals of exactly what came', () => {
  fc.assert(
    fc.property(numbers, (sent) => {
      const sequence = new Sequence(undefined);
      for (const seq of sent) sequence.add(seq);
      const { intervals } = sequence.checkpoint();
      const held = intervals.flatMap(([from, to]) =>
        Array.from({ length: to - from + 1 }, (_, i) => from + i),
      );
      expect(held).toEqual([...new Set(sent)].sort((a, b) => a - b));
      for (let i = 1; i < intervals.length; i += 1) {
        expect(intervals[i]?.[0]).toBeGreaterThan((intervals[i - 1]?.[1] ?? 0) + 1);
      }
    }),
  );
});

it('goes on after a restart as if there had been none', () => {
  fc.assert(
    fc.property(numbers, numbers, fc.nat({ max: 70 }), (before, after, settled) => {
      const whole = new Sequence(undefined);
      const first = new Sequence(undefined);
      for (const seq of before) expect(first.add(seq)).toBe(whole.add(seq));
      const second = new Sequence(JSON.parse(JSON.stringify(first.checkpoint())));
      for (const seq of after) expect(second.add(seq)).toBe(whole.add(seq));
      expect(second.settleBelow(settled)).toBe(whole.settleBelow(settled));
      expect(second.checkpoint()).toEqual(whole.checkpoint());
    }),
  );
});

it('counts as lost exactly what is missing below the oldest outstanding, once', () => {
  fc.assert(
    fc.property(numbers, fc.array(fc.nat({ max: 80 }), { maxLength: 5 }), (sent, settles) => {
      const sequence = new Sequence(undefined);
      for (const seq of sent) sequence.add(seq);
      let highest = 0;
      for (const settle of settles) {
        sequence.settleBelow(settle);
        highest = Math.max(highest, settle);
      }
      const came = new Set(sent.filter((seq) => seq < highest)).size;
      expect(sequence.lost).toBe(highest - came);
    }),
  );
});

it('does not count what a boot sent before this collector knew it', () => {
  const sequence = new Sequence(undefined, 1_000);
  sequence.add(1_000);
  sequence.add(1_003);
  expect(sequence.settleBelow(1_003)).toBe(2);
});

it('stays bounded when a hostile sender leaves a gap after every number', () => {
  const sequence = new Sequence(undefined);
  for (let seq = 0; seq < 10_000; seq += 2) sequence.add(seq);
  expect(sequence.checkpoint().intervals.length).toBeLessThanOrEqual(1_024);
  expect(sequence.add(9_998)).toBe(false);
  expect(sequence.add(9_999)).toBe(true);
});

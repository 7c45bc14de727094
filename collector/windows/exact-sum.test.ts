import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { ExactSum } from './exact-sum.ts';
import { sumByDefinition } from './testing/exact.ts';

function sumOf(values: readonly number[]): number {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum.rounded();
}

/** Values of every size that a metric may have, many of them cancelling each other. */
const value = fc.oneof(
  fc.double({ min: -1e18, max: 1e18, noNaN: true }),
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.constantFrom(1e18, -1e18, 1, -1, 0.1, 2 ** -53, -(2 ** -53), 2 ** -54, 5e-324, 0),
);

describe('ExactSum', () => {
  it.each([
    [[], 0],
    [[0.1, 0.2, 0.3], 0.6],
    [Array.from({ length: 10 }, () => 0.1), 1],
    [[1e18, 1, -1e18], 1],
    [[1e18, 1e-300, -1e18], 1e-300],
    // Half an ulp above 1 and a little more: the tie must not go to even.
    [[1, 2 ** -53, 2 ** -106], 1 + 2 ** -52],
    [[1, 2 ** -53, -(2 ** -106)], 1],
    [[1, 2 ** -53], 1],
  ])('of %j is %d', (values, expected) => {
    expect(sumOf(values)).toBe(expected);
  });

  it('is the double nearest to the true sum', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60, size: 'max' }), (values) => {
        expect(sumOf(values)).toBe(sumByDefinition(values) + 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on the order, nor on how it was split into parts', () => {
    const split = fc.array(fc.array(value, { maxLength: 12 }), { maxLength: 6 });
    fc.assert(
      fc.property(split, (groups) => {
        const merged = new ExactSum();
        for (const group of groups) {
          const sum = new ExactSum();
          for (const value of group) sum.add(value);
          for (let i = 0; i < sum.length; i++) merged.add(sum.part(i));
        }
        expect(merged.rounded()).toBe(sumOf(groups.flat().reverse()));
      }),
    );
  });

  it('is used again after clear without a trace of what was in it', () => {
    const sum = new ExactSum();
    sum.add(1e18);
    sum.add(1e-18);
    sum.clear();
    sum.add(2);
    expect(sum.rounded()).toBe(2);
    expect(sum.length).toBe(1);
  });
});

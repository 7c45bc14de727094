import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { nearestRank, RunMerger, sortFirst } from './quantile.ts';

const values = fc.array(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0),
  {
    maxLength: 80,
    size: 'max',
  },
);
const ascending = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);

describe('nearestRank', () => {
  it.each([
    [[7], 50, 7],
    [[1, 2], 50, 1],
    [[1, 2, 3], 50, 2],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 95, 10],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90, 9],
    [Array.from({ length: 100 }, (_, i) => i + 1), 99, 99],
    [Array.from({ length: 300 }, (_, i) => i + 1), 99, 297],
  ])('of %j at %d %% is %d', (sorted, percent, expected) => {
    expect(nearestRank(sorted, sorted.length, percent)).toBe(expected);
  });
});

describe('sortFirst', () => {
  it('sorts the first values, short or long, and leaves the rest alone', () => {
    fc.assert(
      fc.property(values, values, (head, tail) => {
        const buffer = Float64Array.from([...head, ...tail]);
        sortFirst(buffer, head.length);
        expect([...buffer]).toEqual([...ascending(head), ...tail]);
      }),
    );
  });
});

describe('RunMerger', () => {
  it('merges any number of runs, also empty ones, as one sort of all values would', () => {
    const merger = new RunMerger();
    fc.assert(
      fc.property(fc.array(values, { maxLength: 9 }), (lists) => {
        merger.clear();
        for (const list of lists) {
          const run = Float64Array.from([NaN, ...ascending(list), NaN]);
          merger.addRun(run, 1, run.length - 1);
        }
        const sorted = merger.sorted();
        expect([...sorted.subarray(0, merger.length)]).toEqual(ascending(lists.flat()));
      }),
    );
  });
});

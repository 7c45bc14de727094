import fc from '../../runtime/testing/property.ts';
import { expect, it } from 'vitest';
import { METRICS } from '../../wire/metrics.ts';
import { summaryOfBuckets, withWindows } from './buckets.ts';

const at = (ts: number, value: number | null = 1) => ({
  ts,
  means: METRICS.map(() => value),
  maxima: METRICS.map(() => value),
});

it('a window is drawn where no sample of it is, and only there; all by time', () => {
  const sampleTimes = fc
    .uniqueArray(fc.integer({ min: 0, max: 20 }))
    .map((times) => times.sort((a, b) => a - b));
  const starts = fc
    .uniqueArray(fc.integer({ min: -3, max: 20 }))
    .map((times) => times.sort((a, b) => a - b));
  fc.assert(
    fc.property(sampleTimes, starts, (times, starts) => {
      const samples = times.map((ts) => at(ts));
      const windows = starts.map((startMs) => ({
        ...at(startMs + 2),
        startMs,
        endMs: startMs + 3,
      }));
      const drawn = withWindows(samples, windows);
      const expected = [
        ...times,
        ...starts
          .filter((start) => !times.some((ts) => ts >= start && ts < start + 3))
          .map((start) => start + 2),
      ];
      expect(drawn.map(({ ts }) => ts)).toEqual(expected.sort((a, b) => a - b));
    }),
  );
});

it('a summary passes over what was not measured', () => {
  const [first] = METRICS.keys();
  const summary = summaryOfBuckets([at(0, 1), at(1, null), at(2, 4)]);
  expect([summary.means[first!], summary.maxima[first!]]).toEqual([2.5, 4]);
  expect(summaryOfBuckets([at(0, null)]).means).toEqual(METRICS.map(() => null));
});

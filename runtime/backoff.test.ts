import fc from './testing/property.ts';
import { expect, it } from 'vitest';
import { fullJitterMs } from './backoff.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it('a wait is never below 0 nor at or above its bound, however many attempts there were', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 5_000 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 600_000 }),
      chance,
      (attempt, baseMs, capMs, random) => {
        const waitMs = fullJitterMs(attempt, { baseMs, capMs }, () => random);
        expect(Number.isInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThan(Math.min(capMs, baseMs * 2 ** attempt));
      },
    ),
  );
});

it('each attempt doubles the bound until the cap', () => {
  const limits = { baseMs: 500, capMs: 30_000 };
  const attempts = [0, 1, 2, 3, 4, 5, 6, 7, 100];
  expect(attempts.map((attempt) => fullJitterMs(attempt, limits, () => 0.999_999))).toEqual([
    499, 999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999, 29_999,
  ]);
});

it('the whole range is used: senders that failed together do not come back together', () => {
  const limits = { baseMs: 1_000, capMs: 30_000 };
  const waits = [0, 0.25, 0.5, 0.75].map((random) => fullJitterMs(3, limits, () => random));
  expect(waits).toEqual([0, 2_000, 4_000, 6_000]);
});

import fc from './testing/property.ts';
import { describe, expect, test } from 'vitest';
import { intervalBetween, type Rate, rateOver, suspendMsMin, wrapPerSecondMax } from './rates.ts';

const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const elapsed = fc.integer({ min: 1, max: 3_600_000 });

function perSecond(rate: Rate): number {
  if ('unavailable' in rate) throw new Error(`no rate: ${rate.unavailable}`);
  return rate.perSecond;
}

describe('intervalBetween', () => {
  test('one reading is no interval', () => {
    expect(intervalBetween(undefined, { monotonicMs: 5 })).toEqual({
      unavailable: 'first_reading',
    });
  });

  test('no time and negative time are gaps, not infinite or negative rates', () => {
    for (const monotonicMs of [10, 9]) {
      expect(intervalBetween({ monotonicMs: 10 }, { monotonicMs })).toEqual({
        unavailable: 'no_time_passed',
      });
    }
  });

  test('wall time far ahead of monotonic time is a suspend, a slewed clock is not', () => {
    const from = { monotonicMs: 1000, wallMs: 500_000 };
    const slewed = { monotonicMs: 2000, wallMs: 501_000 + suspendMsMin };
    expect(intervalBetween(from, slewed)).toEqual({ elapsedMs: 1000 });
    const slept = { ...slewed, wallMs: slewed.wallMs + 1 };
    expect(intervalBetween(from, slept)).toEqual({ unavailable: 'suspended' });
  });

  test('a wall clock set back does not touch the interval', () => {
    const to = { monotonicMs: 2000, wallMs: 100 };
    expect(intervalBetween({ monotonicMs: 1000, wallMs: 9e9 }, to)).toEqual({ elapsedMs: 1000 });
  });

  test('a machine that wakes before monotonic time moved is suspended', () => {
    const to = { monotonicMs: 1000, wallMs: 60_000 };
    expect(intervalBetween({ monotonicMs: 1000, wallMs: 0 }, to)).toEqual({
      unavailable: 'suspended',
    });
  });

  test('readings of a sender that has one clock are compared by that clock alone', () => {
    expect(intervalBetween({ monotonicMs: 1_000 }, { monotonicMs: 61_000, wallMs: 0 })).toEqual({
      elapsedMs: 60_000,
    });
  });
});

describe('rateOver', () => {
  test('a counter that only grows gives back its increment', () => {
    fc.assert(
      fc.property(counter, counter, elapsed, (a, b, elapsedMs) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const rate = perSecond(rateOver({ elapsedMs }, low, high));
        expect((rate * elapsedMs) / 1000).toBeCloseTo(high - low, -Math.log10(high - low + 1) + 9);
      }),
    );
  });

  test('no readings at all give a negative or infinite rate', () => {
    fc.assert(
      fc.property(counter, counter, elapsed, (previous, current, elapsedMs) => {
        const rate = rateOver({ elapsedMs }, previous, current);
        if ('unavailable' in rate) {
          expect(rate.unavailable).toBe('reset');
          expect(current).toBeLessThan(previous);
        } else {
          expect(rate.perSecond).toBeGreaterThanOrEqual(0);
          expect(rate.perSecond).toBeLessThan(Number.POSITIVE_INFINITY);
        }
      }),
    );
  });

  test('a 32-bit counter that wraps at a believable rate keeps its rate', () => {
    const increment = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(increment, fc.nat(), elapsed, (step, place, elapsedMs) => {
        fc.pre(step / (elapsedMs / 1000) <= wrapPerSecondMax);
        const previous = 2 ** 32 - 1 - (place % step);
        const rate = perSecond(rateOver({ elapsedMs }, previous, (previous + step) % 2 ** 32));
        expect(rate).toBe(step / (elapsedMs / 1000));
      }),
    );
  });

  test('a counter above 32 bits that went back is a reset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 32, max: 2 ** 52 }), elapsed, (previous, elapsedMs) => {
        expect(rateOver({ elapsedMs }, previous, 0)).toEqual({ unavailable: 'reset' });
      }),
    );
  });

  test('a small counter that went back is a reset, however long the interval', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), elapsed, (previous, elapsedMs) => {
        expect(rateOver({ elapsedMs }, previous, 0)).toEqual({ unavailable: 'reset' });
      }),
    );
  });

  test('a wrap faster than the bound is a reset', () => {
    const previous = 2 ** 32 - wrapPerSecondMax;
    expect(rateOver({ elapsedMs: 1000 }, previous, 0)).toEqual({ perSecond: wrapPerSecondMax });
    expect(rateOver({ elapsedMs: 999 }, previous, 0)).toEqual({ unavailable: 'reset' });
  });

  test('the reason of an interval without a length is the reason of its rate', () => {
    expect(rateOver({ unavailable: 'suspended' }, 1, 2)).toEqual({ unavailable: 'suspended' });
  });
});

import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { roundHalfUp, shortestText } from './rounding.ts';

/** Independent of the code: scale by a power of ten as BigInt, add a half, divide. */
function byDefinition(value: number, decimals: number): number {
  const text = /^-?(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))!;
  const places = 400n;
  const digits = BigInt(text[1]! + (text[2] ?? ''));
  const exponent = BigInt(text[3] ?? '0') - BigInt((text[2] ?? '').length);
  const scaled = digits * 10n ** (exponent + places);
  const unit = 10n ** (places - BigInt(decimals));
  const rounded = (2n * scaled + unit) / (2n * unit);
  const magnitude = Number(`${rounded}e-${decimals}`);
  return value < 0 ? 0 - magnitude : magnitude;
}

describe('roundHalfUp', () => {
  it.each([
    [1.005, 2, 1.01],
    [2.675, 2, 2.68],
    [1.004_999_999_999, 2, 1],
    [0.5, 0, 1],
    [2.5, 0, 3],
    [-1.005, 2, -1.01],
    [-0.004, 2, 0],
    [-0, 2, 0],
    [0.005, 2, 0.01],
    [0.000_5, 2, 0],
    [5e-7, 6, 0.000_001],
    [1e-7, 2, 0],
    [1.5e-7, 7, 2e-7],
    [9.999, 2, 10],
    [99.995, 2, 100],
    [1e21, 2, 1e21],
    [1.234_567_8e22, 2, 1.234_567_8e22],
    [2 ** 53, 0, 2 ** 53],
  ])('%d to %d places is %d', (value, decimals, expected) => {
    expect(roundHalfUp(value, decimals)).toBe(expected);
  });

  it('agrees with whole numbers of the last place, for every double', () => {
    const sizes = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: -1e4, max: 1e4, noNaN: true }),
      fc.integer({ min: -1e7, max: 1e7 }).map((n) => n / 1000),
    );
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 8 }), (value, decimals) => {
        expect(roundHalfUp(value, decimals)).toBe(byDefinition(value, decimals));
      }),
      { numRuns: 5000 },
    );
  });

  it('gives a number whose shortest form has no more places, and that rounds to itself', () => {
    const value = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 6 }), (value, decimals) => {
        const rounded = roundHalfUp(value, decimals);
        const [, fraction = ''] = shortestText(rounded).split('.');
        expect(fraction.length).toBeLessThanOrEqual(decimals);
        expect(roundHalfUp(rounded, decimals)).toBe(rounded);
      }),
    );
  });
});

describe('shortestText', () => {
  it.each([
    [53, '53'],
    [56.2, '56.2'],
    [-0, '0'],
    [1e21, '1e+21'],
    [0.1 + 0.2, '0.30000000000000004'],
  ])('of %d is %s', (value, expected) => {
    expect(shortestText(value)).toBe(expected);
  });
});

import { describe, expect, test } from 'vitest';
import { metricAbsMax } from '../../wire/limits.ts';
import { hundredths, percentOf, wholeAmount } from './numbers.ts';

describe('percentOf', () => {
  test('has two decimals', () => expect(percentOf(1, 3)).toBe(33.33));
  test('never leaves 0 to 100, whatever the kernel counted', () => {
    expect(percentOf(-1, 3)).toBe(0);
    expect(percentOf(4, 3)).toBe(100);
  });
});

test('hundredths rounds to two decimals', () => {
  expect(hundredths(234.5678)).toBe(234.57);
  expect(hundredths(0.004)).toBe(0);
});

test("a broken driver's number stays inside what the wire takes", () => {
  expect(wholeAmount(2 ** 64)).toBe(metricAbsMax);
  expect(wholeAmount(-5)).toBe(0);
  expect(wholeAmount(1.6)).toBe(2);
});

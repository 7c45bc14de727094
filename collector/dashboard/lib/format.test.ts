import { describe, expect, test } from 'vitest';
import {
  ago,
  bytes,
  clockTime,
  decimal,
  duration,
  moment,
  percent,
  rate,
  shortRate,
} from './format.ts';

test('an unavailable value is a dash, never a zero', () => {
  for (const format of [bytes, rate, percent, decimal, duration]) {
    expect(format(null)).toBe('–');
    expect(format(undefined)).toBe('–');
    expect(format(Number.NaN)).toBe('–');
    expect(format(0)).not.toBe('–');
  }
});

describe('bytes and rates', () => {
  test('keep three digits that matter', () => {
    expect(rate(0)).toBe('0 B/s');
    expect(rate(999)).toBe('999 B/s');
    expect(rate(1_234)).toBe('1.23 kB/s');
    expect(rate(12_345_678)).toBe('12.3 MB/s');
    expect(rate(123_456_789_000)).toBe('123 GB/s');
  });
  test('never show 1000 of a unit that has a next one', () => {
    expect(rate(999_999)).toBe('1.00 MB/s');
    expect(bytes(1024 ** 3 - 1)).toBe('1.00 GiB');
    expect(rate(9_996)).toBe('10.0 kB/s');
    expect(rate(99_960)).toBe('100 kB/s');
  });
  test('lose trailing zeros on an axis, but no others', () => {
    expect(shortRate(2_500_000)).toBe('2.5 MB/s');
    expect(shortRate(1_000_000)).toBe('1 MB/s');
    expect(shortRate(100_000_000)).toBe('100 MB/s');
    expect(shortRate(20_000)).toBe('20 kB/s');
    expect(shortRate(0)).toBe('0 B/s');
  });
  test('bytes count in 1,024', () => {
    expect(bytes(1024)).toBe('1.00 KiB');
    expect(bytes(16 * 1024 ** 3)).toBe('16.0 GiB');
  });
  test('the largest value that the wire takes still has a unit', () => {
    expect(rate(1e18)).toBe('1.00 EB/s');
    expect(bytes(1e18)).toBe('888 PiB');
  });
});

test('durations show their two largest units', () => {
  expect(duration(0.4)).toBe('0 s');
  expect(duration(59.9)).toBe('59 s');
  expect(duration(60)).toBe('1 min');
  expect(duration(3_600)).toBe('1 h');
  expect(duration(5_000)).toBe('1 h 23 min');
  expect(duration(90_000)).toBe('1 d 1 h');
  expect(duration(-3)).toBe('0 s');
});

test('what was seen a moment ago is "now"', () => {
  expect(ago(1_900)).toBe('now');
  expect(ago(-50)).toBe('now');
  expect(ago(61_000)).toBe('1 min ago');
});

test('a time of another day carries its date', () => {
  const noon = new Date(2026, 2, 4, 12, 5, 9).getTime();
  expect(clockTime(noon)).toBe('12:05:09');
  expect(clockTime(noon, false)).toBe('12:05');
  expect(moment(noon, noon + 60_000)).toBe('12:05:09');
  expect(moment(noon, noon + 86_400_000)).toBe('2026-03-04 12:05:09');
});

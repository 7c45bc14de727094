import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { dayMs } from '../../wire/compat/time-of-day.ts';
import {
  datedSourceId,
  dayAsKnown,
  dayGiven,
  dayText,
  midnightBefore,
  nearestDay,
} from './dating.ts';

const hourMs = 3_600_000;
const todayMs = Date.UTC(2026, 10, 20);

it.each(['1970-01-01', '2024-02-29', '2099-12-31'])('--day takes %s', (text) => {
  expect(dayText(dayGiven(text))).toBe(text);
});

it.each([
  '',
  'today',
  '2026-02-29',
  '2026-13-01',
  '2026-1-1',
  '20261120',
  '1969-12-31',
  '2100-01-01',
])('--day refuses %j', (text) => {
  expect(() => dayGiven(text)).toThrow(`--day: ${text} is no date from 1970 to 2099`);
});

describe('the day of the first row', () => {
  it.each([
    [20, 2, -1],
    [20, 9, 0],
    [1, 14, 1],
    [1, 12, 0],
  ])(
    'of times that begin at %i h, read at %i h, is %i days from that of now',
    (first, now, days) => {
      const nowMs = todayMs + now * hourMs;
      const day = nearestDay(midnightBefore(nowMs), todayMs + first * hourMs, nowMs);
      expect(day).toBe(todayMs + days * dayMs);
    },
  );

  it('is as known, where the first rows are the earliest', () => {
    const originMs = todayMs + 20 * hourMs;
    expect(dayAsKnown(todayMs, originMs, originMs - 3 * dayMs)).toBe(todayMs - 3 * dayMs);
  });

  it('puts no row before an earliest one that has its own date', () => {
    const originMs = todayMs + 20 * hourMs;
    const knownMs = todayMs - 2 * dayMs + 21 * hourMs;
    expect(dayAsKnown(todayMs, originMs, knownMs)).toBe(todayMs - dayMs);
  });
});

it('a file with other dates has another name, and with the same ones the same, as its documents say', () => {
  const sha256 = 'ab'.repeat(32);
  const name = datedSourceId(sha256, todayMs);
  const documented = createHash('sha256').update(`${sha256} 2026-11-20`).digest('hex');
  expect([name, datedSourceId(sha256, todayMs)]).toEqual([documented, documented]);
  expect(datedSourceId(sha256, todayMs + dayMs)).not.toBe(name);
  expect(name).toMatch(/^[0-9a-f]{64}$/);
});

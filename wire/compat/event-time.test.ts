import fc from '../../runtime/testing/property.ts';
import { describe, expect, it } from 'vitest';
import { EventTimes } from './event-time.ts';
import { dayMs, formatTimeOfDay } from './time-of-day.ts';

const firstDayMs = Date.UTC(2026, 10, 20);

/** ISO text of each event, or undefined. */
function read(...texts: string[]): (string | undefined)[] {
  const times = new EventTimes(firstDayMs);
  return texts.map((text) => {
    const tsMs = times.read(text);
    return tsMs === undefined ? undefined : new Date(tsMs).toISOString().replace('.000Z', 'Z');
  });
}

describe('EventTimes', () => {
  it('gives the first time of day the day it is told', () => {
    expect(read('20:52:00')).toEqual(['2026-11-20T20:52:00Z']);
  });

  it('takes a drop of more than twelve hours for midnight, and a rise for a step back', () => {
    expect(read('23:59:59', '00:00:02', '23:59:58', '00:00:03')).toEqual([
      '2026-11-20T23:59:59Z',
      '2026-11-21T00:00:02Z',
      '2026-11-20T23:59:58Z',
      '2026-11-21T00:00:03Z',
    ]);
  });

  it('keeps the day at a drop or a rise of exactly twelve hours', () => {
    expect(read('20:00:00', '08:00:00', '20:00:00')).toEqual([
      '2026-11-20T20:00:00Z',
      '2026-11-20T08:00:00Z',
      '2026-11-20T20:00:00Z',
    ]);
  });

  it('is not led astray by a text that is no time', () => {
    expect(read('23:00:00', '24:00:00', 'x', '', '01:00:00')).toEqual([
      '2026-11-20T23:00:00Z',
      undefined,
      undefined,
      undefined,
      '2026-11-21T01:00:00Z',
    ]);
  });

  it('follows any walk of steps below twelve hours', () => {
    const step = fc.integer({ min: -43_199, max: 43_199 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: 'max' }), (steps) => {
        const times = new EventTimes(firstDayMs);
        let tsMs = firstDayMs + 12 * 3_600_000;
        for (const seconds of [0, ...steps]) {
          tsMs += seconds * 1000;
          expect(times.read(formatTimeOfDay(tsMs))).toBe(tsMs);
        }
      }),
    );
  });

  it.each([
    ['1763632800123', '2025-11-20T10:00:00.123Z'],
    ['1763632800', '2025-11-20T10:00:00Z'],
    ['1763632800.12', '2025-11-20T10:00:00.120Z'],
    ['0', '1970-01-01T00:00:00Z'],
    ['2025-11-20T10:00:00Z', '2025-11-20T10:00:00Z'],
    ['2025-11-20 10:00Z', '2025-11-20T10:00:00Z'],
    ['2025-11-20T10:00:00.123456789+01:00', '2025-11-20T09:00:00.123Z'],
    ['2025-11-20T10:00:00-0330', '2025-11-20T13:30:00Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toEqual([expected]);
  });

  it.each([
    '2025-11-20T10:00:00',
    '2025-02-29T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-11-20T24:00:00Z',
    '2025-11-20T10:00:00+25:00',
    '-5',
    '1e12',
    '4102444800001',
    '99999999999',
    '1:02:03',
  ])('refuses %s', (text) => {
    expect(read(text)).toEqual([undefined]);
  });

  it('says which times have their date from the first day, whatever comes between', () => {
    const times = new EventTimes(firstDayMs);
    const from = ['20:52:00', 'x', '01:00:00', '2025-11-20T10:00:00Z', '10:00:01'].map((text) => {
      times.read(text);
      return times.isFromFirstDay;
    });
    expect(from).toEqual([true, true, true, false, false]);
  });

  it('counts a day as UTC does', () => {
    expect(new EventTimes(firstDayMs + dayMs).read('00:00:00')).toBe(firstDayMs + dayMs);
  });
});

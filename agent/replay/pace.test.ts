import { expect, it } from 'vitest';
import { durationText, type Pace, Pacer, replayMs } from './pace.ts';

function dues(pacer: Pacer, times: readonly number[]): number[] {
  return times.map((tsMs) => pacer.dueMs(tsMs));
}

it('at speed max every row is due at once', () => {
  expect(dues(new Pacer({ kind: 'max' }), [5, 1_000, 0])).toEqual([0, 0, 0]);
});

it('at a speed, event time passes that many times as fast; a row out of order is due at once', () => {
  const pacer = new Pacer({ kind: 'speed', factor: 10 });
  expect(dues(pacer, [1_000, 1_000, 11_000, 6_000, 0])).toEqual([0, 0, 1_000, 500, -100]);
});

it('half speed takes twice as long', () => {
  expect(dues(new Pacer({ kind: 'speed', factor: 0.5 }), [0, 1_000])).toEqual([0, 2_000]);
});

it('in groups, rows of one time go together, so many times a second, however far apart they are', () => {
  const pacer = new Pacer({ kind: 'groups', perSecond: 2 });
  expect(dues(pacer, [7, 7, 8, 90_000, 90_000, 90_001])).toEqual([0, 0, 500, 1_000, 1_000, 1_500]);
});

it.each<[Pace, number]>([
  [{ kind: 'max' }, 0],
  [{ kind: 'speed', factor: 0.5 }, 180_002],
  [{ kind: 'groups', perSecond: 2 }, 1_500],
])('%j says beforehand when the last row is due', (pace, takesMs) => {
  const times = [7, 7, 8, 90_000, 90_000, 90_008];
  expect(dues(new Pacer(pace), times).at(-1)).toBe(takesMs);
  expect(replayMs(pace, { originMs: 7, latestMs: 90_008, groups: 4 })).toBe(takesMs);
});

it.each([
  [5_000, '5 s'],
  [11_001, '12 s'],
  [59_999, '1 min'],
  [60_000, '1 min'],
  [1_259_000, '21 min'],
  [3_599_999, '1 h'],
  [11_100_000, '3 h 5 min'],
])('%i ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

import { expect, it } from 'vitest';
import { Pacer } from './pace.ts';

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
